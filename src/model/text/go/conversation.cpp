#include "model/text/go/conversation.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/base/base.h"

namespace kinglet::text::go {
namespace {

using system::Json;

constexpr std::string_view kBetween = "\n\n";

std::string string_of(const Json& object, std::string_view key) {
  const Json* value = object.find(key);
  return value == nullptr || value->is_null() ? "" : value->as_string(key);
}

// A text, or the texts of a list of parts.
std::string content_of(const Json& message) {
  const Json* content = message.find("content");
  if (content == nullptr || content->is_null()) return "";
  if (!content->is_array()) return content->as_string("content");
  std::string text;
  for (const Json& part : content->as_array("content")) text += part.at("text").as_string("text");
  return text;
}

// An object, or its JSON as text.
Value arguments_of(const Json& function) {
  const Json* arguments = function.find("arguments");
  if (arguments == nullptr || arguments->is_null()) return Value::map({}, Style::kJson);
  const Json parsed =
      arguments->is_string() ? Json::parse(arguments->as_string("arguments"), "arguments of a tool call") : *arguments;
  return Value::map(from_json(Json(parsed.as_object("arguments"))).members(), Style::kJson);
}

Value tool_call_of(const Json& call, int64_t index) {
  const Json* function = call.find("function");
  if (function == nullptr) function = &call;
  return Value::structure({{"ID", string_of(call, "id")},
                           {"Function", Value::structure({{"Index", index},
                                                          {"Name", function->at("name").as_string("name")},
                                                          {"Arguments", arguments_of(*function)}},
                                                         Style::kPlain, "templateToolCallFunction")}},
                          Style::kPlain, "templateToolCall");
}

struct Message {
  std::string role;
  std::string content;
  const Json* json;  // the first of those that were put together

  [[nodiscard]] Value value() const {
    std::vector<Value> calls;
    if (const Json* all = json->find("tool_calls"); all != nullptr && !all->is_null()) {
      for (const Json& call : all->as_array("tool_calls")) {
        calls.push_back(tool_call_of(call, static_cast<int64_t>(calls.size())));
      }
    }
    std::string thinking = string_of(*json, "thinking");
    if (thinking.empty()) thinking = string_of(*json, "reasoning_content");
    std::string tool = string_of(*json, "tool_name");
    if (tool.empty()) tool = string_of(*json, "name");
    return Value::structure({{"Role", role},
                             {"Content", content},
                             {"Thinking", std::move(thinking)},
                             {"Images", Value::list({})},
                             {"ToolCalls", Value::list(std::move(calls))},
                             {"ToolName", std::move(tool)},
                             {"ToolCallID", string_of(*json, "tool_call_id")}},
                            Style::kPlain, "templateMessage");
  }
};

// Neighbours of one role become one message.
std::vector<Message> collated(const Json& messages) {
  std::vector<Message> all;
  for (const Json& json : messages.as_array("messages")) {
    const std::string& role = json.at("role").as_string("role");
    if (!all.empty() && all.back().role == role && role != "tool") {
      all.back().content += str(kBetween, content_of(json));
    } else {
      all.push_back({role, content_of(json), &json});
    }
  }
  return all;
}

std::string all_system_texts(const Json& messages) {
  std::string text;
  bool first = true;
  for (const Json& message : messages.as_array("messages")) {
    if (message.at("role").as_string("role") != "system") continue;
    text += str(std::exchange(first, false) ? "" : kBetween, content_of(message));
  }
  return text;
}

// ---- Tools --------------------------------------------------------------------------------------------------------

Value any_or_nil(const Json* json) { return json == nullptr ? Value() : from_json(*json); }
Value list_or_empty(const Json* json) {
  return json == nullptr || json->is_null() ? Value::list({}) : from_json(*json);
}

// What has no field of its own is kept behind the others: it is part of the tool's JSON.
void add_others(std::vector<Member>& members, const Json& object) {
  for (const auto& [key, value] : object.as_object("schema")) {
    const bool known = std::ranges::any_of(members, [&](const Member& member) {
      return (member.json_name.empty() ? member.name : member.json_name) == key;
    });
    if (!known) members.push_back({key, from_json(value)});
  }
}

Value types_of(const Json& schema) {
  const Json* type = schema.find("type");
  std::vector<Value> types;
  if (type != nullptr && type->is_array()) {
    for (const Json& one : type->as_array("type")) types.emplace_back(one.as_string("type"));
  } else if (type != nullptr && !type->is_null()) {
    types.emplace_back(type->as_string("type"));
  }
  return Value::list(std::move(types), Style::kType);
}

Value property_of(const Json& schema);

Value properties_of(const Json* properties, Style style) {
  std::vector<Member> members;
  if (properties == nullptr || properties->is_null()) return Value::map({}, style);
  for (const auto& [key, schema] : properties->as_object("properties")) members.push_back({key, property_of(schema)});
  return Value::map(std::move(members), style);
}

Value property_of(const Json& schema) {
  if (!schema.is_object()) return from_json(schema);
  std::vector<Value> any_of;
  if (const Json* all = schema.find("anyOf"); all != nullptr && all->is_array()) {
    for (const Json& one : all->as_array("anyOf")) any_of.push_back(property_of(one));
  }
  const Json* properties = schema.find("properties");
  std::vector<Member> members = {
      {"AnyOf", Value::list(std::move(any_of)), "anyOf", true},
      {"Type", types_of(schema), "type", true},
      {"Items", any_or_nil(schema.find("items")), "items", true},
      {"Description", string_of(schema, "description"), "description", true},
      {"Enum", list_or_empty(schema.find("enum")), "enum", true},
      {"Properties", properties == nullptr ? Value() : properties_of(properties, Style::kPlain), "properties", true},
      {"Required", list_or_empty(schema.find("required")), "required", true}};
  add_others(members, schema);
  return Value::structure(std::move(members), Style::kPlain, "api.ToolProperty");
}

Value parameters_of(const Json* schema) {
  static const Json kNone = system::JsonObject{};
  const Json& json = schema == nullptr || schema->is_null() ? kNone : *schema;
  std::vector<Member> members = {{"Type", string_of(json, "type"), "type"},
                                 {"Defs", any_or_nil(json.find("$defs")), "$defs", true},
                                 {"Items", any_or_nil(json.find("items")), "items", true},
                                 {"Required", list_or_empty(json.find("required")), "required", true},
                                 {"Properties", properties_of(json.find("properties"), Style::kJson), "properties"}};
  add_others(members, json);
  return Value::structure(std::move(members), Style::kJson, "templateToolFunctionParameters");
}

Value tool_of(const Json& tool) {
  const Json* function = tool.find("function");
  if (function == nullptr) function = &tool;
  const std::string type = string_of(tool, "type");
  return Value::structure(
      {{"Type", type.empty() || function == &tool ? "function" : type, "type"},
       {"Items", any_or_nil(tool.find("items")), "items", true},
       {"Function",
        Value::structure({{"Name", function->at("name").as_string("name"), "name"},
                          {"Description", string_of(*function, "description"), "description"},
                          {"Parameters", parameters_of(function->find("parameters")), "parameters"}},
                         Style::kJson, "templateToolFunction"),
        "function"}},
      Style::kJson, "templateTool");
}

Value tools_of(const Json& tools) {
  std::vector<Value> all;
  if (!tools.is_null()) {
    for (const Json& tool : tools.as_array("tools")) all.push_back(tool_of(tool));
  }
  return Value::list(std::move(all), Style::kJson);
}

// ---- Rendering ----------------------------------------------------------------------------------------------------

using Variables = std::vector<std::pair<std::string, Json>>;

// The root of what a template sees: these members, what the user wants of thinking, and the caller's variables.
Value root(std::vector<Member> members, const Variables& variables) {
  const auto set = [&](const std::string& name, Value value) {
    const auto known = std::ranges::find(members, name, &Member::name);
    if (known != members.end()) {
      known->value = std::move(value);
    } else {
      members.push_back({name, std::move(value)});
    }
  };
  set("Think", false);
  set("ThinkLevel", "");
  set("IsThinkSet", false);
  for (const auto& [name, value] : variables) {
    if (name == "enable_thinking" && value.is_bool()) {
      const bool thinks = value.as_bool(name);
      set("Think", thinks);
      set("ThinkLevel", thinks ? "medium" : "");
      set("IsThinkSet", true);
    }
  }
  for (const auto& [name, value] : variables) {
    if (name == "reasoning_effort" && value.is_string()) {
      set("Think", true);
      set("ThinkLevel", value.as_string(name));
      set("IsThinkSet", true);
    }
    set(name, from_json(value));
  }
  return Value::map(std::move(members));
}

// Turn by turn: a turn ends where the next message cannot be part of it.
class Turns {
 public:
  Turns(const Template& chat_template, const Variables& variables, const RenderOptions& options)
      : template_(chat_template), variables_(variables), options_(options) {}

