// str() and repr() as Python has them. Internal to the template engine.
#pragma once

#include <string>
#include <string_view>

#include "model/text/jinja/meter.h"

namespace kinglet::text::jinja {

/// str(value) as a text, charged; markup stays markup.
Value as_text(Meter& meter, const Value& value);

/// repr(value), charged.
std::string repr(Meter& meter, const Value& value);

/// repr of a float: the shortest that reads back, "1.0", "1e+16", "inf".
std::string float_repr(double number);

}  // namespace kinglet::text::jinja
