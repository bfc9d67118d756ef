#include "model/text/stream_decoder.h"

#include <algorithm>

#include "model/text/utf8.h"

namespace kinglet::text {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Whether bytes at the end of a text may be the beginning of a character.
bool may_become_character(std::string_view bytes) noexcept {
  const auto first = static_cast<uint8_t>(bytes[0]);
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || bytes.size() >= length) return false;
  const auto is_tail = [](char c) { return (static_cast<uint8_t>(c) & 0xC0U) == 0x80U; };
  if (!std::all_of(bytes.begin() + 1, bytes.end(), is_tail)) return false;
  if (bytes.size() < 2) return true;
  const auto second = static_cast<uint8_t>(bytes[1]);
  // No overlong forms, surrogates or values over U+10FFFF.
  return !(first == 0xE0 && second < 0xA0) && !(first == 0xED && second > 0x9F) && !(first == 0xF0 && second < 0x90) &&
         !(first == 0xF4 && second > 0x8F);
}

}  // namespace

std::string StreamDecoder::add(int32_t token) {
  std::string bytes = tokenizer_.bytes_of(token, special_);
  if (at_start_ && tokenizer_.type_of(token) == TokenType::kNormal) {
    if (tokenizer_.drops_first_space() && bytes.starts_with(' ')) bytes.erase(0, 1);
    at_start_ = false;
  }
  held_ += bytes;
  return take_complete();
}

std::string StreamDecoder::take_complete() {
  std::string out;
  size_t i = 0;
  while (i < held_.size()) {
    const CodePoint point = code_point_at(held_, i);
    if (point.valid) {
      out.append(held_, i, point.length);
    } else if (may_become_character(std::string_view(held_).substr(i))) {
      break;
    } else {
      out += kReplacement;
    }
    i += point.length;
  }
  held_.erase(0, i);
  return out;
}

std::string StreamDecoder::flush() {
  std::string out = held_.empty() ? std::string() : std::string(kReplacement);
  held_.clear();
  return out;
}

}  // namespace kinglet::text
