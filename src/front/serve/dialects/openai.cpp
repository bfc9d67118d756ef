#include "front/serve/dialects/openai.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>

#include "front/serve/endpoint.h"
#include "run/chat/reply/call_ids.h"

namespace kinglet::serve::openai {
namespace {

Json finish_of(const chat::ReplyResult& result) {
  if (result.finish == chat::Finish::kLength || result.finish == chat::Finish::kContext ||
      result.finish == chat::Finish::kDeadline) {
    return "length";
  }
  return result.calls.empty() ? "stop" : "tool_calls";
}

JsonArray bytes_of(std::string_view text) {
  JsonArray bytes;
  for (const char c : text) bytes.emplace_back(static_cast<int>(static_cast<unsigned char>(c)));
  return bytes;
}

// JSON has no infinity: what a constraint bans is as unlikely as a number can say.
Json number_of(const std::optional<float>& logprob) {
  if (!logprob) return {};
  return static_cast<double>(std::max(*logprob, -9999.0F));
}

// {"content": [{token, logprob, bytes, top_logprobs}]}
Json chat_logprobs(const std::vector<chat::TokenLogprob>& tokens) {
  const auto entry = [](const chat::TokenLogprob& one) {
    return JsonObject{{"token", one.text}, {"logprob", number_of(one.logprob)}, {"bytes", bytes_of(one.text)}};
  };
  JsonArray content;
  for (const chat::TokenLogprob& one : tokens) {
    JsonArray top;
    for (const chat::TokenLogprob& other : one.top) top.emplace_back(entry(other));
    Json made = entry(one);
    made.set("top_logprobs", std::move(top));
    content.push_back(std::move(made));
  }
  return JsonObject{{"content", std::move(content)}, {"refusal", Json()}};
}

// {"tokens", "token_logprobs", "top_logprobs", "text_offset"}
Json completion_logprobs(const std::vector<chat::TokenLogprob>& tokens, size_t n_top, size_t offset) {
  JsonArray texts;
  JsonArray logprobs;
  JsonArray tops;
  JsonArray offsets;
  for (const chat::TokenLogprob& one : tokens) {
    texts.emplace_back(one.text);
    logprobs.push_back(number_of(one.logprob));
    Json top;
    if (n_top > 0 && one.logprob) {
      top = JsonObject{};
      for (const chat::TokenLogprob& other : one.top) top.set(other.text, number_of(other.logprob));
    }
    tops.push_back(std::move(top));
    offsets.emplace_back(offset);
    offset += one.text.size();
  }
  return JsonObject{{"tokens", std::move(texts)},
                    {"token_logprobs", std::move(logprobs)},
                    {"top_logprobs", std::move(tops)},
                    {"text_offset", std::move(offsets)}};
}

std::string part_text(const Json& part, const std::string& path) {
  if (!part.is_object()) fail_kind(path, part, "an object with a type");
  const Json* type = part.find("type");
  if (type == nullptr) fail_missing(path + ".type");
  const std::string kind = Value<std::string>::read(*type, path + ".type");
  if (kind == "text" || kind == "input_text" || kind == "output_text" || kind == "refusal") {
    const std::string key = kind == "refusal" ? "refusal" : "text";
    const Json* text = part.find(key);
    if (text == nullptr) fail_missing(path_of(path, key));
    return Value<std::string>::read(*text, path_of(path, key));
  }
  if (kind.find("image") != std::string::npos) fail_refused(path, "this model cannot see images");
  if (kind.find("audio") != std::string::npos) fail_refused(path, "this model cannot hear");
  check_choice(path + ".type", kind, {"text", "refusal"});
  return {};
}

Json content_of(const Json& content, const std::string& path) {
  if (content.is_null() || content.is_string()) return content;
  if (!content.is_array()) fail_kind(path, content, "a string or an array of parts");
  std::string text;
  for (size_t i = 0; i < content.as_array(path).size(); ++i)
    text += part_text(content.as_array(path)[i], str(path, "[", i, "]"));
  return text;
}

// Templates want arguments as objects; a text that is none stays as it is.
Json calls_of(const Json& calls, const std::string& path) {
  if (!calls.is_array()) fail_kind(path, calls, "an array of calls");
  Json made = JsonArray{};
  for (size_t i = 0; i < calls.as_array(path).size(); ++i) {
    const Json& call = calls.as_array(path)[i];
    const std::string at = str(path, "[", i, "]");
    const Json* function = call.find("function");
    if (function == nullptr || !function->is_object()) fail_missing(at + ".function");
    const Json* name = function->find("name");
    if (name == nullptr) fail_missing(at + ".function.name");
    Json arguments = JsonObject{};
    if (const Json* given = function->find("arguments"); given != nullptr && !given->is_null()) {
      arguments = *given;
      if (given->is_string()) {
        try {
          arguments = given->as_string(at).empty() ? Json(JsonObject{})
                                                   : Json::parse(given->as_string(at), at + ".function.arguments");
        } catch (const Error& error) {
          throw ApiError(400, error.message(), at + ".function.arguments");
        }
      }
    }
    Json one = JsonObject{{"type", "function"},
                          {"function", JsonObject{{"name", Value<std::string>::read(*name, at + ".function.name")},
                                                  {"arguments", std::move(arguments)}}}};
    if (const Json* id = call.find("id"); id != nullptr) one.set("id", Value<std::string>::read(*id, at + ".id"));
    made.push(std::move(one));
  }
  return made;
}

}  // namespace

const Fields<StreamOptions>& StreamOptions::fields() {
  static const Fields<StreamOptions> kFields(
      field("include_usage", &StreamOptions::include_usage).doc("A last chunk says what the reply cost."),
      without_effect<StreamOptions>("include_obfuscation", "Chunks are never padded."),
      without_effect<StreamOptions>("continuous_usage_stats", "Usage comes in the last chunk."));
  return kFields;
}

void apply(const Sampling& sampling, size_t vocab_size, chat::Settings& settings) {
  const auto set = [&](const char* name, const char* field, const auto& value) {
    if (!value) return;
    try {
      settings.set(name, Json(*value));
    } catch (const Error& error) {
      throw ApiError(400, error.message(), field);
    }
  };
  set("temperature", "temperature", sampling.temperature);
  set("top_p", "top_p", sampling.top_p);
  set("presence_penalty", "presence_penalty", sampling.presence_penalty);
  set("frequency_penalty", "frequency_penalty", sampling.frequency_penalty);
  set("min_p", "min_p", sampling.min_p);
  set("typical_p", "typical_p", sampling.typical_p);
  set("repeat_penalty", "repeat_penalty", sampling.repeat_penalty);
  set("top_k", "top_k", sampling.top_k);
  if (sampling.seed) settings.seed = static_cast<uint64_t>(*sampling.seed);
  if (sampling.stop) {
    settings.stop = sampling.stop->values;
    for (const std::string& one : settings.stop) {
      if (one.empty()) throw ApiError(400, "stop: a stop string is empty", "stop");
    }
  }
  if (sampling.logit_bias.is_null()) return;
  if (!sampling.logit_bias.is_object()) fail_kind("logit_bias", sampling.logit_bias, "an object of token ids");
  for (const auto& [key, value] : sampling.logit_bias.as_object("logit_bias")) {
    const std::string path = path_of("logit_bias", key);
    int32_t id = -1;
    const auto [end, status] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (status != std::errc() || end != key.data() + key.size() || id < 0 || static_cast<size_t>(id) >= vocab_size)
      throw ApiError(400, str(path, ": is no token id of this model, which has 0 to ", vocab_size - 1), path);
    const double bias = Value<double>::read(value, path);
    check_range(path, bias, -100, 100);
    // 100 and -100 mean "only" and "never".
    settings.sampling.logit_bias.emplace_back(
        id, bias <= -100 ? -std::numeric_limits<float>::infinity() : static_cast<float>(bias));
  }
}

Json template_messages(const Json& messages) {
  if (!messages.is_array()) fail_kind("messages", messages, "an array");
  if (messages.as_array("messages").empty()) throw ApiError(400, "messages: is empty", "messages");
  Json made = JsonArray{};
  for (size_t i = 0; i < messages.as_array("messages").size(); ++i) {
    const Json& one = messages.as_array("messages")[i];
    const std::string path = str("messages[", i, "]");
    if (!one.is_object()) fail_kind(path, one, "an object");
    const Json* role = one.find("role");
    if (role == nullptr) fail_missing(path + ".role");
    std::string name = Value<std::string>::read(*role, path + ".role");
    check_choice(path + ".role", name, {"system", "developer", "user", "assistant", "tool", "function"});
    // Templates know one kind of instruction, and one of results.
    if (name == "developer") name = "system";
    if (name == "function") name = "tool";
    Json message = JsonObject{{"role", name}};
    const Json* content = one.find("content");
    const Json* calls = one.find("tool_calls");
    const bool has_calls = calls != nullptr && !calls->is_null();
    if (content == nullptr && !has_calls) fail_missing(path + ".content");
    const Json text = content == nullptr ? Json() : content_of(*content, path + ".content");
    if (text.is_null() && !has_calls) fail_kind(path + ".content", text, "a string or an array of parts");
    message.set("content", text.is_null() ? Json("") : text);
    if (has_calls) message.set("tool_calls", calls_of(*calls, path + ".tool_calls"));
    for (const char* key : {"name", "tool_call_id", "reasoning_content"}) {
      const Json* value = one.find(key);
      if (value != nullptr && !value->is_null()) message.set(key, Value<std::string>::read(*value, path_of(path, key)));
    }
    if (const Json* thinking = message.find("reasoning_content")) message.set("thinking", *thinking);
    made.push(std::move(message));
  }
  return made;
}

std::vector<int32_t> ids_of(const Json& values, const std::string& path, size_t vocab_size) {
  std::vector<int32_t> ids;
  for (const Json& one : values.as_array(path)) {
    const std::string at = str(path, "[", ids.size(), "]");
    const int64_t id = Value<int64_t>::read(one, at);
    check_range(at, static_cast<double>(id), 0, static_cast<double>(vocab_size) - 1);
    ids.push_back(static_cast<int32_t>(id));
  }
  return ids;
}

chat::AnswerFormat format_of(const Json& response_format) {
  chat::AnswerFormat made;
  if (response_format.is_null()) return made;
  if (!response_format.is_object()) fail_kind("response_format", response_format, "an object with a type");
  const Json* type = response_format.find("type");
  if (type == nullptr) fail_missing("response_format.type");
  const std::string kind = Value<std::string>::read(*type, "response_format.type");
  check_choice("response_format.type", kind, {"text", "json_object", "json_schema", "grammar", "regex"});
  if (kind == "json_object") made.kind = chat::AnswerFormat::Kind::kJson;
  if (kind == "json_schema") {
    const Json* outer = response_format.find("json_schema");
    if (outer == nullptr) fail_missing("response_format.json_schema");
    const Json* schema = outer->find("schema");
    if (schema == nullptr) fail_missing("response_format.json_schema.schema");
    if (!schema->is_object() && !schema->is_bool())
      fail_kind("response_format.json_schema.schema", *schema, "a JSON Schema");
    made.kind = chat::AnswerFormat::Kind::kSchema;
    made.schema = *schema;
  }
  if (kind == "grammar" || kind == "regex") {
    const Json* text = response_format.find(kind);
    if (text == nullptr) fail_missing(path_of("response_format", kind));
    made.kind = kind == "regex" ? chat::AnswerFormat::Kind::kRegex : chat::AnswerFormat::Kind::kGrammar;
    made.text = Value<std::string>::read(*text, path_of("response_format", kind));
  }
  return made;
}

chat::ToolUse tool_use_of(const Json& tools, const Json& choice, bool may_be_several) {
  chat::ToolUse made;
  made.may_be_several = may_be_several;
  std::vector<std::string> names;
  if (!tools.is_null()) {
    if (!tools.is_array()) fail_kind("tools", tools, "an array");
    for (size_t i = 0; i < tools.as_array("tools").size(); ++i) {
      const Json& one = tools.as_array("tools")[i];
      const std::string path = str("tools[", i, "]");
      if (!one.is_object()) fail_kind(path, one, "an object");
      const Json* type = one.find("type");
      if (type != nullptr) check_choice(path + ".type", Value<std::string>::read(*type, path + ".type"), {"function"});
      const Json* function = one.find("function");
      if (function == nullptr) fail_missing(path + ".function");
      if (!function->is_object()) fail_kind(path + ".function", *function, "an object");
      const Json* name = function->find("name");
      if (name == nullptr) fail_missing(path + ".function.name");
      names.push_back(Value<std::string>::read(*name, path + ".function.name"));
      if (names.back().empty()) throw ApiError(400, path + ".function.name: is empty", path + ".function.name");
      const Json* parameters = function->find("parameters");
      if (parameters != nullptr && !parameters->is_null() && !parameters->is_object())
        fail_kind(path + ".function.parameters", *parameters, "a JSON Schema");
    }
    if (!names.empty()) made.tools = tools;
  }
  if (choice.is_null()) return made;
  if (choice.is_string()) {
    const std::string& word = choice.as_string("tool_choice");
    check_choice("tool_choice", word, {"auto", "none", "required"});
    using enum chat::ToolUse::Choice;
    made.choice = word == "none" ? kNone : word == "required" ? kRequired : kAuto;
  } else {
    const Json* function = choice.find("function");
    const Json* name = function == nullptr ? nullptr : function->find("name");
    if (name == nullptr) fail_missing("tool_choice.function.name");
    made.choice = chat::ToolUse::Choice::kNamed;
    made.name = Value<std::string>::read(*name, "tool_choice.function.name");
    if (std::ranges::find(names, made.name) == names.end())
      throw ApiError(400, str("tool_choice: no tool is called ", system::json_quoted(made.name)), "tool_choice");
  }
  if (names.empty() && made.choice != chat::ToolUse::Choice::kNone && made.choice != chat::ToolUse::Choice::kAuto)
    throw ApiError(400, "tool_choice: needs tools", "tool_choice");
  return made;
}

std::string new_id(std::string_view prefix) {
  constexpr size_t kLength = 24;
  return chat::CallIds({str(prefix, "-"), kLength}, std::random_device{}()).next();
}

int64_t now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Json usage_of(std::span<const chat::ReplyResult> results, size_t n_per_prompt) {
  size_t prompt = 0;
  size_t cached = 0;
  size_t completion = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    completion += results[i].usage.completion_tokens;
    if (i % n_per_prompt != 0) continue;
    prompt += results[i].usage.prompt_tokens;
    cached += results[i].usage.cached_tokens;
  }
  return JsonObject{{"prompt_tokens", prompt},
                    {"completion_tokens", completion},
                    {"total_tokens", prompt + completion},
                    {"prompt_tokens_details", JsonObject{{"cached_tokens", cached}}}};
}