  std::string render(std::span<const Message> messages, bool generation_prompt) {
    for (const Message& message : messages) {
      if (message.role == "system") {
        if (!prompt_.empty() || !response_.empty()) finish_turn();
        system_ = message.content;
      } else if (message.role == "user") {
        if (!response_.empty()) finish_turn();
        prompt_ = message.content;
      } else if (message.role == "assistant") {
        response_ = message.content;
      }
    }
    const Value data = turn();
    if (!generation_prompt) {
      add(template_.render(data, options_));
    } else {
      add(template_.render_to_response(data, options_));
      // A template that does not print the answer ends with it.
      if (!template_.mentions("response")) add(response_);
    }
    return std::move(text_);
  }

 private:
  [[nodiscard]] Value turn() const {
    return root({{"System", system_}, {"Prompt", prompt_}, {"Response", response_}, {"First", is_first_}}, variables_);
  }
  void finish_turn() {
    add(template_.render(turn(), options_));
    if (!template_.mentions("response")) add(response_);
    system_.clear();
    prompt_.clear();
    response_.clear();
    is_first_ = false;
  }
  void add(std::string_view text) {
    if (text_.size() + text.size() > options_.max_output) {
      fail_with(ErrorCode::kInvalidArgument, template_.name(), ": line 1, column 1: the result is longer than ",
                options_.max_output, " bytes");
    }
    text_ += text;
  }

  const Template& template_;
  const Variables& variables_;
  const RenderOptions& options_;
  std::string text_;
  std::string system_;
  std::string prompt_;
  std::string response_;
  bool is_first_ = true;
};

}  // namespace

std::string render(const Template& chat_template, const Conversation& conversation, const RenderOptions& options) {
  const std::vector<Message> messages = collated(conversation.messages);
  if (!chat_template.mentions("messages")) {
    return Turns(chat_template, conversation.variables, options).render(messages, conversation.generation_prompt);
  }
  std::vector<Value> values;
  for (const Message& message : messages) values.push_back(message.value());
  return chat_template.render(root({{"System", all_system_texts(conversation.messages)},
                                    {"Messages", Value::list(std::move(values))},
                                    {"Tools", tools_of(conversation.tools)},
                                    {"Response", ""}},
                                   conversation.variables),
                              options);
}

}  // namespace kinglet::text::go
