// Python's two ways to format: '%5.2f' % x and '{:>5}'.format(x). Internal to the template engine.
#pragma once

#include "model/text/jinja/evaluator.h"

namespace kinglet::text::jinja {

/// Widths and precisions beyond this are refused.
inline constexpr int kMaxFormatWidth = 100'000;

/// format % values: a tuple, a dict for %(name)s, or one value. What goes into markup is escaped.
Value format_percent(Evaluator& evaluator, const Value& format, const Value& values);

/// format.format(...): fields by place or name, with attributes, items, conversions and specifications.
Value format_braces(Evaluator& evaluator, const Value& format, const Arguments& arguments);

}  // namespace kinglet::text::jinja
