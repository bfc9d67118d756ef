#include "run/chat/template_values.h"

namespace kinglet::chat {

using text::jinja::Value;

Value template_value(const system::Json& json) {
  if (json.is_null()) return nullptr;
  if (json.is_bool()) return json.as_bool("value");
  if (json.holds_unsigned()) return json.as_number("value");  // over 63 bits
  if (json.is_integer()) return json.as_integer("value");
  if (json.is_number()) return json.as_number("value");
  if (json.is_string()) return json.as_string("value");
  if (json.is_array()) {
    text::jinja::List values;
    for (const system::Json& value : json.as_array("value")) values.push_back(template_value(value));
    return Value::list(std::move(values));
  }
  text::jinja::Dict members;
  for (const auto& [key, value] : json.as_object("value")) members.set(key, template_value(value));
  return Value::dict(std::move(members));
}

}  // namespace kinglet::chat
