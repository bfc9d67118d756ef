#include "front/serve/dialects/ollama.h"

#include <array>
#include <cmath>
#include <ctime>

namespace kinglet::serve::ollama {
namespace {

using std::chrono::nanoseconds;

int64_t nanoseconds_of(double milliseconds) { return std::llround(milliseconds * 1e6); }

// Of a call that was cut off nothing can be read.
Json arguments_of(const chat::ToolCall& call) {
  return call.complete && !call.arguments.empty() ? Json::parse(call.arguments, "arguments") : Json(JsonObject{});
}

void set_unless_zero(Json& line, const char* name, int64_t value) {
  if (value != 0) line.set(name, value);
}

}  // namespace

const Fields<Message>& Message::fields() {
  static const Fields<Message> kFields(
      field("role", &Message::role).required().doc("system, user, assistant or tool."),
      field("content", &Message::content).doc("What it says."),
      field("thinking", &Message::thinking).doc("Of an assistant: what it thought."),
      field("images", &Message::images).doc("Refused until a model can see."),
      field("tool_calls", &Message::tool_calls).doc("Of an assistant: the calls that it asked for."),
      field("tool_name", &Message::tool_name).doc("Of a tool: its name."),
      field("tool_call_id", &Message::tool_call_id).doc("Of a tool: the call that it answers."));
  return kFields;
}

Json template_messages(const std::vector<Message>& messages) {
  constexpr std::array<std::string_view, 5> kRoles = {"system", "developer", "user", "assistant", "tool"};
  Json made = JsonArray{};
  for (size_t i = 0; i < messages.size(); ++i) {
    const Message& one = messages[i];
    const std::string path = str("messages[", i, "]");
    std::string role = one.role;
    for (char& c : role) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (std::ranges::find(kRoles, role) == kRoles.end())
      check_choice(path + ".role", one.role, {"system", "user", "assistant", "tool"});
    if (!one.images.empty()) throw ApiError(400, path + ".images: this model cannot see", path + ".images");
    Json message = JsonObject{{"role", role}, {"content", one.content}};
    if (!one.thinking.empty()) {
      message.set("thinking", one.thinking);
      message.set("reasoning_content", one.thinking);
    }
    if (!one.tool_calls.is_null()) message.set("tool_calls", one.tool_calls);
    if (!one.tool_name.empty()) {
      message.set("tool_name", one.tool_name);
      message.set("name", one.tool_name);
    }
    if (!one.tool_call_id.empty()) message.set("tool_call_id", one.tool_call_id);
    made.push(std::move(message));
  }
  return made;
}

chat::AnswerFormat format_of(const Json& format) {
  chat::AnswerFormat made;
  if (format.is_null()) return made;
  if (format.is_string()) {
    const std::string& word = format.as_string("format");
    if (word.empty()) return made;
    check_choice("format", word, {"json"});
    made.kind = chat::AnswerFormat::Kind::kJson;
    return made;
  }
  if (!format.is_object()) fail_kind("format", format, "\"json\" or a JSON Schema");
  made.kind = chat::AnswerFormat::Kind::kSchema;
  made.schema = format;
  return made;
}

std::vector<int32_t> ids_of(const std::vector<int64_t>& context, size_t vocab_size) {
  std::vector<int32_t> ids;
  for (const int64_t id : context) {
    if (id < 0 || static_cast<uint64_t>(id) >= vocab_size)
      throw ApiError(400, str("context: ", id, " is no token of this model, which has 0 to ", vocab_size - 1),
                     "context");
    ids.push_back(static_cast<int32_t>(id));
  }
  return ids;
}

http::Response load_or_unload(RequestContext& context, const std::string& model, const UseOptions& options, Kind kind) {
  const bool unloads = options.keep_alive && options.keep_alive->count() == 0;
  if (unloads) {
    context.services.host.unload(model);
  } else {
    static_cast<void>(use_model(context, model, options));
  }
  Json made = JsonObject{{"model", model}, {"created_at", time_text(std::chrono::system_clock::now())}};
  if (kind == Kind::kChat) {
    made.set("message", JsonObject{{"role", "assistant"}, {"content", ""}});
  } else {
    made.set("response", "");
  }
  made.set("done", true);
  made.set("done_reason", unloads ? "unload" : "load");
  return json_response(made);
}

void apply(const std::optional<Think>& think, const chat::HostedModel& model, const std::string& name,
           chat::TemplateInput& input) {
  if (!think) return;
  if (think->on && !model.capabilities().thinking)
    throw ApiError(400, str(system::json_quoted(name), " does not support thinking"), "think");
  input.variables.emplace_back("enable_thinking", think->on);
  input.variables.emplace_back("thinking", think->on);
  if (!think->level.empty()) input.variables.emplace_back("reasoning_effort", think->level);
}

http::Response rendered(const std::string& model, const std::string& prompt) {
  return json_response(JsonObject{{"model", model},
                                  {"created_at", time_text(std::chrono::system_clock::now())},
                                  {"_debug_info", JsonObject{{"rendered_template", prompt}}}});
}

Json details(const std::string& format, const std::string& family, uint64_t n_parameters,
             const std::string& quantization) {
  return JsonObject{{"parent_model", ""},
                    {"format", format},
                    {"family", family},
                    {"families", family.empty() ? Json() : Json(JsonArray{family})},
                    {"parameter_size", chat::parameter_size(n_parameters)},
                    {"quantization_level", quantization}};
}

std::string time_text(std::chrono::system_clock::time_point moment) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(moment);
  const auto rest = std::chrono::duration_cast<nanoseconds>(moment - whole).count();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::string fraction = std::to_string(rest);
  fraction.insert(0, 9 - fraction.size(), '0');
  return str(date.data(), ".", fraction, "Z");
}

