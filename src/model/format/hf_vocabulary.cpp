#include "model/format/hf_vocabulary.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "core/base/base.h"
#include "home/system/file.h"
#include "model/format/file_json.h"
#include "model/format/hf_tekken.h"
#include "model/format/hf_tokenizer_json.h"
#include "model/format/printable.h"
#include "model/format/sentencepiece_model.h"

namespace kinglet::format {
namespace {

namespace fs = std::filesystem;
using system::Json;
using system::JsonArray;
using system::JsonObject;

constexpr uint64_t kMaxTokens = 4'000'000;       // many times those of any model
constexpr uint64_t kMaxJsonBytes = 256'000'000;  // tokenizer.json of 260,000 tokens has 33 MB
constexpr uint64_t kMaxModelBytes = 64'000'000;
constexpr uint64_t kMaxTemplateBytes = 4'000'000;
constexpr size_t kMaxDepth = 32;

struct Role {
  std::string_view name;
  std::string_view key;
};
constexpr std::array kRoles = {
    Role{"bos", "tokenizer.ggml.bos_token_id"},     Role{"eos", "tokenizer.ggml.eos_token_id"},
    Role{"unk", "tokenizer.ggml.unknown_token_id"}, Role{"sep", "tokenizer.ggml.seperator_token_id"},  // spelled so
    Role{"pad", "tokenizer.ggml.padding_token_id"}, Role{"cls", "tokenizer.ggml.cls_token_id"},
    Role{"mask", "tokenizer.ggml.mask_token_id"},
};

// A JSON file of the folder; null where it is not there.
Json read_json(const std::string& path, uint64_t max_bytes = kMaxJsonBytes) {
  return fs::exists(path) ? read_json_file(path, max_bytes, kMaxDepth) : Json();
}

class Folder {
 public:
  Folder(const std::string& path, uint64_t limit)
      : path_(path), limit_(limit), config_(read_json(file("tokenizer_config.json"))) {}

  std::optional<HfVocabulary> words(bool merges_count) {
    std::optional<HfVocabulary> made;
    if (const Json root = read_json(file("tokenizer.json")); !root.is_null()) {
      made = from_json(root, file("tokenizer.json"));
    } else if (const Json tekken = read_json(file("tekken.json")); !tekken.is_null()) {
      made = read_tekken(tekken, file("tekken.json"), limit_);
    } else if (const Json written = older_form(); !written.is_null()) {
      made = from_json(written, path_);
    }
    const bool is_character_bpe = made && (made->model == "llama" || made->model == "gemma4");
    const std::string model = file("tokenizer.model");
    if (fs::exists(model) && !merges_count && (!made || is_character_bpe)) {
      HfVocabulary pieces = read_sentencepiece_model(system::read_file(model, kMaxModelBytes), model, limit_);
      if (made) {
        overlay(*made, pieces);
      } else {
        add_from_config(pieces);
      }
      made = std::move(pieces);
    }
    if (made) take_roles(*made);
    return made;
  }

  void fill_templates(Metadata& metadata) const {
    JsonObject templates;
    const Json* in_config = config_.find("chat_template");
    const std::string main = file("chat_template.jinja");
    if (fs::exists(main)) {
      templates.emplace_back("default", system::read_file(main, kMaxTemplateBytes));
    } else if (in_config != nullptr && !in_config->is_null()) {
      reading_json(file("tokenizer_config.json"), [&] { take_listed(*in_config, templates); });
    } else if (const Json other = read_json(file("chat_template.json"), kMaxTemplateBytes); !other.is_null()) {
      reading_json(file("chat_template.json"), [&] { take_listed(other.at("chat_template"), templates); });
    }
    take_folder(templates);
    std::vector<std::string_view> names;
    for (const auto& [name, text] : templates) {
      if (name == "default") {
        metadata.set("tokenizer.chat_template", text.as_string("chat_template"));
      } else {
        metadata.set(str("tokenizer.chat_template.", name), text.as_string("chat_template"));
        names.push_back(name);
      }
    }
    if (!names.empty()) metadata.set_strings("tokenizer.chat_templates", names);
  }

 private:
  [[nodiscard]] std::string file(std::string_view name) const { return str(path_, '/', name); }

  HfVocabulary from_json(const Json& root, const std::string& name) const {
    return reading_json(name, [&] { return read_tokenizer_json(root, name, limit_); });
  }

