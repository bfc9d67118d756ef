// JSON and values of templates.
#pragma once

#include <string>

#include "home/system/json.h"
#include "model/text/jinja/meter.h"
#include "model/text/jinja/value.h"

namespace kinglet::text::jinja {

/// JSON as values. Whole numbers over 63 bits become floating point.
Value from_json(const system::Json& json);

struct JsonStyle {
  std::string indent;        ///< Of one level, with is_indented.
  bool is_indented = false;  ///< A line for each member.
  bool ascii = false;
  bool sort_keys = false;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
/// json.dumps(value), charged. Refuses what JSON cannot hold. Internal to the template engine.
std::string to_json(Meter& meter, const Value& value, const JsonStyle& style);

}  // namespace kinglet::text::jinja
