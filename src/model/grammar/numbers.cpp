#include "model/grammar/numbers.h"

#include <algorithm>
#include <array>

#include "core/base/base.h"
#include "model/grammar/regex.h"

namespace kinglet::grammar {
namespace {

constexpr size_t kMaxDigits = 400;

struct Parts {
  bool is_negative;
  std::string_view whole;
  std::string_view fraction;
};

Parts parts_of(std::string_view decimal) {
  const bool is_negative = decimal.starts_with('-');
  if (is_negative) decimal.remove_prefix(1);
  const size_t point = std::min(decimal.find('.'), decimal.size());
  return {is_negative, decimal.substr(0, point), decimal.substr(std::min(point + 1, decimal.size()))};
}

int compare_magnitudes(const Parts& a, const Parts& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
  if (const int order = a.whole.compare(b.whole); order != 0) return order < 0 ? -1 : 1;
  const int order = a.fraction.compare(b.fraction);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

// A deterministic automaton over digits and the point, under construction. State 0 is dead.
class Digits {
 public:
  uint32_t add_state(bool accepts) {
    table_.resize(table_.size() + kClasses, Dfa::kDead);
    accepts_.push_back(accepts ? 1 : 0);
    if (accepts_.size() > 4 * Dfa::kMaxStates) {
      fail_with(ErrorCode::kInvalidArgument, "grammar: a set of numbers takes more than ", 4 * Dfa::kMaxStates,
                " states (limit of an automaton)");
    }
    return static_cast<uint32_t>(accepts_.size() - 1);
  }
  void add(uint32_t from, uint32_t digit, uint32_t to) { table_[from * kClasses + 1 + digit] = to; }
  void add_point(uint32_t from, uint32_t to) { table_[from * kClasses + 11] = to; }
  [[nodiscard]] Dfa finished(uint32_t start) const {
    std::array<uint8_t, 256> class_of{};
    for (uint8_t d = 0; d < 10; ++d) class_of[size_t{'0'} + d] = static_cast<uint8_t>(1 + d);
    class_of['.'] = 11;
    return Dfa::minimal(class_of, kClasses, table_, accepts_, start);
  }

 private:
  static constexpr size_t kClasses = 12;
  std::vector<uint32_t> table_ = std::vector<uint32_t>(kClasses, Dfa::kDead);
  std::vector<uint8_t> accepts_ = {0};
};

Dfa with_minus(const Dfa& magnitudes) {
  Nfa nfa;
  const uint32_t start = nfa.add_state();
  const uint32_t end = nfa.add_state();
  nfa.add_dfa(nfa.add_text(start, "-"), magnitudes, end);
  return nfa.determinized(start, end);
}

enum class Than : uint8_t { kLess, kEqual, kGreater };

// Digits with a point (leading zeros too) whose value stands so to a bound.
Dfa magnitudes(std::string_view bound, const std::array<bool, 3>& wanted) {
  const Parts parts = parts_of(bound);
  const std::string_view whole = parts.whole == "0" ? std::string_view() : parts.whole;
  const auto is_wanted = [&](Than than) { return wanted[static_cast<size_t>(than)]; };
  Digits digits;
  // Behind the point: decided, or equal so far.
  const auto add_decided = [&](Than than) {
    const uint32_t state = digits.add_state(is_wanted(than));
    for (uint32_t d = 0; d < 10; ++d) digits.add(state, d, state);
    return state;
  };
  const uint32_t less = add_decided(Than::kLess);
  const uint32_t greater = add_decided(Than::kGreater);
  // Backwards from the last digit of the fraction.
  uint32_t equal = digits.add_state(is_wanted(Than::kEqual));
  digits.add(equal, 0, equal);
  for (uint32_t d = 1; d < 10; ++d) digits.add(equal, d, greater);
  for (size_t i = parts.fraction.size(); i-- > 0;) {
    const uint32_t state = digits.add_state(is_wanted(Than::kLess));
    const auto own = static_cast<uint32_t>(parts.fraction[i] - '0');
    for (uint32_t d = 0; d < 10; ++d) digits.add(state, d, d < own ? less : d > own ? greater : equal);
    equal = state;
  }
  // Before the point: states by how many digits of the bound were met and how they compare.
  const Than at_point = parts.fraction.empty() ? Than::kEqual : Than::kLess;
  const uint32_t more = digits.add_state(is_wanted(Than::kGreater));
  for (uint32_t d = 0; d < 10; ++d) digits.add(more, d, more);
  digits.add_point(more, greater);
  std::array<uint32_t, 3> next = {more, more, more};  // by how the digits so far compare
  for (size_t n = whole.size() + 1; n-- > 0;) {
    const bool is_all = n == whole.size();
    std::array<uint32_t, 3> here{};
    for (size_t than = 0; than < 3; ++than) {
      const Than final_than = !is_all                                   ? Than::kLess
                              : static_cast<Than>(than) == Than::kEqual ? at_point
                                                                        : static_cast<Than>(than);
      here[than] = digits.add_state(n > 0 && is_wanted(final_than));
      digits.add_point(here[than], !is_all                                   ? less
                                   : static_cast<Than>(than) == Than::kEqual ? equal
                                   : static_cast<Than>(than) == Than::kLess  ? less
                                                                             : greater);
      for (uint32_t d = 0; d < 10; ++d) {
        if (n == 0 && d == 0) continue;  // a leading zero, below
        if (is_all) {
          digits.add(here[than], d, more);
          continue;
        }
        const auto own = static_cast<uint32_t>(whole[n] - '0');
        const size_t to = than != 1 ? than : d < own ? 0 : d > own ? 2 : 1;
        digits.add(here[than], d, next[to]);
      }
    }
    next = here;
  }
  const uint32_t start = next[1];
  // "0" counts as no digits.
  const Than zero = whole.empty() ? at_point : Than::kLess;
  const uint32_t nothing = digits.add_state(is_wanted(zero));
  digits.add_point(nothing, whole.empty() ? equal : less);
  digits.add(start, 0, nothing);
  return digits.finished(start);
}

// Digits with a point whose value is a multiple of units / 10^n_places.
Dfa multiples(uint32_t units, size_t n_places) {
  Digits digits;
  const auto ends_well = [&](uint64_t rest, size_t n_left) {
    for (size_t i = 0; i < n_left; ++i) rest = rest * 10 % units;
    return rest == 0;
  };
  const auto first = [&](size_t row) { return static_cast<uint32_t>(1 + row * units); };
  // Row 0 stands before the point, row 1 + k behind it and k digits.
  for (size_t row = 0; row < n_places + 2; ++row) {
    const size_t n_left = row == 0 ? n_places : n_places + 1 - row;
    for (uint32_t rest = 0; rest < units; ++rest) digits.add_state(ends_well(rest, n_left));
  }
  for (size_t row = 0; row < n_places + 2; ++row) {
    for (uint32_t rest = 0; rest < units; ++rest) {
      const uint32_t from = first(row) + rest;
      if (row == 0) digits.add_point(from, first(1) + rest);
      if (row == n_places + 1) {
        digits.add(from, 0, from);
        continue;
      }
      for (uint32_t d = 0; d < 10; ++d)
        digits.add(from, d, first(row == 0 ? 0 : row + 1) + static_cast<uint32_t>((uint64_t{rest} * 10 + d) % units));
    }
  }
  return digits.finished(first(0));
}

}  // namespace

std::string plain_decimal(const system::Json& number) {
  std::string text = number.holds_unsigned() ? str(number.unsigned_value())
                     : number.is_integer()   ? str(number.as_integer("number"))
                                             : str(number.as_number("number"));
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.erase(0, 1);
  int exponent = 0;
  if (const size_t e = text.find('e'); e != std::string::npos) {
    exponent = std::stoi(text.substr(e + 1));
    text.resize(e);
  }
  const size_t point = std::min(text.find('.'), text.size());
  const auto n_whole = static_cast<std::ptrdiff_t>(point) + exponent;
  text.erase(point, 1);
  if (std::abs(exponent) > static_cast<int>(kMaxDigits))
    fail_with(ErrorCode::kUnsupported, "grammar: a number of more than ", kMaxDigits, " digits");
  if (n_whole <= 0) {
    text = str("0.", std::string(static_cast<size_t>(-n_whole), '0'), text);
  } else if (static_cast<size_t>(n_whole) < text.size()) {
    const auto at = static_cast<size_t>(n_whole);
    text = str(text.substr(0, at), ".", text.substr(at));
  } else {
    text.append(static_cast<size_t>(n_whole) - text.size(), '0');
  }
  if (text.find('.') != std::string::npos) {
    while (text.ends_with('0')) text.pop_back();
    if (text.ends_with('.')) text.pop_back();
  }
  text.erase(0, std::min(text.find_first_not_of('0'), text.size()));
  if (text.empty() || text.front() == '.') text = str("0", text);
  return is_negative && text != "0" ? str("-", text) : text;
}

int compare_decimals(std::string_view a, std::string_view b) {
  const Parts x = parts_of(a);
  const Parts y = parts_of(b);
  if (x.is_negative != y.is_negative) return x.is_negative ? -1 : 1;
  return x.is_negative ? compare_magnitudes(y, x) : compare_magnitudes(x, y);
}

bool is_whole(std::string_view decimal) { return decimal.find('.') == std::string_view::npos; }

const Dfa& decimals() {
  static const Dfa set =
      texts_matching(R"((?:0|[1-9]\d*)(?:\.\d+)?|-[1-9]\d*(?:\.\d+)?|-0\.0*[1-9]\d*)", Spelling::kText, true);
  return set;
}

const Dfa& integers() {
  static const Dfa set = texts_matching(R"(0|-?[1-9]\d*)", Spelling::kText, true);
  return set;
}

const Dfa& whole_decimals() {
  static const Dfa set = texts_matching(R"((?:0|-?[1-9]\d*)(?:\.0+)?)", Spelling::kText, true);
  return set;
}

const Dfa& exact_decimals() {
  static const Dfa set = Dfa::intersection(
      decimals(), texts_matching(R"(-?(?:\d{1,18}|(?=[\d.]{3,16}$)\d+\.\d+))", Spelling::kText, true));
  return set;
}

Dfa numbers_within(const NumberRange& range) {
  Dfa set = decimals();
  const auto narrow = [&](const std::string& bound, bool greater, bool or_equal) {
    const bool is_negative = bound.starts_with('-');
    const std::string_view magnitude = std::string_view(bound).substr(is_negative ? 1 : 0);
    // On the side of the bound's own sign by magnitude, on the other side all or none.
    const Dfa near = magnitudes(magnitude, {greater == is_negative, or_equal, greater != is_negative});
    const Dfa far = greater == is_negative ? magnitudes("0", {true, true, true}) : Dfa();
    const Dfa both = is_negative ? Dfa::union_of(far, with_minus(near)) : Dfa::union_of(near, with_minus(far));
    set = Dfa::intersection(set, both);
  };
  if (range.least) narrow(*range.least, true, !range.above_least);
  if (range.most) narrow(*range.most, false, !range.below_most);
  return set;
}

Dfa multiples_of(std::string_view divisor) {
  const Parts parts = parts_of(divisor);
  const std::string scaled = str(parts.whole, parts.fraction);
  constexpr uint64_t kMaxUnits = 20'000;
  uint64_t units = 0;
  for (const char c : scaled) units = std::min(units * 10 + static_cast<uint64_t>(c - '0'), kMaxUnits + 1);
  if (units > kMaxUnits || units * (parts.fraction.size() + 2) > 4 * Dfa::kMaxStates) {
    fail_with(ErrorCode::kInvalidArgument, "grammar: multiples of ", divisor, " take more than ", 4 * Dfa::kMaxStates,
              " states (limit of an automaton)");
  }
  const Dfa set = multiples(static_cast<uint32_t>(units), parts.fraction.size());
  return Dfa::intersection(decimals(), Dfa::union_of(set, with_minus(set)));
}

Dfa texts_of_number(std::string_view decimal) {
  const bool is_negative = decimal.starts_with('-');
  const Dfa set = magnitudes(decimal.substr(is_negative ? 1 : 0), {false, true, false});
  return Dfa::intersection(decimals(), is_negative ? with_minus(set) : set);
}

}  // namespace kinglet::grammar
