#include "model/text/unicode.h"

#include <utf8proc.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "model/text/utf8.h"

namespace kinglet::text {
namespace {

constexpr bool is_white_space(uint32_t c) noexcept {
  return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

uint8_t class_of(uint32_t c) noexcept {
  uint8_t classes = is_white_space(c) ? CharClass::kSpace : 0;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      classes |= CharClass::kLetter;
      break;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      classes |= CharClass::kNumber;
      break;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      classes |= CharClass::kPunctuation;
      break;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
      classes |= CharClass::kSymbol;
      break;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      classes |= CharClass::kMark;
      break;
    default:
      break;
  }
  return classes;
}

}  // namespace

uint8_t char_class(uint32_t code_point) noexcept {
  static const auto kAscii = [] {
    std::array<uint8_t, 128> table{};
    for (uint32_t c = 0; c < table.size(); ++c) table[c] = class_of(c);
    return table;
  }();
  return code_point < kAscii.size() ? kAscii[code_point] : class_of(code_point);
}

bool is_surely_nfc(std::string_view text) noexcept {
  // U+0300 is CC 80 in UTF-8: all characters below it begin with a smaller byte.
  for (const char c : text) {
    if (static_cast<uint8_t>(c) >= 0xCC) return false;
  }
  return true;
}

std::string nfc(std::string_view text) {
  if (is_surely_nfc(text)) return std::string(text);
  std::string out;
  for (size_t begin = 0; begin < text.size();) {
    // Valid stretches are normalized, what lies between them is copied.
    const size_t end = begin + std::min(find_invalid_utf8(text.substr(begin)), text.size() - begin);
    if (end > begin) {
      utf8proc_uint8_t* normalized = nullptr;
      const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + begin);
      const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
      const auto n = utf8proc_map(bytes, static_cast<utf8proc_ssize_t>(end - begin), &normalized, options);
      if (n >= 0) {
        out.append(reinterpret_cast<const char*>(normalized), static_cast<size_t>(n));
      } else {
        out.append(text.substr(begin, end - begin));
      }
      std::free(normalized);
    }
    if (end < text.size()) out.push_back(text[end]);
    begin = end + 1;
  }
  return out;
}

}  // namespace kinglet::text