Writer::Writer(Kind kind, std::string model, nanoseconds loaded, std::vector<int32_t> context)
    : kind_(kind), model_(std::move(model)), loaded_(loaded), context_(std::move(context)) {}

Json Writer::head() const {
  return JsonObject{{"model", model_}, {"created_at", time_text(std::chrono::system_clock::now())}};
}

void Writer::put_text(Json& line, const std::string& content, const std::string& thinking, const Json& calls) const {
  if (kind_ == Kind::kChat) {
    Json message = JsonObject{{"role", "assistant"}, {"content", content}};
    if (!thinking.empty()) message.set("thinking", thinking);
    if (!calls.as_array("calls").empty()) message.set("tool_calls", calls);
    line.set("message", std::move(message));
    return;
  }
  line.set("response", content);
  if (!thinking.empty()) line.set("thinking", thinking);
  if (!calls.as_array("calls").empty()) line.set("tool_calls", calls);
}

void Writer::put_end(Json& line, const chat::ReplyResult& result) const {
  const engine::Usage& usage = result.usage;
  line.set("done", true);
  const bool is_cut = result.finish == chat::Finish::kLength || result.finish == chat::Finish::kContext ||
                      result.finish == chat::Finish::kDeadline;
  line.set("done_reason", is_cut ? "length" : "stop");
  if (!context_.empty()) {
    JsonArray ids;
    for (const int32_t id : context_) ids.emplace_back(id);
    for (const int32_t id : result.ids) ids.emplace_back(id);
    line.set("context", std::move(ids));
  }
  const int64_t prompt = nanoseconds_of(usage.prompt_ms);
  const int64_t decode = nanoseconds_of(usage.decode_ms);
  const int64_t before = loaded_.count() + nanoseconds_of(usage.queue_ms);
  set_unless_zero(line, "total_duration", before + prompt + decode);
  set_unless_zero(line, "load_duration", before);
  set_unless_zero(line, "prompt_eval_count", static_cast<int64_t>(usage.prompt_tokens));
  set_unless_zero(line, "prompt_eval_duration", prompt);
  set_unless_zero(line, "eval_count", static_cast<int64_t>(usage.completion_tokens));
  set_unless_zero(line, "eval_duration", decode);
}

void Writer::take(size_t /*choice*/, const chat::ReplyPiece& event, std::string& out) {
  using Piece = chat::ReplyEvent::Kind;
  Json line = head();
  switch (event.kind) {
    case Piece::kText:
      put_text(line, event.text, "", JsonArray{});
      break;
    case Piece::kThinking:
      put_text(line, "", event.text, JsonArray{});
      break;
    case Piece::kCallBegin:
      call_ = {event.id, event.name, "", true};
      return;
    case Piece::kArguments:
      call_.arguments += event.text;
      return;
    case Piece::kCallEnd:
      call_.complete = event.complete;
      put_text(line, "", "", JsonArray{json_of(call_, event.call_idx)});
      break;
  }
  line.set("done", false);
  out += line.dump() + '\n';
}

void Writer::end(size_t /*choice*/, const chat::ReplyResult& result, std::string& out) {
  Json line = head();
  put_text(line, "", "", JsonArray{});
  put_end(line, result);
  out += line.dump() + '\n';
}

void Writer::fail(const Error& error, std::string& out) {
  out += Json(JsonObject{{"error", error.message()}}).dump() + '\n';
}

Json Writer::json_of(const chat::ToolCall& call, size_t index) {
  return JsonObject{{"id", call.id},
                    {"function", JsonObject{{"index", index}, {"name", call.name}, {"arguments", arguments_of(call)}}}};
}