std::string event_text(const Json& document) { return str("data: ", document.dump(), "\n\n"); }

Json ChatWriter::head(std::string_view object) const {
  return JsonObject{{"id", id_}, {"object", object}, {"created", created_s_}, {"model", options_.model}};
}

void ChatWriter::put(size_t choice, Json delta, Json logprobs, Json finish, std::string& out) const {
  Json made = head("chat.completion.chunk");
  made.set("choices", JsonArray{JsonObject{{"index", choice},
                                           {"delta", std::move(delta)},
                                           {"logprobs", std::move(logprobs)},
                                           {"finish_reason", std::move(finish)}}});
  if (options_.include_usage) made.set("usage", Json());
  out += event_text(made);
}

void ChatWriter::take(size_t choice, const chat::ReplyPiece& event, std::string& out) {
  using Kind = chat::ReplyEvent::Kind;
  if (begun_.size() <= choice) begun_.resize(choice + 1, false);
  Json delta = JsonObject{};
  if (!begun_[choice]) {
    begun_[choice] = true;
    delta.set("role", "assistant");
    delta.set("content", event.kind == Kind::kText ? Json("") : Json());
    put(choice, std::exchange(delta, JsonObject{}), Json(), Json(), out);
  }
  switch (event.kind) {
    case Kind::kText:
      delta.set("content", event.text);
      break;
    case Kind::kThinking:
      delta.set("reasoning_content", event.text);
      break;
    case Kind::kCallBegin:
      delta.set("tool_calls", JsonArray{JsonObject{{"index", event.call_idx},
                                                   {"id", event.id},
                                                   {"type", "function"},
                                                   {"function", JsonObject{{"name", event.name}, {"arguments", ""}}}}});
      break;
    case Kind::kArguments:
      delta.set("tool_calls",
                JsonArray{JsonObject{{"index", event.call_idx}, {"function", JsonObject{{"arguments", event.text}}}}});
      break;
    case Kind::kCallEnd:
      return;
  }
  const bool has_logprobs = options_.top_logprobs && !event.logprobs.empty();
  put(choice, std::move(delta), has_logprobs ? chat_logprobs(event.logprobs) : Json(), Json(), out);
}

