#include "model/format/hf_tokenizer_json.h"

#include <algorithm>
#include <map>

#include "core/base/base.h"
#include "model/format/hf_cutting.h"
#include "model/format/hf_decoders.h"
#include "model/format/hf_normalizers.h"
#include "model/format/hf_post_processors.h"
#include "model/format/hf_pre_tokenizers.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

using system::Json;
using system::JsonArray;

class Reader {
 public:
  Reader(const Json& root, const std::string& name, uint64_t limit) : root_(root), name_(name), limit_(limit) {}

  HfVocabulary run() {
    const std::vector<Component> normalizers = components(root_, "normalizer", "normalizers", name_);
    normalizing_ = read_normalizers(normalizers);
    cutting_ = read_pre_tokenizers(components(root_, "pre_tokenizer", "pretokenizers", name_));
    check_decoders(components(root_, "decoder", "decoders", name_));
    const Json& model = root_.at("model");
    const std::string type = model.find("type") == nullptr ? "BPE" : model.at("type").as_string(name_ + ": model.type");
    const std::string what = name_ + ": model";
    if (type == "BPE") {
      read_bpe(model, what);
    } else if (type == "WordPiece") {
      read_wordpiece(model, what);
    } else if (type == "Unigram") {
      read_unigram(model, what);
    } else {
      fail_with(ErrorCode::kUnsupported, what, ": ", printable(type),
                " is not supported; supported: BPE, Unigram, WordPiece");
    }
    read_post_processors(components(root_, "post_processor", "processors", name_), made_);
    if (made_.model == "bert") mark_word_starts();
    return std::move(made_);
  }

 private:
  [[noreturn]] void refuse(std::string_view what) const { fail_with(ErrorCode::kUnsupported, name_, ": ", what); }

  void put(uint64_t id, std::string text, HfTokenType type, const std::string& what, float score = 0.0F) {
    made_.put(id, {std::move(text), score, type}, limit_, what);
  }

  // vocab of BPE and WordPiece: {"spelling": id}.
  void read_spellings(const Json& model, const std::string& what) {
    const std::string where = what + ".vocab";
    for (const auto& [text, id] : model.at("vocab").as_object(where))
      put(id_of(id, where), text, HfTokenType::kNormal, where);
  }
  static uint64_t id_of(const Json& json, const std::string& where) {
    const int64_t id = json.as_integer(where);
    if (id < 0) fail_with(ErrorCode::kInvalidFile, where, ": id ", id, ", expected a count");
    return static_cast<uint64_t>(id);
  }

