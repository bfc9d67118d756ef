#include "run/chat/tool_values.h"

namespace kinglet::chat {
namespace {

using system::Json;
using system::JsonArray;

Json value_of(const Json& text) {
  try {
    return text.is_string() ? Json::parse(text.as_string("text"), "text") : text;
  } catch (const Error&) {
    return text;  // of words that are no JSON
  }
}

Json with_value(Json of, const std::string& key) {
  if (const Json* text = of.find(key)) of.set(key, value_of(*text));
  return of;
}

Json with_call_values(const Json& calls) {
  Json changed = JsonArray();
  for (Json call : calls.as_array("tool_calls")) {
    if (const Json* function = call.find("function")) call.set("function", with_value(*function, "arguments"));
    changed.push(std::move(call));
  }
  return changed;
}

}  // namespace

Json with_tool_values(const Json& messages) {
  if (!messages.is_array()) return messages;
  Json changed = JsonArray();
  for (Json message : messages.as_array("messages")) {
    const Json* role = message.find("role");
    if (role != nullptr && role->is_string() && role->as_string("role") == "tool")
      message = with_value(std::move(message), "content");
    const Json* calls = message.find("tool_calls");
    if (calls != nullptr && calls->is_array()) message.set("tool_calls", with_call_values(*calls));
    changed.push(std::move(message));
  }
  return changed;
}

}  // namespace kinglet::chat
