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
  /// Not empty: wherever it stands in the text it is left out, and no control token is read across it or right behind
  /// it.
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
  static std::unique_ptr<const Tokenizer> make(VocabularySpec spec);

  static constexpr size_t kMaxText = size_t{1} << 30;  ///< Bytes.

  /// Any bytes are accepted; those that are no UTF-8 go through byte tokens. Takes n log n time at most, and memory in
  /// proportion to the text. Throws Error{kInvalidArgument} for a text over kMaxText.
  [[nodiscard]] std::vector<int32_t> encode(std::string_view text, const EncodeOptions& options = {}) const;

  /// The bytes that a token stands for; control tokens give theirs only with `special`. The id is below vocab_size().
  [[nodiscard]] std::string bytes_of(int32_t token, bool special = false) const;

  /// Appends the bytes of a token behind those of the ones before it. `at_start`: nothing has come so far, so a space
  /// at the begin is dropped where the model's rule says so; false once something has come.
  void append_bytes(int32_t token, bool special, bool& at_start, std::string& bytes) const;

  /// All of it at once, as UTF-8: bytes that are no characters become U+FFFD. Throws Error{kInvalidArgument} for an id
  /// outside of the vocabulary.
  [[nodiscard]] std::string decode(std::span<const int32_t> tokens, bool special = false) const;
  /// The bytes as they are.
  [[nodiscard]] std::string decode_bytes(std::span<const int32_t> tokens, bool special = false) const;

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
  /// A token that only its own spelling in a text with `special` may become.
  [[nodiscard]] bool is_control(int32_t token) const noexcept;
  /// The token of this spelling that text may become; -1 where there is none.
  [[nodiscard]] int32_t find_plain(std::string_view spelling) const noexcept;

  VocabularySpec spec_;
  bool drops_first_space_ = false;  ///< Decoding drops a space at the very start of a text.

 private:
  void check_ids(std::span<const int32_t> tokens) const;

  std::unique_ptr<const SpellingIndex> spellings_;
  std::unique_ptr<const SpecialTokens> special_;
};

}  // namespace kinglet::text
