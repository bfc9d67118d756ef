// Control and user-defined tokens, found in text. Internal to model/text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/text/tokenizer.h"

namespace kinglet::text {

/// Their spellings, sorted: those that go on like the text so far are always a stretch of them, which gets shorter with
/// each byte. Takes 24 bytes for each token, however long it is.
class Tokenizer::SpecialTokens {
 public:
  /// Throws Error{kInvalidFile} for a spelling longer than any model has.
  explicit SpecialTokens(const VocabularySpec& spec);

  struct Match {
    int32_t token = -1;
    size_t length = 0;
  };
  /// The longest of them that begins at `at`; user-defined ones alone unless `special`.
  [[nodiscard]] Match match(std::string_view text, size_t at, bool special) const noexcept;

  struct Stretch {
    size_t begin;
    size_t end;
  };
  /// What a match at `at` takes of the text by its token's rules: blanks around it, too, none of them before `from`.
  /// Nothing for one that must stand by itself and does not.
  [[nodiscard]] std::optional<Stretch> stretch(std::string_view text, size_t from, size_t at,
                                               const Match& match) const noexcept;

  /// The first place from `at` on where one may begin; text.size() where there is none.
  [[nodiscard]] size_t next_candidate(std::string_view text, size_t at, bool special) const noexcept {
    if (!special && !has_user_defined_) return text.size();
    while (at < text.size() && starts_[static_cast<uint8_t>(text[at])] == starts_[static_cast<uint8_t>(text[at]) + 1U])
      ++at;
    return at;
  }

 private:
  struct Entry {
    std::string_view spelling;
    int32_t token;
    bool is_user_defined;
  };
  std::vector<Entry> entries_;
  std::vector<uint8_t> rules_;          // by token, of kStripsLeft and the like; none where no token has one
  std::array<uint32_t, 257> starts_{};  // entries whose first byte is b: [starts_[b], starts_[b + 1])
  bool has_user_defined_ = false;
};

}  // namespace kinglet::text
