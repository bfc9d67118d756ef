#include "run/chat/reply/tool_set.h"

#include <algorithm>

#include "core/base/base.h"

namespace kinglet::chat {
namespace {

using system::Json;

// Whether a value may be a string, and whether it may be something else.
struct Kinds {
  bool string = true;
  bool other = true;
};

Kinds operator|(Kinds a, Kinds b) { return {a.string || b.string, a.other || b.other}; }
Kinds operator&(Kinds a, Kinds b) { return {a.string && b.string, a.other && b.other}; }

Kinds kind_of_type(const Json& type) {
  // BFCL and Python write the name of anything so.
  if (!type.is_string() || type.as_string("type") == "any") return {};
  const bool is_string = type.as_string("type") == "string";
  return {is_string, !is_string};
}

constexpr int kMaxDepth = 16;  // of references and alternatives: a schema may name itself

const Json* referenced(const Json& root, const Json& reference) {
  if (!reference.is_string()) return nullptr;
  std::string_view path = reference.as_string("$ref");
  if (!path.starts_with("#/")) return nullptr;
  path.remove_prefix(2);
  const Json* at = &root;
  while (at != nullptr && !path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    at = at->find(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return at;
}

Kinds kinds_of(const Json& schema, const Json& root, int depth) {
  if (!schema.is_object() || depth > kMaxDepth) return {};
  Kinds kinds;
  if (const Json* type = schema.find("type")) {
    if (type->is_array()) {
      Kinds any{false, false};
      for (const Json& one : type->as_array("type")) any = any | kind_of_type(one);
      kinds = kinds & any;
    } else {
      kinds = kinds & kind_of_type(*type);
    }
  }
  if (const Json* values = schema.find("enum"); values != nullptr && values->is_array()) {
    Kinds any{false, false};
    for (const Json& value : values->as_array("enum")) any = any | Kinds{value.is_string(), !value.is_string()};
    kinds = kinds & any;
  }
  if (const Json* value = schema.find("const")) kinds = kinds & Kinds{value->is_string(), !value->is_string()};
  for (const std::string_view key : {"anyOf", "oneOf"}) {
    const Json* parts = schema.find(key);
    if (parts == nullptr || !parts->is_array()) continue;
    Kinds any{false, false};
    for (const Json& part : parts->as_array(key)) any = any | kinds_of(part, root, depth + 1);
    kinds = kinds & any;
  }
  if (const Json* parts = schema.find("allOf"); parts != nullptr && parts->is_array()) {
    for (const Json& part : parts->as_array("allOf")) kinds = kinds & kinds_of(part, root, depth + 1);
  }
  if (const Json* reference = schema.find("$ref")) {
    if (const Json* target = referenced(root, *reference)) kinds = kinds & kinds_of(*target, root, depth + 1);
  }
  return kinds;
}

}  // namespace

ToolSet::ToolSet(const Json& tools) {
  if (tools.is_null()) return;
  for (const Json& tool : tools.as_array("tools")) {
    const Json* inner = tool.find("function");
    const Json& function = inner == nullptr ? tool : *inner;
    const std::string& name = function.at("name").as_string("tools: name");
    if (name.empty()) fail(ErrorCode::kInvalidArgument, "tools: a name is empty");
    if (find(name) != nullptr) fail_with(ErrorCode::kInvalidArgument, "tools: ", name, " is there twice");
    const Json* parameters = function.find("parameters");
    if (parameters == nullptr || parameters->is_null()) {
      tools_.push_back({name, Json()});
    } else {
      tools_.push_back({name, parameters->as_object(str("tools: parameters of ", name))});
    }
  }
}

const Tool* ToolSet::find(std::string_view name) const noexcept {
  const auto it = std::ranges::find(tools_, name, &Tool::name);
  return it == tools_.end() ? nullptr : &*it;
}

ParameterKind kind_of_schema(const Json& schema, const Json& root) {
  const Kinds kinds = kinds_of(schema, root, 0);
  if (kinds.string == kinds.other) return ParameterKind::kEither;
  return kinds.string ? ParameterKind::kString : ParameterKind::kValue;
}

ParameterKind kind_of_parameter(const Tool& tool, std::string_view parameter) {
  const Json* properties = tool.parameters.find("properties");
  const Json* schema = properties == nullptr ? nullptr : properties->find(parameter);
  return schema == nullptr ? ParameterKind::kEither : kind_of_schema(*schema, tool.parameters);
}

}  // namespace kinglet::chat
