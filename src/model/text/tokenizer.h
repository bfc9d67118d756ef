// Text to token ids and back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/text/vocabulary.h"

namespace kinglet::text {

struct EncodeOptions {
  bool special = false;  ///< Spellings of control tokens become these tokens; user-defined ones always do.
  bool bos = false;      ///< Adds what the model's own rule adds (begin and end of sequence).
  /// Not empty: wherever it stands in the text it is left out, and no control token is read across it or right behind it.
  std::string_view mark = {};
};

/// Constant once made; all functions are thread-safe.
class Tokenizer {
 public:
  virtual ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  /// Throws Error{kUnsupported} for a kind or pre-tokenizer that is not known (named), kInvalidFile for a vocabulary
  /// that contradicts itself.
  static std::unique_ptr<const Tokenizer> make(const VocabularySpec& spec);

  /// Any bytes are accepted; those that are no UTF-8 go through byte tokens.
  [[nodiscard]] std::vector<int32_t> encode(std::string_view text, const EncodeOptions& options = {}) const;

  /// The bytes that a token stands for; control tokens give theirs only with `special`. The id is below vocab_size().
  [[nodiscard]] std::string bytes_of(int32_t token, bool special = false) const;

  /// Whether decoding drops a space at the very start of a text.
  [[nodiscard]] bool drops_first_space() const noexcept { return drops_first_space_; }

  /// All of it at once. Throws Error{kInvalidArgument} for an id outside of the vocabulary.
  [[nodiscard]] std::string decode(std::span<const int32_t> tokens, bool special = false) const;

  [[nodiscard]] size_t vocab_size() const noexcept { return spec_.tokens.size(); }
  [[nodiscard]] TokenType type_of(int32_t token) const noexcept;
  [[nodiscard]] const VocabularySpec& spec() const noexcept { return spec_; }
  /// The token of exactly this spelling in the vocabulary.
  [[nodiscard]] std::optional<int32_t> find(std::string_view spelling) const noexcept;

 protected:
  class SpecialTokens;
  class SpellingIndex;
  explicit Tokenizer(VocabularySpec spec);

  /// Appends the ids of a stretch of text without special tokens. `is_first`: it begins the text.
  virtual void encode_plain(std::string_view text, bool is_first, std::vector<int32_t>& ids) const = 0;
  /// The bytes of a normal token.
  [[nodiscard]] virtual std::string plain_bytes(int32_t token) const = 0;

  [[nodiscard]] const SpellingIndex& spellings() const noexcept { return *spellings_; }

  const VocabularySpec spec_;
  bool drops_first_space_ = false;

 private:
  std::unique_ptr<const SpellingIndex> spellings_;
  std::unique_ptr<const SpecialTokens> special_;
};

}  // namespace kinglet::text