  // Behind the model's own tokens, or among them. What a folder's text may spell is for control or for users.
  void read_added(const std::string& what_is_unknown) {
    const Json* added = root_.find("added_tokens");
    if (added == nullptr || added->is_null()) return;
    const std::string where = name_ + ": added_tokens";
    for (const Json& token : added->as_array(where)) {
      std::string text = token.at("content").as_string(where + ".content");
      const uint64_t id = id_of(token.at("id"), where + ".id");
      const Json* special = token.find("special");
      const bool is_special = (special != nullptr && special->as_bool(where + ".special")) || looks_special(text);
      HfTokenType type = is_special ? HfTokenType::kControl : HfTokenType::kUserDefined;
      if (!what_is_unknown.empty() && text == what_is_unknown) type = HfTokenType::kUnknown;
      if (id < made_.tokens.size() && made_.tokens[id].type != HfTokenType::kUnused) {
        if (made_.tokens[id].text != text) {
          fail_with(ErrorCode::kInvalidFile, where, ": id ", id, " is ", printable(text), ", in the vocabulary it is ",
                    printable(made_.tokens[id].text));
        }
        made_.tokens[id].type = type;
      } else {
        if (const auto other = made_.find(text)) {
          fail_with(ErrorCode::kInvalidFile, where, ": ", printable(text), " has ids ", *other, " and ", id);
        }
        put(id, text, type, where, -1000.0F);
      }
      take_rules(token, where, made_.tokens[id]);
      check_is_read_as_written(token, made_.tokens[id].text, where);
      if (!is_special) made_.tokens[id].text = with_spaces(made_.tokens[id].text);
    }
  }
  // Special tokens are found in texts as people write them, not as normalizers make them.
  void check_is_read_as_written(const Json& token, std::string_view text, const std::string& where) const {
    const Json* normalized = token.find("normalized");
    if (normalized == nullptr || normalized->is_null() || !normalized->as_bool(where + ".normalized")) return;
    const bool lowers = std::ranges::find(normalizing_.forms, "lowercase") != normalizing_.forms.end() ||
                        (normalizing_.bert != nullptr && normalizing_.bert->truth_or("lowercase", true));
    const auto changes = [](char c) { return (c >= 'A' && c <= 'Z') || static_cast<uint8_t>(c) >= 0x80; };
    if (lowers && std::ranges::any_of(text, changes)) {
      fail_with(ErrorCode::kUnsupported, where, ": ", printable(text),
                ": normalized, where small letters are made, is not supported for it");
    }
  }
  // Texts are looked through for these before spaces are marked.
  static std::string with_spaces(std::string_view text) {
    std::string plain;
    for (size_t i = 0; i < text.size();) {
      const bool is_mark = text.substr(i).starts_with(kSpaceMark);
      plain.push_back(is_mark ? ' ' : text[i]);
      i += is_mark ? kSpaceMark.size() : 1;
    }
    return plain;
  }

  static std::string word_or_none(const Json& model, std::string_view key, const std::string& what) {
    const Json* found = model.find(key);
    return found == nullptr || found->is_null() ? "" : found->as_string(str(what, '.', key));
  }
  static bool truth(const Json& model, std::string_view key, const std::string& what) {
    const Json* found = model.find(key);
    return found != nullptr && !found->is_null() && found->as_bool(str(what, '.', key));
  }