void ChatWriter::end(size_t choice, const chat::ReplyResult& result, std::string& out) {
  if (begun_.size() <= choice) begun_.resize(choice + 1, false);
  Json delta = JsonObject{};
  if (!begun_[choice]) {
    begun_[choice] = true;
    delta.set("role", "assistant");
    delta.set("content", "");
  }
  put(choice, std::move(delta), Json(), finish_of(result), out);
}

void ChatWriter::finish(std::span<const chat::ReplyResult> results, std::string& out) {
  if (options_.include_usage) {
    Json made = head("chat.completion.chunk");
    made.set("choices", JsonArray{});
    made.set("usage", usage_of(results, options_.n_per_prompt));
    out += event_text(made);
  }
  out += "data: [DONE]\n\n";
}

void ChatWriter::fail(const Error& error, std::string& out) {
  out += event_text(error_body(Dialect::kOpenAi, http::status_of(error.code()), error.message(), ""));
}

Json ChatWriter::whole(std::span<const chat::ReplyResult> results) {
  JsonArray choices;
  for (const chat::ReplyResult& one : results) {
    Json message = JsonObject{{"role", "assistant"},
                              {"content", one.text.empty() && !one.calls.empty() ? Json() : Json(one.text)}};
    if (!one.thinking.empty()) message.set("reasoning_content", one.thinking);
    if (!one.calls.empty()) {
      JsonArray calls;
      for (const chat::ToolCall& call : one.calls) {
        calls.push_back(JsonObject{{"id", call.id},
                                   {"type", "function"},
                                   {"function", JsonObject{{"name", call.name}, {"arguments", call.arguments}}}});
      }
      message.set("tool_calls", std::move(calls));
    }
    choices.push_back(JsonObject{{"index", choices.size()},
                                 {"message", std::move(message)},
                                 {"logprobs", options_.top_logprobs ? chat_logprobs(one.logprobs) : Json()},
                                 {"finish_reason", finish_of(one)}});
  }
  Json made = head("chat.completion");
  made.set("choices", std::move(choices));
  made.set("usage", usage_of(results, options_.n_per_prompt));
  return made;
}

