// Numbers and texts in a given width, as both ways to format need them. Internal to the template engine.
#pragma once

#include <string>
#include <string_view>

#include "model/text/jinja/evaluator.h"

namespace kinglet::text::jinja {

struct FormatSpec {
  std::string fill = " ";
  char align = '\0';  ///< < > ^ =; \0: as the type has it.
  char sign = '-';    ///< + or blank: what stands before numbers that are not negative.
  bool alternate = false;
  char grouping = '\0';  ///< , or _ between thousands.
  int width = 0;         ///< Characters.
  int precision = -1;    ///< -1: none given.
  char type = '\0';      ///< d x X o b c, e E f F g G %, s; \0: as the value has it.
};

/// A number's digits by the specification, its width included. Refuses a type that is none of numbers.
std::string formatted_number(Evaluator& evaluator, const Value& number, const FormatSpec& spec);

/// Text cut to the precision and filled to the width. `standard`: how it is aligned where nothing is said.
std::string formatted_text(Evaluator& evaluator, std::string_view text, const FormatSpec& spec, char standard);

/// round(number, digits), half to even on the exact value.
double rounded(double number, int digits);

}  // namespace kinglet::text::jinja