  void read_bpe(const Json& model, const std::string& what) {
    for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (!word_or_none(model, key, what).empty()) refuse(str("model: ", key, " is not supported"));
    }
    const Json* dropout = model.find("dropout");
    if (dropout != nullptr && !dropout->is_null() && dropout->as_number(what + ".dropout") != 0.0)
      refuse("model: dropout is not supported");
    read_spellings(model, what);
    const std::string unknown = word_or_none(model, "unk_token", what);
    if (!unknown.empty()) {
      const auto id = made_.find(unknown);
      if (!id)
        fail_with(ErrorCode::kInvalidFile, what, ".unk_token: ", printable(unknown), " is not in the vocabulary");
      made_.special["unk"] = *id;
    }
    read_merges(model, what);
    if (cutting_.has_bytes) {
      read_added("");
      finish_byte_bpe(model, what);
    } else {
      read_added(unknown);
      finish_character_bpe(model, what);
    }
  }

  void read_merges(const Json& model, const std::string& what) {
    const std::string where = what + ".merges";
    for (const Json& merge : model.at("merges").as_array(where)) {
      if (merge.is_string()) {
        made_.merges.push_back(merge.as_string(where));
        continue;
      }
      const JsonArray& pair = merge.as_array(where);
      if (pair.size() != 2)
        fail_with(ErrorCode::kInvalidFile, where, ": merge ", made_.merges.size(), " has ", pair.size(),
                  " parts, expected 2");
      const std::string& left = pair[0].as_string(where);
      const std::string& right = pair[1].as_string(where);
      if (left.find(' ') != std::string::npos || right.find(' ') != std::string::npos)
        fail_with(ErrorCode::kUnsupported, where, ": merge ", made_.merges.size(), " has a space within a part");
      made_.merges.push_back(str(left, ' ', right));
    }
    for (size_t i = 0; i < made_.merges.size(); ++i) {
      const std::string& merge = made_.merges[i];
      const size_t space = merge.find(' ', 1);
      const bool is_pair = space != std::string::npos && space + 1 < merge.size();
      if (!is_pair || !made_.find(std::string_view(merge).substr(0, space)) ||
          !made_.find(std::string_view(merge).substr(space + 1))) {
        fail_with(ErrorCode::kInvalidFile, where, ": merge ", i, ", ", printable(merge),
                  ", is not of two tokens of the vocabulary");
      }
    }
  }

  void finish_byte_bpe(const Json& model, const std::string& what) {
    made_.model = "gpt2";
    if (normalizing_.bert != nullptr || normalizing_.marks_spaces || normalizing_.prepends_mark ||
        !normalizing_.charsmap.empty() || normalizing_.strips || normalizing_.joins_spaces || cutting_.has_metaspace ||
        cutting_.has_bert || cutting_.splits_spaces) {
      refuse("normalizer, pre_tokenizer: bytes together with components of other vocabularies are not supported");
    }
    const bool whole_words_first = truth(model, "ignore_merges", what);
    NamedCuts named = name_cuts(cutting_.cuts, whole_words_first);
    made_.pre = named.name;
    made_.patterns = std::move(named.patterns);
    made_.whole_words_first = whole_words_first;
    if (cutting_.add_prefix_space) made_.add_space_prefix = true;
    const std::vector<std::string> implied = named.nfc ? std::vector<std::string>{"nfc"} : std::vector<std::string>();
    if (normalizing_.forms != implied || !made_.patterns.empty()) made_.normalizers = normalizing_.forms;
  }

  // SentencePiece's BPE: pieces merge by their scores, which are the order of merges here.
  void finish_character_bpe(const Json& model, const std::string& what) {
    if (!truth(model, "byte_fallback", what))
      refuse("model: BPE without bytes (ByteLevel or byte_fallback) is not supported");
    if (!normalizing_.marks_spaces && !cutting_.has_metaspace)
      refuse("model: BPE that marks no spaces is not supported");
    if (!normalizing_.forms.empty() || normalizing_.bert != nullptr || !normalizing_.charsmap.empty() ||
        !cutting_.cuts.empty())
      refuse("normalizer, pre_tokenizer: more than marks for spaces is not supported in front of this BPE");
    const bool has_prefix = normalizing_.prepends_mark || (cutting_.has_metaspace && cutting_.add_prefix_space);
    made_.add_space_prefix = has_prefix;
    for (HfToken& token : made_.tokens) {
      if (token.type == HfTokenType::kNormal && is_byte(token.text)) token.type = HfTokenType::kByte;
    }
    if (!has_prefix) {  // as Gemma has it
      made_.model = made_.pre = "gemma4";
      return;
    }
    made_.model = "llama";
    std::map<std::string, size_t> rank;
    for (size_t i = 0; i < made_.merges.size(); ++i) {
      std::string joined = made_.merges[i];
      joined.erase(joined.find(' ', 1), 1);
      rank.emplace(std::move(joined), rank.size());
    }
    for (HfToken& token : made_.tokens) {
      const auto found = rank.find(token.text);
      if (token.type == HfTokenType::kNormal)
        token.score = -static_cast<float>(found == rank.end() ? rank.size() + 1 : found->second);
    }
    made_.merges.clear();
  }
  // "<0x0A>".
  static bool is_byte(std::string_view text) {
    const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); };
    return text.size() == 6 && text.starts_with("<0x") && text[5] == '>' && is_digit(text[3]) && is_digit(text[4]);
  }

  void read_wordpiece(const Json& model, const std::string& what) {
    made_.model = "bert";
    made_.pre = "bert-bge";  // one of several names that all mean this
    if (word_or_none(model, "continuing_subword_prefix", what) != "##")
      refuse("model: a continuing_subword_prefix other than ## is not supported");
    if (const Json* most = model.find("max_input_chars_per_word"); most != nullptr && most->as_integer(what) != 100)
      refuse("model: max_input_chars_per_word other than 100 is not supported");
    if (normalizing_.bert == nullptr && !normalizing_.forms.empty())
      refuse("normalizer: only BertNormalizer is supported in front of WordPiece");
    if (!cutting_.has_bert) refuse("pre_tokenizer: only BertPreTokenizer is supported in front of WordPiece");
    read_spellings(model, what);
    const std::string unknown = word_or_none(model, "unk_token", what);
    const auto id = made_.find(unknown);
    if (!id) fail_with(ErrorCode::kInvalidFile, what, ".unk_token: ", printable(unknown), " is not in the vocabulary");
    made_.special["unk"] = *id;
    read_added("");
    const bool lowercase = normalizing_.bert != nullptr && normalizing_.bert->truth_or("lowercase", true);
    made_.lowercase = lowercase;
    made_.strip_accents = normalizing_.bert != nullptr && normalizing_.bert->truth_or("strip_accents", lowercase);
    if (normalizing_.bert == nullptr) return;
    if (!normalizing_.bert->truth_or("clean_text", true) || !normalizing_.bert->truth_or("handle_chinese_chars", true))
      refuse("normalizer: BertNormalizer without clean_text or handle_chinese_chars is not supported");
  }

  // The field's files mark pieces that begin words, not those that go on.
  void mark_word_starts() {
    for (HfToken& token : made_.tokens) {
      if (token.type == HfTokenType::kControl || token.type == HfTokenType::kUnused) continue;
      token.text = token.text.starts_with("##") ? token.text.substr(2) : str(kSpaceMark, token.text);
    }
  }

  void read_unigram(const Json& model, const std::string& what) {
    made_.model = "t5";
    const std::string where = what + ".vocab";
    uint64_t next = 0;
    for (const Json& entry : model.at("vocab").as_array(where)) {
      const JsonArray& pair = entry.as_array(where);
      if (pair.size() != 2)
        fail_with(ErrorCode::kInvalidFile, where, ": entry ", next, " has ", pair.size(), " parts, expected 2");
      std::string text = pair[0].as_string(where);
      const HfTokenType type = is_byte(text) ? HfTokenType::kByte : HfTokenType::kNormal;
      put(next++, std::move(text), type, where, static_cast<float>(pair[1].as_number(where)));
    }
    const Json* unknown = model.find("unk_id");
    std::string unknown_text;
    if (unknown != nullptr && !unknown->is_null()) {
      const uint64_t id = id_of(*unknown, what + ".unk_id");
      if (id >= next) fail_with(ErrorCode::kInvalidFile, what, ".unk_id: is ", id, " of ", next, " tokens");
      made_.special["unk"] = static_cast<uint32_t>(id);
      made_.tokens[id].type = HfTokenType::kUnknown;
      unknown_text = made_.tokens[id].text;
    }
    read_added(unknown_text);
    if (!normalizing_.forms.empty() || normalizing_.bert != nullptr || !cutting_.cuts.empty() || cutting_.has_bytes ||
        cutting_.has_bert)
      refuse(
          "normalizer, pre_tokenizer: only Precompiled, Replace, Strip, WhitespaceSplit and Metaspace are supported in "
          "front of Unigram");
    made_.charsmap = normalizing_.charsmap;
    made_.add_space_prefix = cutting_.has_metaspace ? cutting_.add_prefix_space : normalizing_.prepends_mark;
    made_.remove_extra_whitespaces = cutting_.splits_spaces || normalizing_.joins_spaces || normalizing_.strips;
  }

  const Json& root_;
  const std::string& name_;
  const uint64_t limit_;
  HfVocabulary made_;
  Normalizing normalizing_;
  Cutting cutting_;
};

}  // namespace

HfVocabulary read_tokenizer_json(const Json& root, const std::string& name, uint64_t limit) {
  return Reader(root, name, limit).run();
}

}  // namespace kinglet::format
