#include "model/text/charsmap.h"

#include <cstring>
#include <string>

#include "core/base/base.h"
#include "model/text/space_marks.h"
#include "model/text/utf8.h"

namespace kinglet::text {
namespace {

// A unit of the array: the letter that leads to it, where its children begin, whether a value stands there.
uint32_t label_of(uint32_t unit) noexcept { return unit & (1U << 31U | 0xFFU); }
bool has_leaf(uint32_t unit) noexcept { return (unit >> 8U & 1U) != 0; }
uint32_t value_of(uint32_t unit) noexcept { return unit & ~(1U << 31U); }
uint32_t offset_of(uint32_t unit) noexcept { return unit >> 10U << ((unit & 1U << 9U) >> 6U); }

}  // namespace

Charsmap::Charsmap(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto refuse = [&](std::string_view why) {
    fail_with(ErrorCode::kInvalidFile, "tokenizer: table of normalization: ", why);
  };
  uint32_t length = 0;
  if (bytes.size() < sizeof length) refuse(str("has ", bytes.size(), " bytes, at least 4 are needed"));
  std::memcpy(&length, bytes.data(), sizeof length);
  bytes.remove_prefix(sizeof length);
  if (length % 4 != 0 || length > bytes.size())
    refuse(str("says that its array has ", length, " bytes, ", bytes.size(), " are there"));
  units_.resize(length / 4);
  if (length > 0) std::memcpy(units_.data(), bytes.data(), length);
  texts_ = bytes.substr(length);
  if (!texts_.empty() && texts_.back() != '\0') refuse("its last text has no end");
}

Charsmap::Prefix Charsmap::prefix_of(std::string_view text) const noexcept {
  size_t longest = 0;
  uint32_t value = 0;
  if (!units_.empty()) {
    uint32_t at = offset_of(units_[0]);
    for (size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<uint8_t>(text[i]);
      at ^= byte;
      if (at >= units_.size() || label_of(units_[at]) != byte) break;
      const uint32_t unit = units_[at];
      at ^= offset_of(unit);
      if (!has_leaf(unit) || at >= units_.size()) continue;
      longest = i + 1;
      value = value_of(units_[at]);
    }
  }
  if (longest > 0 && value < texts_.size()) {
    const std::string_view rest = texts_.substr(value);
    return {rest.substr(0, rest.find('\0')), longest};
  }
  const CodePoint point = code_point_at(text, 0);
  return {point.valid ? text.substr(0, point.length) : std::string_view("\xEF\xBF\xBD"), point.length};
}

std::string sentencepiece_normalized(std::string_view text, const Charsmap& charsmap, bool adds_prefix,
                                     bool joins_spaces) {
  std::string out;
  bool is_begun = !joins_spaces;  // something but spaces has come
  bool is_behind_space = joins_spaces;
  if (is_begun && adds_prefix && !text.empty()) out += kSpaceMark;
  while (!text.empty()) {
    const Charsmap::Prefix prefix = charsmap.prefix_of(text);
    text.remove_prefix(prefix.length);
    std::string_view piece = prefix.text;
    while (is_behind_space && piece.starts_with(' ')) piece.remove_prefix(1);
    if (piece.empty()) continue;
    if (!is_begun && adds_prefix) out += kSpaceMark;
    is_begun = true;
    for (const char c : piece) {
      if (c == ' ') {
        out += kSpaceMark;
      } else {
        out.push_back(c);
      }
    }
    is_behind_space = joins_spaces && piece.ends_with(' ');
  }
  while (joins_spaces && out.ends_with(kSpaceMark)) out.resize(out.size() - kSpaceMark.size());
  return out;
}

}  // namespace kinglet::text
