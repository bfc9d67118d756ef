// Values as text, as Go's fmt and encoding/json write them. Internal to the template engine.
#pragma once

#include <string>
#include <string_view>

#include "model/text/go/value.h"
#include "model/text/jinja/meter.h"

namespace kinglet::text::go {

/// What fmt writes for %v, charged. nil: "<nil>".
std::string printed(jinja::Meter& meter, const Value& value);

/// json.Marshal, charged: keys of maps sorted, '<', '>' and '&' escaped.
std::string to_json(jinja::Meter& meter, const Value& value);

/// The shortest text that reads back: with an exponent from `least_exponent` on.
std::string float_text(double number, int least_exponent);

}  // namespace kinglet::text::go