Json Writer::whole(std::span<const chat::ReplyResult> results) {
  const chat::ReplyResult& result = results.front();
  JsonArray calls;
  for (const chat::ToolCall& call : result.calls) calls.push_back(json_of(call, calls.size()));
  Json line = head();
  put_text(line, result.text, result.thinking, calls);
  put_end(line, result);
  return line;
}

}  // namespace kinglet::serve::ollama

namespace kinglet::serve {
namespace {

std::vector<FieldFacts> known_options() {
  std::vector<FieldFacts> known;
  for (const chat::SettingRow& row : chat::setting_rows())
    known.push_back(
        {.name = std::string(row.name), .doc = std::string(row.help), .schema = JsonObject{}, .refusal = {}});
  return known;
}

}  // namespace

// Go writes durations as numbers with units, one after the other.
ollama::KeepAlive Value<ollama::KeepAlive>::read(const Json& value, const std::string& path) {
  constexpr double kForever = 1e15;
  const auto of_ms = [](double ms) {
    if (ms < 0 || ms > kForever) return ollama::KeepAlive{std::chrono::milliseconds(-1)};
    return ollama::KeepAlive{std::chrono::milliseconds(static_cast<int64_t>(ms))};
  };
  if (value.is_number()) return of_ms(value.as_number(path) * 1000);
  if (!value.is_string()) fail_kind(path, value, "a number of seconds or a text such as \"10m\"");
  struct Unit {
    std::string_view name;
    double ms;
  };
  constexpr std::array kUnits = {Unit{"ns", 1e-6}, Unit{"us", 1e-3}, Unit{"ms", 1},
                                 Unit{"s", 1e3},   Unit{"m", 6e4},   Unit{"h", 3.6e6}};
  std::string_view rest = value.as_string(path);
  const bool is_negative = rest.starts_with('-');
  if (is_negative || rest.starts_with('+')) rest.remove_prefix(1);
  double sum = 0;
  bool any = false;
  while (!rest.empty()) {
    const size_t digits = rest.find_first_not_of("0123456789.");
    if (digits == 0 || digits == std::string_view::npos || digits > 15) break;
    const std::string number(rest.substr(0, digits));
    rest.remove_prefix(digits);
    const size_t letters = std::min(rest.find_first_of("0123456789."), rest.size());
    const auto* const unit = std::ranges::find(kUnits, rest.substr(0, letters), &Unit::name);
    if (unit == kUnits.end() || std::ranges::count(number, '.') > 1 || number == ".") break;
    sum += std::stod(number) * unit->ms;
    rest.remove_prefix(letters);
    any = true;
  }
  if (!rest.empty() || !any) fail_kind(path, value, "a duration such as \"10m\" or \"1h30m\", or a number of seconds");
  return of_ms(is_negative ? -1 : sum);
}

Json Value<ollama::KeepAlive>::schema() {
  return JsonObject{{"anyOf", JsonArray{JsonObject{{"type", "number"}}, JsonObject{{"type", "string"}}}}};
}

ollama::Options Value<ollama::Options>::read(const Json& value, const std::string& path) {
  if (!value.is_object()) fail_kind(path, value, "an object");
  ollama::Options made;
  for (const auto& [name, one] : value.as_object(path)) {
    if (one.is_null()) continue;
    const std::string at = path_of(path, name);
    chat::Settings tried;
    try {
      if (!tried.take(JsonObject{{name, one}}).empty()) fail_unknown(path, name, known_options());
    } catch (const ApiError&) {
      throw;
    } catch (const Error& error) {
      throw ApiError(400, str(path, ".", error.message()), at);
    }
    if (name == "num_ctx" && tried.context_len) made.context_len = static_cast<int64_t>(*tried.context_len);
    made.settings.set(name, one);
  }
  return made;
}

Json Value<ollama::Options>::schema() {
  Json made = object_schema(known_options());
  made.set("additionalProperties", true);  // what concerns other runners alone is taken
  return made;
}

ollama::Think Value<ollama::Think>::read(const Json& value, const std::string& path) {
  if (value.is_bool()) return {value.as_bool(path), ""};
  if (!value.is_string()) fail_kind(path, value, "true, false or a level");
  check_choice(path, value.as_string(path), {"low", "medium", "high", "max"});
  return {true, value.as_string(path)};
}

Json Value<ollama::Think>::schema() {
  return JsonObject{
      {"anyOf", JsonArray{JsonObject{{"type", "boolean"}},
                          JsonObject{{"type", "string"}, {"enum", JsonArray{"low", "medium", "high", "max"}}}}}};
}

}  // namespace kinglet::serve
