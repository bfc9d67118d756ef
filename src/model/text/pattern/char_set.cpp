#include "model/text/pattern/char_set.h"

#include <algorithm>
#include <array>

#include "model/text/unicode.h"

namespace kinglet::text {
namespace {

// In the order of category_of.
constexpr std::array<std::string_view, 30> kNames = {
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co",
};

constexpr std::array<std::pair<uint32_t, uint32_t>, 21> kHan = {{
    {0x2E80, 0x2E99},   {0x2E9B, 0x2EF3},   {0x2F00, 0x2FD5},   {0x3005, 0x3005},   {0x3007, 0x3007},
    {0x3021, 0x3029},   {0x3038, 0x303B},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFA6D},
    {0xFA70, 0xFAD9},   {0x16FE2, 0x16FE3}, {0x16FF0, 0x16FF1}, {0x20000, 0x2A6DF}, {0x2A700, 0x2B739},
    {0x2B740, 0x2B81D}, {0x2B820, 0x2CEA1}, {0x2CEB0, 0x2EBE0}, {0x2F800, 0x2FA1D}, {0x30000, 0x3134A},
    {0x31350, 0x323AF},
}};

}  // namespace

bool CharSet::has(uint32_t c, uint32_t category, bool is_space) const noexcept {
  bool in = false;
  if (c < kNoCharacter) {
    in = ((categories >> category) & 1U) != 0 || (space && is_space) ||
         std::ranges::any_of(ranges, [c](const auto& range) { return c >= range.first && c <= range.second; });
  }
  return in != negated &&
         std::ranges::all_of(within, [&](const CharSet& set) { return set.has(c, category, is_space); });
}

uint32_t categories_named(std::string_view name) noexcept {
  uint32_t bits = 0;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (!name.empty() && kNames[i].starts_with(name)) bits |= 1U << i;
  }
  return bits;
}

void add_han(CharSet& set) { set.ranges.insert(set.ranges.end(), kHan.begin(), kHan.end()); }

}  // namespace kinglet::text