  // Files of before tokenizer.json, as one would say them there.
  [[nodiscard]] Json older_form() const {
    Json root;
    if (fs::exists(file("vocab.json")) && fs::exists(file("merges.txt"))) {
      root.set("model", JsonObject{{"type", "BPE"}, {"vocab", read_json(file("vocab.json"))}, {"merges", merges()}});
      const Json* tokenizer_class = config_.find("tokenizer_class");
      const std::string name = tokenizer_class == nullptr || !tokenizer_class->is_string()
                                   ? "GPT2Tokenizer"
                                   : tokenizer_class->as_string("");
      if (name.starts_with("Roberta")) {
        root.set(
            "post_processor",
            JsonObject{{"type", "RobertaProcessing"}, {"cls", JsonArray{"<s>", 0}}, {"sep", JsonArray{"</s>", 2}}});
      } else if (!name.starts_with("GPT2")) {
        fail_with(
            ErrorCode::kUnsupported, path_, ": ", printable(name),
            " without tokenizer.json is not supported; supported: GPT2Tokenizer, RobertaTokenizer, BertTokenizer");
      }
      root.set("pre_tokenizer", JsonObject{{"type", "ByteLevel"}, {"add_prefix_space", false}});
    } else if (fs::exists(file("vocab.txt"))) {
      root.set(
          "model",
          JsonObject{
              {"type", "WordPiece"}, {"unk_token", "[UNK]"}, {"continuing_subword_prefix", "##"}, {"vocab", lines()}});
      const Json* lower = config_.find("do_lower_case");
      root.set("normalizer", JsonObject{{"type", "BertNormalizer"},
                                        {"lowercase", lower == nullptr || lower->as_bool("do_lower_case")}});
      root.set("pre_tokenizer", JsonObject{{"type", "BertPreTokenizer"}});
    } else {
      return root;
    }
    root.set("added_tokens", added());
    return root;
  }

  [[nodiscard]] Json merges() const {
    JsonArray all;
    each_line("merges.txt", [&](std::string line) {
      if (!line.empty() && !(all.empty() && line.starts_with("#version"))) all.emplace_back(std::move(line));
    });
    return all;
  }
  [[nodiscard]] Json lines() const {
    JsonObject all;
    each_line("vocab.txt", [&](std::string line) {
      const auto id = static_cast<int64_t>(all.size());
      all.emplace_back(std::move(line), id);
    });
    return all;
  }
  template <class Use>
  void each_line(std::string_view name, const Use& use) const {
    const std::string text = system::read_file(file(name), kMaxJsonBytes);
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      std::string line = text.substr(begin, end - begin);
      if (line.ends_with('\r')) line.pop_back();
      use(std::move(line));
      begin = end + 1;
    }
  }

  // Tokens that tokenizer_config.json and added_tokens.json add, in the form of tokenizer.json.
  [[nodiscard]] Json added() const {
    JsonArray all;
    if (const Json* decoder = config_.find("added_tokens_decoder")) {
      for (const auto& [id, token] : decoder->as_object("added_tokens_decoder")) {
        Json entry = token;
        entry.set("id", id_of(id));
        all.push_back(std::move(entry));
      }
      return all;
    }
    const Json plain = read_json(file("added_tokens.json"));
    if (plain.is_null()) return all;
    for (const auto& [text, id] : plain.as_object("added_tokens.json"))
      all.emplace_back(JsonObject{{"id", id}, {"content", text}, {"special", false}});
    return all;
  }
  static int64_t id_of(const std::string& digits) {
    const bool is_number =
        !digits.empty() && digits.size() < 10 && digits.find_first_not_of("0123456789") == std::string::npos;
    if (!is_number) fail_with(ErrorCode::kInvalidFile, "added_tokens_decoder: ", printable(digits), " is no token id");
    return std::stoll(digits);
  }

  // What tokenizer.json says beside pieces and scores.
  static void overlay(const HfVocabulary& json, HfVocabulary& pieces) {
    pieces.add_bos = json.add_bos;
    pieces.add_eos = json.add_eos;
    pieces.add_sep = json.add_sep;
    for (const auto& [role, id] : json.special) pieces.special[role] = id;
    if (json.tokens.size() > pieces.tokens.size()) pieces.pad(json.tokens.size());
    for (size_t id = 0; id < json.tokens.size(); ++id) {
      const HfToken& token = json.tokens[id];
      if (token.type == HfTokenType::kControl || token.type == HfTokenType::kUserDefined)
        pieces.tokens[id] = {token.text,        -1000.0F,           token.type,
                             token.strips_left, token.strips_right, token.single_word};
    }
  }
  void add_from_config(HfVocabulary& pieces) const {
    const std::string what = file("tokenizer_config.json");
    const Json tokens = reading_json(what, [&] { return added(); });
    reading_json(what, [&] {
      for (const Json& token : tokens.as_array("added tokens")) {
        const std::string& text = token.at("content").as_string("content");
        const int64_t id = token.at("id").as_integer("id");
        if (id < 0 || static_cast<uint64_t>(id) >= limit_)
          fail_with(ErrorCode::kInvalidFile, what, ": token ", printable(text), " has id ", id, " of ", limit_);
        const Json* special = token.find("special");
        const bool is_special = (special != nullptr && special->as_bool("special")) || looks_special(text);
        if (static_cast<size_t>(id) >= pieces.tokens.size()) pieces.pad(static_cast<uint64_t>(id) + 1);
        HfToken& place = pieces.tokens[static_cast<size_t>(id)];
        place = {text, -1000.0F, is_special ? HfTokenType::kControl : HfTokenType::kUserDefined};
        take_rules(token, what, place);
      }
    });
  }