Json CompletionWriter::head() const {
  return JsonObject{{"id", id_}, {"object", "text_completion"}, {"created", created_s_}, {"model", options_.model}};
}

Json CompletionWriter::choice_of(size_t choice, const std::string& text, Json logprobs, Json finish) const {
  return JsonObject{
      {"text", text}, {"index", choice}, {"logprobs", std::move(logprobs)}, {"finish_reason", std::move(finish)}};
}

void CompletionWriter::take(size_t choice, const chat::ReplyPiece& event, std::string& out) {
  if (event.kind != chat::ReplyEvent::Kind::kText) return;  // text that goes on has no other parts
  if (offsets_.size() <= choice) offsets_.resize(choice + 1, 0);
  Json logprobs;
  if (options_.top_logprobs) {
    logprobs = completion_logprobs(event.logprobs, *options_.top_logprobs, offsets_[choice]);
    for (const chat::TokenLogprob& one : event.logprobs) offsets_[choice] += one.text.size();
  }
  Json made = head();
  made.set("choices", JsonArray{choice_of(choice, event.text, std::move(logprobs), Json())});
  if (options_.include_usage) made.set("usage", Json());
  out += event_text(made);
}

void CompletionWriter::end(size_t choice, const chat::ReplyResult& result, std::string& out) {
  Json made = head();
  made.set("choices", JsonArray{choice_of(choice, "", Json(), finish_of(result))});
  if (options_.include_usage) made.set("usage", Json());
  out += event_text(made);
}

void CompletionWriter::finish(std::span<const chat::ReplyResult> results, std::string& out) {
  if (options_.include_usage) {
    Json made = head();
    made.set("choices", JsonArray{});
    made.set("usage", usage_of(results, options_.n_per_prompt));
    out += event_text(made);
  }
  out += "data: [DONE]\n\n";
}

void CompletionWriter::fail(const Error& error, std::string& out) {
  out += event_text(error_body(Dialect::kOpenAi, http::status_of(error.code()), error.message(), ""));
}

Json CompletionWriter::whole(std::span<const chat::ReplyResult> results) {
  JsonArray choices;
  for (const chat::ReplyResult& one : results) {
    Json logprobs;
    if (options_.top_logprobs) logprobs = completion_logprobs(one.logprobs, *options_.top_logprobs, 0);
    choices.push_back(choice_of(choices.size(), one.text, std::move(logprobs), finish_of(one)));
  }
  Json made = head();
  made.set("choices", std::move(choices));
  made.set("usage", usage_of(results, options_.n_per_prompt));
  return made;
}

}  // namespace kinglet::serve::openai
