// Finds where a match ends, one look at a table for each character. Internal to model/text.
//
// A pattern's ways are followed all at once, in the order in which a backtracking matcher would try them: a state is
// that list, and a match drops the ways behind it. So the result is a backtracking matcher's, and the time is linear.
// Whether a way passes a look ahead, or ends, is decided when the next character is seen.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "model/text/pattern/pattern.h"
#include "model/text/unicode.h"
#include "model/text/utf8.h"

namespace kinglet::text {

/// Constant once made; 64 KB and a few more.
class Automaton {
 public:
  /// Takes about a millisecond.
  explicit Automaton(std::string_view pattern);

  /// The end of the match that begins at `at` <= text.size(); `at` where there is none.
  [[nodiscard]] size_t match_end(std::string_view text, size_t at) const noexcept {
    size_t end = at;
    uint32_t state = 0;
    while (true) {
      size_t length = 0;
      size_t kind = n_kinds_ - 1;  // the end of the text
      if (at < text.size()) {
        const auto first = static_cast<uint8_t>(text[at]);
        length = 1;
        if (first < 0x80) {
          kind = kinds_[first];
        } else {
          const CodePoint point = code_point_at(text, at);
          length = point.length;
          kind = kind_of(point.valid ? point.value : CharSet::kNoCharacter);
        }
      }
      const Move move = moves_[state * n_kinds_ + kind];
      if (move.ends) end = at;
      if (move.state == kDead) return end;
      state = move.state;
      at += length;
    }
  }

 private:
  static constexpr uint16_t kDead = UINT16_MAX;
  static constexpr uint32_t kPlane = 0x10000;
  struct Move {
    uint16_t state = kDead;
    bool ends = false;  // a match ends in front of the character
  };

  void make_kinds(const Pattern& pattern);
  void make_moves(const Pattern& pattern);
  [[nodiscard]] uint8_t kind_of(uint32_t c) const noexcept;
  uint8_t kind_with(uint64_t sets);

  // Characters that are in the same sets are of one kind; the last kind is the end of the text.
  std::vector<uint8_t> kinds_;  // of characters below kPlane
  struct Stretch {
    uint32_t first;
    std::array<uint8_t, kCategories> kinds;  // by category
  };
  std::vector<Stretch> wide_;           // above, in order
  uint8_t none_ = 0;                    // of CharSet::kNoCharacter
  std::vector<uint64_t> sets_of_kind_;  // bits by set
  size_t n_kinds_ = 0;
  std::vector<Move> moves_;  // by state and kind
};

}  // namespace kinglet::text
