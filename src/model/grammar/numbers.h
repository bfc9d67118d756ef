// Sets of decimal numbers as sets of their texts. Internal to model/grammar.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "home/system/json.h"
#include "model/grammar/dfa.h"

namespace kinglet::grammar {

/// A number without exponent, needless zeros, or a minus before zero: "-12.5". Throws Error{kUnsupported} for one with
/// more than 400 digits.
std::string plain_decimal(const system::Json& number);
/// Whether `a` is less than, equal to or greater than `b` (-1, 0, 1): both as plain_decimal gives them.
int compare_decimals(std::string_view a, std::string_view b);
[[nodiscard]] bool is_whole(std::string_view decimal);

/// All numbers without exponent; fractions may end with zeros. Zero has no minus.
const Dfa& decimals();
/// Those without a fraction.
const Dfa& integers();
/// Those whose fraction, if any, is zeros.
const Dfa& whole_decimals();

/// Those that keep their value in programs that read numbers as 64-bit integers or doubles: at most 18 digits, or 15
/// with a fraction.
const Dfa& exact_decimals();

struct NumberRange {
  std::optional<std::string> least;  ///< As plain_decimal gives them.
  std::optional<std::string> most;
  bool above_least = false;  ///< The bound itself is left out.
  bool below_most = false;
};
/// Of decimals().
Dfa numbers_within(const NumberRange& range);
/// Multiples of a positive number, of decimals(). Throws Error{kInvalidArgument} over the limit of states.
Dfa multiples_of(std::string_view divisor);
/// All texts of one number, of decimals().
Dfa texts_of_number(std::string_view decimal);

}  // namespace kinglet::grammar
