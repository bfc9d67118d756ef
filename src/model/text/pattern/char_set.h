// Sets of characters, as patterns write them. Internal to model/text.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace kinglet::text {

/// [...], \p{...}, \s: a union of general categories, of white space and of ranges, maybe negated; less another one.
struct CharSet {
  /// No character: what a byte that is no UTF-8 counts as. Only negated sets hold it.
  static constexpr uint32_t kNoCharacter = 0x110000;

  uint32_t categories = 0;  ///< Bit by general category, as category_of numbers them.
  bool space = false;       ///< White_Space.
  bool negated = false;
  std::vector<std::pair<uint32_t, uint32_t>> ranges;  ///< First and last character.
  std::vector<CharSet> within;                        ///< "&&[...]": what is in all of these, too.

  /// `category` as category_of numbers it.
  [[nodiscard]] bool has(uint32_t c, uint32_t category, bool is_space) const noexcept;
  bool operator==(const CharSet&) const = default;
};

/// The general categories of \p{NAME}: one ("Lu") or a group ("L"). 0 for a name that is not known.
uint32_t categories_named(std::string_view name) noexcept;

/// Adds the characters of the script Han (Unicode 15, Scripts.txt).
void add_han(CharSet& set);

}  // namespace kinglet::text
