// Operators on values, as Python's objects have them. Internal to the template engine.
#pragma once

#include <cstddef>

#include "model/text/jinja/evaluator.h"

namespace kinglet::text::jinja {

/// left OP right, for + - * / // % ** ~.
Value binary(Evaluator& evaluator, Operator op, const Value& left, const Value& right);

/// left OP right, for == != < <= > >= in, not in.
bool compare(Evaluator& evaluator, Operator op, const Value& left, const Value& right);

/// Python's ==.
bool equal(Meter& meter, const Value& left, const Value& right);

/// The length of text[begin:end] or list[begin:end:step] is clamped like this: the indices of what a slice takes.
struct SliceRange {
  int64_t begin;
  int64_t step;
  size_t count;
};
SliceRange slice_range(Evaluator& evaluator, int64_t length, const Value& begin, const Value& end, const Value& step);

/// Charges a search for a part of so many bytes in a text of so many: what it costs at worst.
inline void charge_search(Meter& meter, size_t text, size_t part) { meter.look(text * (1 + part / 16)); }

}  // namespace kinglet::text::jinja
