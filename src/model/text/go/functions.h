// The functions of Go templates: rows of a table. Internal to the template engine.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "model/text/go/value.h"

namespace kinglet::text::go {

class Evaluator;

struct Function {
  std::string_view name;
  /// Null: the evaluator does it (and, or), as not all arguments are evaluated.
  Value (*run)(Evaluator& evaluator, std::span<const Value> arguments);
  uint32_t n_least = 0;
  uint32_t n_most = UINT32_MAX;
};

/// Null where there is none.
const Function* find_function(std::string_view name);

/// fmt.Sprintf, charged. The first argument is the format.
Value print_formatted(Evaluator& evaluator, std::span<const Value> arguments);

}  // namespace kinglet::text::go