  // "bos_token" and the like name tokens; add_bos_token and add_eos_token count where the words do not say it.
  void take_roles(HfVocabulary& made) const {
    const Json map = read_json(file("special_tokens_map.json"));
    for (const Role& role : kRoles) {
      const std::string key = str(role.name, "_token");
      const std::optional<std::string> text = spelled(config_, key) ? spelled(config_, key) : spelled(map, key);
      if (!text) continue;
      if (const auto id = made.find(*text)) made.special[std::string(role.name)] = *id;
    }
    const auto take = [&](std::string_view key, std::optional<bool>& into) {
      const Json* found = config_.find(key);
      if (!into && found != nullptr && found->is_bool()) into = found->as_bool(key);
    };
    take("add_bos_token", made.add_bos);
    take("add_eos_token", made.add_eos);
    // Of these words names of cuts imply in other programs that a text begins with bos.
    if (made.model == "gpt2" && !made.add_bos) made.add_bos = false;
    const auto stand_in = [&](const char* role, const char* other) {
      const auto found = made.special.find(other);
      if (found != made.special.end()) made.special.emplace(role, found->second);
    };
    stand_in("bos", "cls");
    stand_in("eos", "sep");
    if (made.model != "bert") return;
    stand_in("cls", "bos");
    stand_in("sep", "eos");
  }
  static std::optional<std::string> spelled(const Json& json, const std::string& key) {
    const Json* found = json.find(key);
    if (found != nullptr && found->is_object()) found = found->find("content");
    if (found == nullptr || !found->is_string()) return std::nullopt;
    return found->as_string(key);
  }

  static void take_listed(const Json& found, JsonObject& templates) {
    if (found.is_string()) {
      templates.emplace_back("default", found);
      return;
    }
    for (const Json& entry : found.as_array("chat_template"))
      templates.emplace_back(entry.at("name").as_string("name"), entry.at("template").as_string("template"));
  }
  void take_folder(JsonObject& templates) const {
    std::vector<fs::path> paths;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(file("additional_chat_templates"), ignored)) {
      if (entry.path().extension() == ".jinja") paths.push_back(entry.path());
    }
    std::ranges::sort(paths);
    for (const fs::path& path : paths) {
      const std::string name = path.stem().string();
      const bool is_new = std::ranges::find(templates, name, &JsonObject::value_type::first) == templates.end();
      if (is_new) templates.emplace_back(name, system::read_file(path.string(), kMaxTemplateBytes));
    }
  }

  const std::string& path_;
  const uint64_t limit_;
  const Json config_;
};

}  // namespace

void HfVocabulary::put(uint64_t id, HfToken token, uint64_t limit, const std::string& what) {
  if (id >= limit)
    fail_with(ErrorCode::kInvalidFile, what, ": ", printable(token.text), " has id ", id, ", the vocabulary has ",
              limit);
  if (id >= tokens.size()) tokens.resize(static_cast<size_t>(id) + 1);
  HfToken& place = tokens[static_cast<size_t>(id)];
  if (place.type != HfTokenType::kUnused)
    fail_with(ErrorCode::kInvalidFile, what, ": id ", id, " is ", printable(place.text), " and ",
              printable(token.text));
  ids_.emplace(token.text, static_cast<uint32_t>(id));
  place = std::move(token);
}

std::optional<uint32_t> HfVocabulary::find(std::string_view text) const {
  const auto found = ids_.find(text);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

void HfVocabulary::pad(uint64_t n) {
  if (n > tokens.size()) tokens.resize(static_cast<size_t>(n));
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].type == HfTokenType::kUnused && tokens[id].text.empty())
      tokens[id] = {str("[PAD", id, ']'), -10000.0F, HfTokenType::kUnused};
  }
}

