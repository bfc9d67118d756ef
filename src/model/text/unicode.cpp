#include "model/text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "model/text/sorting.h"
#include "model/text/utf8.h"

namespace kinglet::text {
namespace {

constexpr auto kCompose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
constexpr auto kDecompose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);

// Beside its classes: form C neither changes the character nor joins it to the one before it.
constexpr uint8_t kInert = 64;
// Characters below need no table.
constexpr uint32_t kFirstCombining = 0x300;
constexpr uint32_t kPlane = 0x10000;

constexpr bool is_white_space(uint32_t c) noexcept {
  return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

uint8_t class_of_category(utf8proc_category_t category) noexcept {
  switch (category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return CharClass::kLetter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return CharClass::kNumber;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return CharClass::kPunctuation;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
      return CharClass::kSymbol;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return CharClass::kMark;
    default:
      return 0;
  }
}

// Characters that may join the one before them without being of a combining class: the second and third parts of Hangul
// syllables, and vowel signs of Indic scripts (NFC_Quick_Check=Maybe in DerivedNormalizationProps.txt).
bool joins_backwards(uint32_t c) noexcept {
  constexpr std::array<uint32_t, 24> kSigns = {0x09BE,  0x09D7,  0x0B3E,  0x0B56,  0x0B57,  0x0BBE,  0x0BD7,  0x0CC2,
                                               0x0CD5,  0x0CD6,  0x0D3E,  0x0D57,  0x0DCF,  0x0DDF,  0x102E,  0x1B35,
                                               0x11127, 0x1133E, 0x11357, 0x114B0, 0x114BA, 0x114BD, 0x115AF, 0x11930};
  return (c >= 0x1161 && c <= 0x1175) || (c >= 0x11A8 && c <= 0x11C2) || std::ranges::find(kSigns, c) != kSigns.end();
}

bool is_inert(uint32_t c, const utf8proc_property_t& property) noexcept {
  if (property.combining_class != 0 || joins_backwards(c)) return false;
  if (property.decomp_seqindex == UINT16_MAX || property.decomp_type != 0) return true;
  // What has a canonical decomposition: whether it comes together again.
  utf8proc_int32_t parts[8];
  int boundary = 0;
  const auto n = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, 8, kCompose, &boundary);
  return n >= 1 && n <= 8 && utf8proc_normalize_utf32(parts, n, kCompose) == 1 &&
         parts[0] == static_cast<utf8proc_int32_t>(c);
}

uint8_t bits_of(uint32_t c) noexcept {
  const utf8proc_property_t& property = *utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
  uint8_t bits = class_of_category(static_cast<utf8proc_category_t>(property.category));
  if (is_white_space(c)) bits |= CharClass::kSpace;
  if (is_inert(c, property)) bits |= kInert;
  return bits;
}

uint8_t bits(uint32_t c) noexcept {
  static const auto kTable = [] {
    auto table = std::make_unique<std::array<uint8_t, kPlane>>();
    for (uint32_t i = 0; i < kPlane; ++i) (*table)[i] = bits_of(i);
    return table;
  }();
  return c < kPlane ? (*kTable)[c] : bits_of(c);
}

// Decomposed, marks put in order.
std::vector<utf8proc_int32_t> decomposed(std::string_view stretch, utf8proc_option_t options) {
  constexpr size_t kMostParts = 18;  // of U+FDFA, where compatibility counts
  std::vector<utf8proc_int32_t> points;
  for (size_t i = 0; i < stretch.size();) {
    const CodePoint point = code_point_at(stretch, i);
    i += point.length;
    utf8proc_int32_t parts[kMostParts];
    int boundary = 0;
    const auto n =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(point.value), parts, kMostParts, options, &boundary);
    points.insert(points.end(), parts, parts + std::clamp<utf8proc_ssize_t>(n, 0, kMostParts));
  }
  const auto combining_class = [](utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; };
  for (auto begin = points.begin(); begin != points.end();) {
    const auto end = std::find_if(begin, points.end(), [&](utf8proc_int32_t c) { return combining_class(c) == 0; });
    if (end - begin > 1) {
      std::vector<utf8proc_int32_t> marks(begin, end);
      merge_sort(marks,
                 [&](utf8proc_int32_t a, utf8proc_int32_t b) { return combining_class(a) < combining_class(b); });
      std::ranges::copy(marks, begin);
    }
    begin = end == points.end() ? end : end + 1;
  }
  return points;
}

