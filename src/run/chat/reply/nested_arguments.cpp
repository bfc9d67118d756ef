#include "run/chat/reply/nested_arguments.h"

#include <algorithm>

#include "core/base/base.h"
#include "run/chat/reply/call_reader.h"

namespace kinglet::chat {
namespace {

using system::Json;

constexpr int kMaxDepth = 64;

std::string scalar(std::string_view text, const Json* schema, const Tool& tool) {
  const ParameterKind kind = schema == nullptr ? ParameterKind::kEither : kind_of_schema(*schema, tool.parameters);
  std::string json;
  if (kind != ParameterKind::kString && text.empty()) {
    const Json* type = schema == nullptr ? nullptr : schema->find("type");
    if (type == nullptr || !type->is_string()) return "null";
    return type->as_string("type") == "array" ? "[]" : type->as_string("type") == "object" ? "{}" : "null";
  }
  if (kind != ParameterKind::kString && value_to_json(text, json)) return json;
  return system::json_quoted(text);
}

}  // namespace

// Waits for the whole: only then it is a call. What it does not take stays with the one who reads the call.
size_t NestedArguments::take(std::string_view text, bool /*at_end*/) {
  const size_t at = text.find(end_);
  if (at == std::string_view::npos) {
    if (text.size() > CallReader::kMaxHeld) state_ = Reading::kFailed;
    return 0;
  }
  std::string_view inner = text.substr(0, at);
  std::string json;
  if (!elements(inner, &tool_.parameters, json, 0) || !inner.empty()) {
    state_ = Reading::kFailed;
    return 0;
  }
  sink_.begin();
  sink_.arguments(json);
  sink_.end(true);
  state_ = Reading::kDone;
  return at + end_.size();
}

// Elements until the text, or the element that holds them, ends: a list where all are items and the schema asks for no
// object.
bool NestedArguments::elements(std::string_view& text, const Json* schema, std::string& json, int depth) const {
  const Json* properties = schema == nullptr ? nullptr : schema->find("properties");
  const bool is_list = properties == nullptr && text.starts_with(mark_ + "<item>");
  json += is_list ? '[' : '{';
  for (size_t n = 0; text.starts_with(mark_ + "<") && !text.starts_with(mark_ + "</"); ++n) {
    text.remove_prefix(mark_.size() + 1);
    const size_t end = text.find('>');
    if (end == std::string_view::npos) return false;
    const std::string name(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (n > 0) json += ", ";
    if (!is_list) json += system::json_quoted(name) + ": ";
    const Json* inner = nullptr;
    if (is_list && schema != nullptr) inner = schema->find("items");
    if (!is_list && properties != nullptr) inner = properties->find(name);
    if (!element(text, inner, json, depth)) return false;
    const std::string close = str(mark_, "</", name, ">");
    if (!text.starts_with(close)) return false;
    text.remove_prefix(close.size());
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  }
  json += is_list ? ']' : '}';
  return true;
}

bool NestedArguments::element(std::string_view& text, const Json* schema, std::string& json, int depth) const {
  if (text.starts_with(mark_ + "<") && !text.starts_with(mark_ + "</"))
    return depth < kMaxDepth && elements(text, schema, json, depth + 1);
  const size_t end = text.find(mark_);
  if (end == std::string_view::npos) return false;
  json += scalar(text.substr(0, end), schema, tool_);
  text.remove_prefix(end);
  return true;
}

}  // namespace kinglet::chat
