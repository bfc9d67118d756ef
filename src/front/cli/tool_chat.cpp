#include "front/cli/tool_chat.h"

#include <fcntl.h>
#include <unistd.h>

#include <random>

#include "front/cli/input_files.h"
#include "front/cli/terminal.h"
#include "home/egress/egress.h"
#include "run/chat/mcp/mcp.h"

namespace kinglet::cli {
namespace {

using system::Json;
using system::JsonArray;
using system::JsonObject;

constexpr auto kLookUp = std::chrono::milliseconds(50);

// Rows of /dev/tty, where standard input is something else; -1: there is no terminal.
class Terminal {
 public:
  Terminal() : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {}
  ~Terminal() {
    if (fd_ >= 0) ::close(fd_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] bool is_there() const noexcept { return fd_ >= 0; }
  [[nodiscard]] std::string read_line() const {
    std::string line;
    char c = 0;
    while (line.size() < 1000 && ::read(fd_, &c, 1) == 1 && c != '\n') line += c;
    return line;
  }

 private:
  int fd_;
};

void add(engine::Usage& sum, const engine::Usage& one) {
  sum.prompt_tokens += one.prompt_tokens;
  sum.completion_tokens += one.completion_tokens;
  sum.prompt_ms += one.prompt_ms;
  sum.decode_ms += one.decode_ms;
}

}  // namespace

struct ToolChat::Round {
  std::string text;
  std::string thinking;
  std::vector<Call> calls;
  std::vector<int32_t> ids;
  chat::Finish finish = chat::Finish::kStop;
  engine::Usage usage;
};

ToolChat::ToolChat(Session& session, const ToolOptions& options)
    : session_(session), allowed_(options.allowed.begin(), options.allowed.end()) {
  if (options.think && options.no_think)
    fail(ErrorCode::kInvalidArgument, "--no-think: there is --think as well; one of both");
  if (options.think || options.no_think) thinks_ = options.think;
  if (!options.tools.empty()) tool_list_ = Json::parse(read_input(options.tools), options.tools);
  if (!options.mcp.empty()) {
    const auto servers = chat::read_mcp_servers(Json::parse(read_input(options.mcp), options.mcp));
    // A program may talk to whom it likes, so it is written down before it does.
    const auto write_down = [&](const chat::McpServer& server) {
      session_.ledger().append({.reason = ledger::Reason::kEscalate,
                                .host = "(program)",
                                .request = str("MCP ", server.name, ": ", server.command[0]),
                                .outcome = "started"});
    };
    mcp_ =
        std::make_unique<chat::McpTools>(servers, chat::McpOptions{.environment = session_.environment().for_programs},
                                         session_.tool_door(), write_down);
    if (tool_list_.is_null()) tool_list_ = JsonArray{};
    const Json theirs = mcp_->tools();
    for (const Json& tool : theirs.as_array("tools")) tool_list_.push(tool);
  }
  tools_ = chat::ToolSet(tool_list_);
}

ToolChat::~ToolChat() = default;

ToolChat::Turn ToolChat::answer(chat::LoadedModel& model, const chat::Settings& settings, Json& messages,
                                const Ways& ways) {
  Turn turn;
  turn.calls = JsonArray{};
  for (int i = 0; i < kMaxRounds; ++i) {
    Round one = round(model, settings, messages, ways);
    turn.text += one.text;
    turn.thinking += one.thinking;
    turn.ids.insert(turn.ids.end(), one.ids.begin(), one.ids.end());
    turn.finish = one.finish;
    add(turn.usage, one.usage);
    Json message = JsonObject{{"role", "assistant"}, {"content", one.text}};
    if (!one.thinking.empty()) message.set("reasoning_content", one.thinking);
    std::vector<Call> to_do;
    Json calls = JsonArray{};
    for (const Call& call : one.calls) {
      if (!call.complete) continue;
      const Json entry = JsonObject{
          {"id", call.id},
          {"type", "function"},
          {"function",
           JsonObject{{"name", call.name}, {"arguments", Json::parse(call.arguments, "the call's arguments")}}}};
      calls.push(entry);
      if (mcp_ != nullptr && mcp_->has(call.name)) {
        to_do.push_back(call);
      } else {
        turn.calls.push(entry);
        if (ways.writes) session_.out().write(entry.at("function").dump() + '\n');
      }
    }
    if (!one.calls.empty()) message.set("tool_calls", calls);
    messages.push(std::move(message));
    if (to_do.empty() || ways.interrupted()) return turn;
    for (const Call& call : to_do) {
      messages.push(
          JsonObject{{"role", "tool"}, {"tool_call_id", call.id}, {"name", call.name}, {"content", result_of(call)}});
    }
  }
  session_.note(str("kinglet: the model called tools ", kMaxRounds, " times in a row; the turn ends here"));
  return turn;
}

ToolChat::Round ToolChat::round(chat::LoadedModel& model, const chat::Settings& settings, const Json& messages,
                                const Ways& ways) {
  chat::TemplateInput input;
  input.messages = messages;
  input.tools = tool_list_;
  if (thinks_) {
    input.variables.emplace_back("enable_thinking", *thinks_);
    input.variables.emplace_back("thinking", *thinks_);
  }
  std::vector<int32_t> prompt = model.prompt_of(input);
  const std::string opened = model.opened_by(prompt);
  chat::ReplyReader reader(model.reply_format(), tools_, {.opened = opened, .id_seed = std::random_device{}()});
  const auto answer =
      model.answer(std::move(prompt), settings, {.ignore_end = ways.ignore_end, .continues = false, .marks = true});
  Round result;
  std::string piece;
  for (bool more = true; more; piece.clear()) {
    more = answer->read(piece, kLookUp);
    if (ways.interrupted()) answer->cancel();
    if (ways.on_first_token && !answer->result().ids.empty()) ways.on_first_token();
    std::vector<chat::ReplyEvent> events;
    reader.add(piece, events);
    if (!more) reader.finish(events);
    for (const chat::ReplyEvent& event : events) {
      switch (event.kind) {
        case chat::ReplyEvent::Kind::kText:
          if (ways.writes) {
            if (std::exchange(in_thinking_, false)) show_thinking("\n");
            session_.out().write(event.text);
            session_.out().flush();
          }
          result.text += event.text;
          break;
        case chat::ReplyEvent::Kind::kThinking:
          in_thinking_ = true;
          show_thinking(event.text);
          result.thinking += event.text;
          break;
        case chat::ReplyEvent::Kind::kCallBegin:
          result.calls.push_back({event.id, event.name, {}, true});
          break;
        case chat::ReplyEvent::Kind::kArguments:
          result.calls.back().arguments += event.text;
          break;
        case chat::ReplyEvent::Kind::kCallEnd:
          result.calls.back().complete = event.complete;
          if (!event.complete)
            session_.note(str("kinglet: the answer ended within a call of ", result.calls.back().name));
          break;
      }
    }
  }
  if (std::exchange(in_thinking_, false)) show_thinking("\n");
  if (ways.writes && !result.text.empty() && !result.text.ends_with('\n')) session_.out().write("\n");
  result.ids = answer->result().ids;
  result.finish = answer->result().finish;
  result.usage = answer->result().usage;
  return result;
}

void ToolChat::show_thinking(std::string_view text) {
  if (!session_.options().quiet) write_to_stderr(without_controls(text));
}

std::string ToolChat::result_of(const Call& call) {
  if (!agrees(call)) return "The user refused this call.";
  try {
    const chat::McpResult result = mcp_->call(call.name, Json::parse(call.arguments, "the call's arguments"));
    return result.is_error ? "Error: " + result.text : result.text;
  } catch (const Error& error) {
    // The server failed, not the chat: the model may try something else.
    session_.note(str("kinglet: ", error.message()));
    return "Error: " + error.message();
  }
}

bool ToolChat::agrees(const Call& call) {
  if (allowed_.contains("*") || allowed_.contains(call.name)) return true;
  const Terminal terminal;
  if (!terminal.is_there()) {
    fail_with(ErrorCode::kRefused, call.name, ": the model wants to call it, and there is nobody to ask; --allow-tool ",
              call.name, " allows it");
  }
  session_.out().flush();
  write_to_stderr(without_controls(str("Call ", call.name, " of ", mcp_->server_of(call.name), " with ", call.arguments,
                                       "? [y]es, [N]o, [a]lways: ")));
  const std::string line = terminal.read_line();
  if (line == "a" || line == "always") allowed_.insert(call.name);
  return line == "y" || line == "yes" || line == "a" || line == "always";
}

}  // namespace kinglet::cli
