#include "run/chat/infill.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/base/base.h"

namespace kinglet::chat {
namespace {

using format::Metadata;

// Spellings of one family's tokens; empty: it has none of this kind.
struct Spellings {
  std::string_view prefix;
  std::string_view suffix;
  std::string_view middle;
  std::string_view repository = {};
  std::string_view file = {};
};
constexpr std::array kSpellings = {
    Spellings{"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|repo_name|>",
              "<|file_sep|>"},                                                                  // Qwen, Granite 4
    Spellings{"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "", "<|file_separator|>"},  // CodeGemma
    Spellings{"<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<repo_name>", "<file_sep>"},     // StarCoder2
    Spellings{"<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<reponame>", ""},                // Granite
    Spellings{"<fim-prefix>", "<fim-suffix>", "<fim-middle>"},                                  // SantaCoder
    Spellings{"<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"},                            // Seed-Coder
    Spellings{"<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"},                         // GLM
    Spellings{"<|prefix|>", "<|suffix|>", "<|middle|>"},                                        // Falcon H1
    Spellings{"<PRE>", "<SUF>", "<MID>"},
    Spellings{"\xE2\x96\x81<PRE>", "\xE2\x96\x81<SUF>", "\xE2\x96\x81<MID>"},  // CodeLlama
    Spellings{"<\xEF\xBD\x9C"
              "fim\xE2\x96\x81"
              "begin\xEF\xBD\x9C>",
              "<\xEF\xBD\x9C"
              "fim\xE2\x96\x81hole\xEF\xBD\x9C>",
              "<\xEF\xBD\x9C"
              "fim\xE2\x96\x81"
              "end\xEF\xBD\x9C>"},          // DeepSeek
    Spellings{"[PREFIX]", "[SUFFIX]", ""},  // Mistral
};

std::optional<int32_t> by_key(const Metadata& metadata, std::initializer_list<std::string_view> names,
                              uint64_t n_tokens) {
  for (const std::string_view name : names) {
    const auto id = metadata.get<int64_t>(str("tokenizer.ggml.", name, "_token_id"));
    // Files write the largest u32 where there is no such token.
    if (!id || *id == UINT32_MAX || *id == -1) continue;
    if (*id < 0 || static_cast<uint64_t>(*id) >= n_tokens)
      metadata.refuse(str("tokenizer.ggml.", name, "_token_id"), str("is ", *id, " of ", n_tokens, " tokens"));
    return static_cast<int32_t>(*id);
  }
  return std::nullopt;
}

// The ids of all spellings above that the vocabulary has.
std::map<std::string_view, int32_t> spelled(const format::Array& tokens) {
  std::map<std::string_view, int32_t> found;
  for (const Spellings& row : kSpellings) {
    for (const std::string_view word : {row.prefix, row.suffix, row.middle, row.repository, row.file}) {
      if (!word.empty()) found.emplace(word, -1);
    }
  }
  int32_t id = 0;
  tokens.for_each_string([&](std::string_view token) {
    if (const auto it = found.find(token); it != found.end()) it->second = id;
    ++id;
  });
  return found;
}

void add_spelled(const format::Array& tokens, std::optional<int32_t>& prefix, std::optional<int32_t>& suffix,
                 InfillTokens& found) {
  const std::map<std::string_view, int32_t> ids = spelled(tokens);
  const auto id_of = [&](std::string_view word) -> std::optional<int32_t> {
    const auto it = ids.find(word);
    return it == ids.end() || it->second < 0 ? std::nullopt : std::optional(it->second);
  };
  for (const Spellings& row : kSpellings) {
    const bool is_there = id_of(row.prefix) && id_of(row.suffix) && (row.middle.empty() || id_of(row.middle));
    // What keys say stands; the other tokens of the same family are found by their spellings.
    if (!is_there || (prefix && prefix != id_of(row.prefix))) continue;
    if (!prefix || !suffix) {
      prefix = id_of(row.prefix);
      suffix = id_of(row.suffix);
      found.middle = id_of(row.middle);
    }
    if (!found.repository) found.repository = id_of(row.repository);
    if (!found.file) found.file = id_of(row.file);
  }
}

}  // namespace

std::vector<int32_t> InfillTokens::all() const {
  std::vector<int32_t> ids{prefix, suffix};
  for (const auto& id : {middle, repository, file, padding}) {
    if (id) ids.push_back(*id);
  }
  return ids;
}

std::optional<InfillTokens> find_infill_tokens(const Metadata& metadata) {
  const format::Array* tokens = metadata.string_array("tokenizer.ggml.tokens");
  if (tokens == nullptr) return std::nullopt;
  const auto key = [&](std::initializer_list<std::string_view> names) { return by_key(metadata, names, tokens->size); };
  InfillTokens found;
  auto prefix = key({"fim_pre", "prefix"});
  auto suffix = key({"fim_suf", "suffix"});
  found.middle = key({"fim_mid", "middle"});
  found.repository = key({"fim_rep"});
  found.file = key({"fim_sep"});
  found.padding = key({"fim_pad"});
  add_spelled(*tokens, prefix, suffix, found);
  if (!prefix || !suffix) return std::nullopt;
  found.prefix = *prefix;
  found.suffix = *suffix;
  return found;
}

std::vector<int32_t> infill_ends(const format::Metadata& metadata) {
  const auto tokens = find_infill_tokens(metadata);
  return tokens ? tokens->all() : std::vector<int32_t>();
}

std::vector<int32_t> infill_prompt(const text::Tokenizer& tokenizer, const Metadata& metadata, const Infill& infill) {
  const auto tokens = find_infill_tokens(metadata);
  if (!tokens) {
    fail_with(ErrorCode::kUnsupported, metadata.name(),
              ": its vocabulary has no tokens for filling in between two texts; take a model for code");
  }
  std::vector<int32_t> ids;
  const auto add_text = [&](std::string_view text) {
    if (text.empty()) return;
    const std::vector<int32_t> words = tokenizer.encode(text);
    ids.insert(ids.end(), words.begin(), words.end());
  };
  const text::VocabularySpec& spec = tokenizer.spec();
  if (spec.add_bos && spec.bos) ids.push_back(*spec.bos);
  if (!infill.files.empty() && tokens->repository) {
    ids.push_back(*tokens->repository);
    add_text(str(infill.repository.empty() ? "repository" : infill.repository, '\n'));
  }
  const auto add_file = [&](std::string_view name, std::string_view text) {
    if (tokens->file) {
      ids.push_back(*tokens->file);
      add_text(str(name, '\n', text));
    } else if (!tokens->middle) {
      add_text(str("+++++ ", name, '\n', text, '\n'));  // as Mistral's models have other files
    } else {
      add_text(str(text, '\n'));
    }
  };
  for (const InfillFile& file : infill.files) add_file(file.name, file.text);
  if (!infill.files.empty() && tokens->file) add_file(infill.name.empty() ? "file" : infill.name, "");
  if (!tokens->middle) {
    ids.push_back(tokens->suffix);
    add_text(infill.suffix);
    ids.push_back(tokens->prefix);
    add_text(infill.prefix + infill.middle);
    return ids;
  }
  ids.push_back(tokens->prefix);
  add_text(infill.prefix);
  ids.push_back(tokens->suffix);
  add_text(infill.suffix);
  ids.push_back(*tokens->middle);
  add_text(infill.middle);
  return ids;
}

}  // namespace kinglet::chat
