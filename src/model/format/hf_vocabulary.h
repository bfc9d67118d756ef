// What a folder says about its words, in the terms of GGUF: one vocabulary, whatever file it comes from.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "home/system/json.h"
#include "model/format/metadata.h"

namespace kinglet::format {

/// Numbers of tokenizer.ggml.token_type.
enum class HfTokenType : int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

struct HfToken {
  std::string text;
  float score = 0.0F;
  HfTokenType type = HfTokenType::kUnused;
  bool strips_left = false;   ///< Takes the blanks before it.
  bool strips_right = false;  ///< Takes the blanks behind it.
  bool single_word = false;   ///< Is read only where no letter, number or underscore stands beside it.
};

/// Its keys are those that llama.cpp's converter writes. What they cannot say stands in keys of ours, which it ignores:
/// tokenizer.kinglet.patterns (cuts, one after another), .normalizers (in order), .whole_words_first, .strips_left,
/// .strips_right and .single_words (ids).
struct HfVocabulary {
  std::string model;            ///< tokenizer.ggml.model: gpt2, gemma4, llama, bert or t5.
  std::string pre = "default";  ///< tokenizer.ggml.pre.
  std::vector<HfToken> tokens;  ///< By id.
  std::vector<std::string> merges;
  std::string charsmap;  ///< Of Unigram: SentencePiece's table of normalization.
  std::vector<std::string> patterns = {};
  std::optional<std::vector<std::string>> normalizers = {};
  bool whole_words_first = false;  ///< Counts where there are patterns.
  std::optional<bool> add_bos = {};
  std::optional<bool> add_eos = {};
  std::optional<bool> add_sep = {};
  std::optional<bool> add_space_prefix = {};
  std::optional<bool> remove_extra_whitespaces = {};
  std::optional<bool> lowercase = {};
  std::optional<bool> strip_accents = {};
  std::map<std::string, uint32_t> special = {};  ///< "bos", "eos", "unk", ...: ids.

  /// Puts a token at its place. Throws Error{kInvalidFile} for an id at or over `limit`, and for a place that another
  /// spelling has. `what` names the file and the token's place in it.
  void put(uint64_t id, HfToken token, uint64_t limit, const std::string& what);
  /// The token of this spelling.
  [[nodiscard]] std::optional<uint32_t> find(std::string_view text) const;
  /// Grows to n tokens; places without one get a spelling that no text has.
  void pad(uint64_t n);
  void write(Metadata& metadata) const;

 private:
  std::map<std::string, uint32_t, std::less<>> ids_;  // ordered: no hash that a hostile file could make collide
};

/// Sets the rules of a token (lstrip, rstrip, single_word) from its entry in tokenizer.json or tokenizer_config.json.
void take_rules(const system::Json& added, const std::string& what, HfToken& token);

/// Whether a token that a folder calls plain is for control, by its spelling. Source: llama.cpp's converter.
bool looks_special(std::string_view text);

/// Reads the words of a folder (tokenizer.json, else tekken.json, tokenizer.model, vocab.json with merges.txt, or
/// vocab.txt; what tokenizer_config.json and special_tokens_map.json say about them; chat templates) into the keys
/// tokenizer.*. Nothing is set where the folder has none of these files. `vocab_size` is the model's: ids reach no
/// further. Throws Error{kInvalidFile} for what contradicts itself, kUnsupported for a component that is not known
/// (named, with those that are).
void fill_vocabulary(const std::string& folder, std::optional<uint64_t> vocab_size, Metadata& metadata);

}  // namespace kinglet::format
