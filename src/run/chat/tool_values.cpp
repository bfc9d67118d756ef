#include "run/chat/tool_values.h"

namespace kinglet::chat {
namespace {

using system::Json;
using system::JsonArray;
using system::JsonObject;

Json value_of(const Json& text) {
  try {
    return text.is_string() ? Json::parse(text.as_string("text"), "text") : text;
  } catch (const Error&) {
    return text;  // of words that are no JSON
  }
}

// The object with change(value) in the place of a member's value; what is no object stays.
template <class Change>
Json with_member(const Json& of, std::string_view key, const Change& change) {
  if (!of.is_object()) return of;
  JsonObject members;
  for (const auto& [name, value] : of.as_object("members"))
    members.emplace_back(name, name == key ? change(value) : value);
  return members;
}

Json with_call_values(const Json& calls) {
  if (!calls.is_array()) return calls;
  JsonArray changed;
  for (const Json& call : calls.as_array("tool_calls")) {
    changed.push_back(with_member(call, "function",
                                  [](const Json& function) { return with_member(function, "arguments", value_of); }));
  }
  return changed;
}

}  // namespace

Json with_tool_values(const Json& messages) {
  if (!messages.is_array()) return messages;
  JsonArray changed;
  for (const Json& message : messages.as_array("messages")) {
    const Json* role = message.find("role");
    const bool is_result = role != nullptr && role->is_string() && role->as_string("role") == "tool";
    const Json called = with_member(message, "tool_calls", with_call_values);
    changed.push_back(is_result ? with_member(called, "content", value_of) : called);
  }
  return changed;
}

}  // namespace kinglet::chat