void HfVocabulary::write(Metadata& metadata) const {
  const auto strings = [&](std::string_view key, const std::vector<std::string>& values) {
    metadata.set_strings(key, std::vector<std::string_view>(values.begin(), values.end()));
  };
  metadata.set("tokenizer.ggml.model", model);
  if (model != "gemma4") metadata.set("tokenizer.ggml.pre", pre);
  std::vector<std::string_view> texts;
  std::vector<float> scores;
  std::vector<int32_t> types;
  for (const HfToken& token : tokens) {
    texts.push_back(token.text);
    scores.push_back(token.score);
    types.push_back(static_cast<int32_t>(token.type));
  }
  metadata.set_strings("tokenizer.ggml.tokens", texts);
  if (model == "llama" || model == "t5" || model == "gemma4")
    metadata.set_array("tokenizer.ggml.scores", std::span<const float>(scores));
  metadata.set_array("tokenizer.ggml.token_type", std::span<const int32_t>(types));
  if (!merges.empty()) strings("tokenizer.ggml.merges", merges);
  for (const Role& role : kRoles) {
    if (const auto found = special.find(std::string(role.name)); found != special.end())
      metadata.set(role.key, found->second);
  }
  const auto truth = [&](std::string_view key, const std::optional<bool>& value) {
    if (value) metadata.set(key, *value);
  };
  truth("tokenizer.ggml.add_bos_token", add_bos);
  truth("tokenizer.ggml.add_eos_token", add_eos);
  truth("tokenizer.ggml.add_sep_token", add_sep);
  truth("tokenizer.ggml.add_space_prefix", add_space_prefix);
  truth("tokenizer.ggml.normalizer.lowercase", lowercase);
  truth("tokenizer.ggml.normalizer.strip_accents", strip_accents);
  // Of BPE the field's other programs do not read it; its models rarely have it.
  if (model == "t5" || remove_extra_whitespaces == true)
    truth("tokenizer.ggml.remove_extra_whitespaces", remove_extra_whitespaces);
  if (!charsmap.empty()) {
    const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(charsmap.data()), charsmap.size());
    metadata.set_array("tokenizer.ggml.precompiled_charsmap", bytes);
  }
  if (!patterns.empty()) {
    strings("tokenizer.kinglet.patterns", patterns);
    metadata.set("tokenizer.kinglet.whole_words_first", whole_words_first);
  }
  const auto ids_with = [&](std::string_view key, bool HfToken::* rule) {
    std::vector<uint32_t> ids;
    for (size_t id = 0; id < tokens.size(); ++id) {
      if (tokens[id].*rule) ids.push_back(static_cast<uint32_t>(id));
    }
    if (!ids.empty()) metadata.set_array(key, std::span<const uint32_t>(ids));
  };
  ids_with("tokenizer.kinglet.strips_left", &HfToken::strips_left);
  ids_with("tokenizer.kinglet.strips_right", &HfToken::strips_right);
  ids_with("tokenizer.kinglet.single_words", &HfToken::single_word);
  if (normalizers) strings("tokenizer.kinglet.normalizers", *normalizers);
}

void take_rules(const Json& added, const std::string& what, HfToken& token) {
  const auto truth = [&](std::string_view key) {
    const Json* found = added.find(key);
    return found != nullptr && !found->is_null() && found->as_bool(str(what, '.', key));
  };
  token.strips_left = truth("lstrip");
  token.strips_right = truth("rstrip");
  token.single_word = truth("single_word");
}

bool looks_special(std::string_view text) {
  constexpr std::array<std::string_view, 4> kKnown = {"<pad>", "<mask>", "<2mass>", "[@BOS@]"};
  const auto is_between = [&](std::string_view begin, std::string_view end) {
    return text.starts_with(begin) && text.ends_with(end);
  };
  return std::ranges::find(kKnown, text) != kKnown.end() || is_between("<|", "|>") ||
         is_between("<\xEF\xBD\x9C", "\xEF\xBD\x9C>") || is_between("<unused", ">");
}

void fill_vocabulary(const std::string& folder, std::optional<uint64_t> vocab_size, Metadata& metadata) {
  Folder files(folder, std::min(vocab_size.value_or(kMaxTokens), kMaxTokens));
  const bool merges_count = metadata.get<std::string_view>("general.architecture") == "gemma4";
  std::optional<HfVocabulary> made = files.words(merges_count);
  if (made) {
    made->pad(vocab_size.value_or(0));
    made->write(metadata);
  }
  files.fill_templates(metadata);
}

}  // namespace kinglet::format
