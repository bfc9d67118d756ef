#include "model/text/byte_tokens.h"

#include <charconv>

namespace kinglet::text {

int byte_spelled(std::string_view spelling) noexcept {
  if (spelling.size() != 6 || !spelling.starts_with("<0x") || spelling.back() != '>') return -1;
  unsigned byte = 0;
  const auto [end, status] = std::from_chars(spelling.data() + 3, spelling.data() + 5, byte, 16);
  return status == std::errc() && end == spelling.data() + 5 ? static_cast<int>(byte) : -1;
}

ByteTokens::ByteTokens(const VocabularySpec& spec) {
  tokens_.fill(-1);
  for (size_t id = 0; id < spec.types.size(); ++id) {
    if (spec.types[id] != TokenType::kByte) continue;
    const int byte = byte_spelled(spec.tokens[id]);
    if (byte < 0) continue;
    tokens_[static_cast<size_t>(byte)] = static_cast<int32_t>(id);
    empty_ = false;
  }
}

void ByteTokens::append(std::string_view bytes, const std::optional<int32_t>& unknown,
                        std::vector<int32_t>& ids) const {
  for (const char c : bytes) {
    const int32_t token = tokens_[static_cast<uint8_t>(c)];
    if (token >= 0) {
      ids.push_back(token);
    } else if (unknown) {
      ids.push_back(*unknown);
    }
  }
}

}  // namespace kinglet::text