// Appends a stretch of valid text in form C: decomposed, then composed.
void append_normalized(std::string_view stretch, std::string& out) {
  std::vector<utf8proc_int32_t> points = decomposed(stretch, kCompose);
  const auto n = utf8proc_normalize_utf32(points.data(), std::ssize(points), kCompose);
  for (utf8proc_ssize_t i = 0; i < n; ++i) append_utf8(out, static_cast<uint32_t>(points[static_cast<size_t>(i)]));
}

// All of a text decomposed.
std::string decomposed_text(std::string_view text, utf8proc_option_t options) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t begin = i;
    while (i < text.size() && static_cast<uint8_t>(text[i]) < 0x80) ++i;  // nothing joins or changes these
    out.append(text.substr(begin, i - begin));
    const size_t wide = i;
    for (CodePoint point{}; i < text.size() && static_cast<uint8_t>(text[i]) >= 0x80; i += point.length) {
      point = code_point_at(text, i);
      if (!point.valid) break;
    }
    for (const utf8proc_int32_t c : decomposed(text.substr(wide, i - wide), options))
      append_utf8(out, static_cast<uint32_t>(c));
    if (i < text.size() && static_cast<uint8_t>(text[i]) >= 0x80) out.push_back(text[i++]);
  }
  return out;
}

// Calls use(character) for each, and copies bytes that are no characters.
template <class Use>
std::string each_character(std::string_view text, const Use& use) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    if (point.valid) {
      use(point.value, out);
    } else {
      out.push_back(text[i]);
    }
    i += point.length;
  }
  return out;
}

// Characters of a text that are inert, or bytes that are no characters, may be copied.
struct Step {
  uint32_t length;
  bool is_plain;
};
Step step_at(std::string_view text, size_t at) noexcept {
  const CodePoint point = code_point_at(text, at);
  return {point.length, point.value < kFirstCombining || !point.valid || (bits(point.value) & kInert) != 0};
}

// The first character that is not plain; text.size() where all are.
size_t find_unplain(std::string_view text, size_t at) noexcept {
  while (at < text.size()) {
    // U+0300 is CC 80 in UTF-8: all characters below it begin with a smaller byte.
    if (static_cast<uint8_t>(text[at]) < 0xCC) {
      ++at;
      continue;
    }
    const Step step = step_at(text, at);
    if (!step.is_plain) return at;
    at += step.length;
  }
  return at;
}

}  // namespace

uint8_t wide_class(uint32_t code_point) noexcept { return bits(code_point) & static_cast<uint8_t>(~kInert); }

uint32_t category_of(uint32_t code_point) noexcept {
  return static_cast<uint32_t>(utf8proc_category(static_cast<utf8proc_int32_t>(code_point)));
}

std::string nfd(std::string_view text) { return decomposed_text(text, kDecompose); }

std::string nfkd(std::string_view text) {
  return decomposed_text(text, static_cast<utf8proc_option_t>(kDecompose | UTF8PROC_COMPAT));
}

std::string nfkc(std::string_view text) { return nfc(nfkd(text)); }

std::string without_accents(std::string_view text) {
  return each_character(text, [](uint32_t c, std::string& out) {
    if (c < kFirstCombining || category_of(c) != UTF8PROC_CATEGORY_MN) append_utf8(out, c);
  });
}

std::string lowercase(std::string_view text) {
  return each_character(text, [](uint32_t c, std::string& out) {
    if (c == 0x130) {  // the only letter whose small form is two characters
      out += "i\xCC\x87";
    } else {
      append_utf8(out, static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
    }
  });
}

bool is_surely_nfc(std::string_view text) noexcept { return find_unplain(text, 0) == text.size(); }

std::string nfc(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  size_t done = 0;
  while (done < text.size()) {
    const size_t first = find_unplain(text, done);
    if (first == text.size()) break;
    // The character before it belongs to the stretch, if there is one, and all that follow it up to the next plain one.
    size_t begin = first;
    for (size_t n = 1; n <= 4 && n <= first - done; ++n) {
      const CodePoint before = code_point_at(text, first - n);
      if (before.valid && before.length == n) begin = first - n;
    }
    size_t end = first;
    while (end < text.size()) {
      const Step step = step_at(text, end);
      if (step.is_plain) break;
      end += step.length;
    }
    out.append(text.substr(done, begin - done));
    append_normalized(text.substr(begin, end - begin), out);
    done = end;
  }
  out.append(text.substr(done));
  return out;
}

}  // namespace kinglet::text
