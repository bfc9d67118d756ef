// Tokens that stand for a byte: "<0x0A>" is the byte 10. Internal to model/text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/text/vocabulary.h"

namespace kinglet::text {

/// The byte of such a spelling; -1 for other spellings.
int byte_spelled(std::string_view spelling) noexcept;

class ByteTokens {
 public:
  /// Those that the vocabulary types as bytes.
  explicit ByteTokens(const VocabularySpec& spec);

  /// Appends the tokens of bytes; `unknown`, if there is one, for a byte that has none.
  void append(std::string_view bytes, const std::optional<int32_t>& unknown, std::vector<int32_t>& ids) const;
  [[nodiscard]] bool empty() const noexcept { return empty_; }

 private:
  std::array<int32_t, 256> tokens_{};
  bool empty_ = true;
};

}  // namespace kinglet::text
