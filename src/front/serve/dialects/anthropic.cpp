#include "front/serve/dialects/anthropic.h"

#include "front/serve/dialects/openai.h"
#include "front/serve/endpoint.h"

namespace kinglet::serve::anthropic {
namespace {

const Json& member(const Json& block, const char* key, const std::string& path) {
  const Json* found = block.find(key);
  if (found == nullptr) fail_missing(path_of(path, key));
  return *found;
}

std::string text_member(const Json& block, const char* key, const std::string& path) {
  return Value<std::string>::read(member(block, key, path), path_of(path, key));
}

std::string kind_of(const Json& block, const std::string& path) {
  if (!block.is_object()) fail_kind(path, block, "an object with a type");
  return text_member(block, "type", path);
}

[[noreturn]] void refuse_block(const std::string& kind, const std::string& path) {
  if (kind == "image") fail_refused(path, "this model cannot see images");
  if (kind == "document" || kind == "search_result") fail_refused(path, "documents are not read; give their text");
  check_choice(path + ".type", kind, {"text", "tool_use", "tool_result", "thinking"});
  fail_refused(path, str("blocks of type ", kind, " have no place here"));
}

// A text, or blocks of text.
std::string text_of(const Json& content, const std::string& path) {
  if (content.is_string()) return content.as_string(path);
  if (!content.is_array()) fail_kind(path, content, "a string or an array of blocks");
  std::string text;
  for (size_t i = 0; i < content.as_array(path).size(); ++i) {
    const Json& block = content.as_array(path)[i];
    const std::string at = str(path, "[", i, "]");
    const std::string kind = kind_of(block, at);
    if (kind != "text") refuse_block(kind, at);
    text += str(text.empty() ? "" : "\n", text_member(block, "text", at));
  }
  return text;
}

void add_assistant(const Json& content, const std::string& path, Json& messages) {
  Json message = JsonObject{{"role", "assistant"}};
  std::string text;
  std::string thinking;
  JsonArray calls;
  if (content.is_string()) {
    text = content.as_string(path);
  } else {
    if (!content.is_array()) fail_kind(path, content, "a string or an array of blocks");
    for (size_t i = 0; i < content.as_array(path).size(); ++i) {
      const Json& block = content.as_array(path)[i];
      const std::string at = str(path, "[", i, "]");
      const std::string kind = kind_of(block, at);
      if (kind == "text") {
        text += text_member(block, "text", at);
      } else if (kind == "thinking") {
        thinking += text_member(block, "thinking", at);
      } else if (kind == "tool_use") {
        calls.push_back(JsonObject{{"id", text_member(block, "id", at)},
                                   {"type", "function"},
                                   {"function", JsonObject{{"name", text_member(block, "name", at)},
                                                           {"arguments", member(block, "input", at)}}}});
      } else {
        refuse_block(kind, at);
      }
    }
  }
  message.set("content", text);
  if (!thinking.empty()) {
    message.set("reasoning_content", thinking);
    message.set("thinking", thinking);
  }
  if (!calls.empty()) message.set("tool_calls", std::move(calls));
  messages.push(std::move(message));
}

// Results of tools are messages of their own for templates; what the user says comes behind them.
void add_user(const Json& content, const std::string& path, Json& messages) {
  if (content.is_string()) {
    messages.push(JsonObject{{"role", "user"}, {"content", content}});
    return;
  }
  if (!content.is_array()) fail_kind(path, content, "a string or an array of blocks");
  std::string text;
  bool has_text = false;
  for (size_t i = 0; i < content.as_array(path).size(); ++i) {
    const Json& block = content.as_array(path)[i];
    const std::string at = str(path, "[", i, "]");
    const std::string kind = kind_of(block, at);
    if (kind == "text") {
      text += str(has_text ? "\n" : "", text_member(block, "text", at));
      has_text = true;
    } else if (kind == "tool_result") {
      const Json* result = block.find("content");
      messages.push(JsonObject{{"role", "tool"},
                               {"tool_call_id", text_member(block, "tool_use_id", at)},
                               {"content", result == nullptr ? std::string() : text_of(*result, at + ".content")}});
    } else {
      refuse_block(kind, at);
    }
  }
  if (has_text) messages.push(JsonObject{{"role", "user"}, {"content", text}});
}

std::string event_text(std::string_view name, const Json& data) {
  return str("event: ", name, "\ndata: ", data.dump(), "\n\n");
}

Json input_of(const chat::ToolCall& call) {
  return call.complete && !call.arguments.empty() ? Json::parse(call.arguments, "arguments") : Json(JsonObject{});
}

}  // namespace

Json template_messages(const Json& messages, const Json& system) {
  Json made = JsonArray{};
  if (!system.is_null()) made.push(JsonObject{{"role", "system"}, {"content", text_of(system, "system")}});
  if (!messages.is_array()) fail_kind("messages", messages, "an array");
  if (messages.as_array("messages").empty()) throw ApiError(400, "messages: is empty", "messages");
  for (size_t i = 0; i < messages.as_array("messages").size(); ++i) {
    const Json& one = messages.as_array("messages")[i];
    const std::string path = str("messages[", i, "]");
    if (!one.is_object()) fail_kind(path, one, "an object");
    const std::string role = text_member(one, "role", path);
    check_choice(path + ".role", role, {"user", "assistant"});
    const Json& content = member(one, "content", path);
    if (role == "user") {
      add_user(content, path + ".content", made);
    } else {
      add_assistant(content, path + ".content", made);
    }
  }
  return made;
}

chat::ToolUse tool_use_of(const Json& tools, const Json& choice) {
  Json made = JsonArray{};
  if (!tools.is_null()) {
    if (!tools.is_array()) fail_kind("tools", tools, "an array");
    for (size_t i = 0; i < tools.as_array("tools").size(); ++i) {
      const Json& one = tools.as_array("tools")[i];
      const std::string path = str("tools[", i, "]");
      if (!one.is_object()) fail_kind(path, one, "an object");
      const Json* type = one.find("type");
      if (type != nullptr && !type->is_null() && Value<std::string>::read(*type, path + ".type") != "custom")
        fail_refused(path + ".type", "tools of this kind run elsewhere; give tools of your own");
      Json function = JsonObject{{"name", text_member(one, "name", path)}};
      if (const Json* text = one.find("description")) function.set("description", *text);
      const Json& schema = member(one, "input_schema", path);
      if (!schema.is_object()) fail_kind(path + ".input_schema", schema, "a JSON Schema");
      function.set("parameters", schema);
      made.push(JsonObject{{"type", "function"}, {"function", std::move(function)}});
    }
  }
  Json word;
  bool may_be_several = true;
  if (!choice.is_null()) {
    const std::string kind = kind_of(choice, "tool_choice");
    check_choice("tool_choice.type", kind, {"auto", "any", "tool", "none"});
    word = kind == "any" ? Json("required") : Json(kind);
    if (kind == "tool")
      word = JsonObject{{"type", "function"},
                        {"function", JsonObject{{"name", text_member(choice, "name", "tool_choice")}}}};
    if (const Json* one = choice.find("disable_parallel_tool_use"))
      may_be_several = !Value<bool>::read(*one, "tool_choice.disable_parallel_tool_use");
  }
  return openai::tool_use_of(made, word, may_be_several);
}

Writer::Writer(std::string model, size_t n_prompt)
    : model_(std::move(model)), id_(openai::new_id("msg")), n_prompt_(n_prompt) {}

Json Writer::message(JsonArray content) const {
  return JsonObject{{"id", id_},
                    {"type", "message"},
                    {"role", "assistant"},
                    {"model", model_},
                    {"content", std::move(content)},
                    {"stop_reason", Json()},
                    {"stop_sequence", Json()}};
}

void Writer::put_stop(const chat::ReplyResult& result, Json& into) {
  const bool is_cut = result.finish == chat::Finish::kLength || result.finish == chat::Finish::kContext ||
                      result.finish == chat::Finish::kDeadline;
  into.set("stop_reason", is_cut                  ? "max_tokens"
                          : !result.calls.empty() ? "tool_use"
                          : !result.stop.empty()  ? "stop_sequence"
                                                  : "end_turn");
  into.set("stop_sequence", result.stop.empty() ? Json() : Json(result.stop));
}

void Writer::begin(std::string& out) {
  Json made = message({});
  made.set("usage", JsonObject{{"input_tokens", n_prompt_}, {"output_tokens", 0}});
  out += event_text("message_start", JsonObject{{"type", "message_start"}, {"message", std::move(made)}});
}

void Writer::open(Block kind, Json block, std::string& out) {
  if (block_ == kind && kind != Block::kCall) return;
  close(out);
  block_ = kind;
  out += event_text(
      "content_block_start",
      JsonObject{{"type", "content_block_start"}, {"index", n_blocks_}, {"content_block", std::move(block)}});
}

void Writer::close(std::string& out) {
  if (block_ == Block::kNone) return;
  out += event_text("content_block_stop", JsonObject{{"type", "content_block_stop"}, {"index", n_blocks_++}});
  block_ = Block::kNone;
}

void Writer::take(size_t /*choice*/, const chat::ReplyPiece& event, std::string& out) {
  using Kind = chat::ReplyEvent::Kind;
  Json delta;
  switch (event.kind) {
    case Kind::kText:
      open(Block::kText, JsonObject{{"type", "text"}, {"text", ""}}, out);
      delta = JsonObject{{"type", "text_delta"}, {"text", event.text}};
      break;
    case Kind::kThinking:
      open(Block::kThinking, JsonObject{{"type", "thinking"}, {"thinking", ""}, {"signature", ""}}, out);
      delta = JsonObject{{"type", "thinking_delta"}, {"thinking", event.text}};
      break;
    case Kind::kCallBegin:
      open(Block::kCall,
           JsonObject{{"type", "tool_use"}, {"id", event.id}, {"name", event.name}, {"input", JsonObject{}}}, out);
      return;
    case Kind::kArguments:
      delta = JsonObject{{"type", "input_json_delta"}, {"partial_json", event.text}};
      break;
    case Kind::kCallEnd:
      return close(out);
  }
  out += event_text("content_block_delta",
                    JsonObject{{"type", "content_block_delta"}, {"index", n_blocks_}, {"delta", std::move(delta)}});
}

void Writer::end(size_t /*choice*/, const chat::ReplyResult& result, std::string& out) {
  close(out);
  Json delta = JsonObject{};
  put_stop(result, delta);
  out +=
      event_text("message_delta", JsonObject{{"type", "message_delta"},
                                             {"delta", std::move(delta)},
                                             {"usage", JsonObject{{"input_tokens", result.usage.prompt_tokens},
                                                                  {"output_tokens", result.usage.completion_tokens}}}});
  out += event_text("message_stop", JsonObject{{"type", "message_stop"}});
}

void Writer::fail(const Error& error, std::string& out) {
  out += event_text("error", error_body(Dialect::kAnthropic, http::status_of(error.code()), error.message(), ""));
}

Json Writer::whole(std::span<const chat::ReplyResult> results) {
  const chat::ReplyResult& result = results.front();
  JsonArray content;
  if (!result.thinking.empty())
    content.push_back(JsonObject{{"type", "thinking"}, {"thinking", result.thinking}, {"signature", ""}});
  if (!result.text.empty() || result.calls.empty())
    content.push_back(JsonObject{{"type", "text"}, {"text", result.text}});
  for (const chat::ToolCall& call : result.calls) {
    content.push_back(
        JsonObject{{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", input_of(call)}});
  }
  Json made = message(std::move(content));
  put_stop(result, made);
  made.set("usage", JsonObject{{"input_tokens", result.usage.prompt_tokens},
                               {"output_tokens", result.usage.completion_tokens},
                               {"cache_read_input_tokens", result.usage.cached_tokens}});
  return made;
}

}  // namespace kinglet::serve::anthropic
