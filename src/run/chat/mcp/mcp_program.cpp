// A server that is a program of ours: a message a line, on its standard input and output.
#include "core/base/base.h"
#include "home/system/child_process.h"
#include "run/chat/mcp/mcp_transport.h"

namespace kinglet::chat {
namespace {

using system::Json;
using system::JsonObject;

class ProgramTransport final : public McpTransport {
 public:
  ProgramTransport(std::string what, const std::vector<std::string>& command,
                   const std::vector<std::string>& environment)
      : what_(std::move(what)), process_({.command = command, .environment = environment}) {}

  Json request(const std::string& method, const Json& parameters, Clock::time_point deadline) override {
    const int64_t id = ++n_requests_;
    send(mcp::request_message(id, method, parameters), deadline);
    while (true) {
      const Json message = receive(method, deadline);
      if (const Json* result = mcp::result_in(message, id, what_)) return *result;
      answer(message, deadline);
    }
  }

  void notify(const std::string& method, Clock::time_point deadline) override {
    send(mcp::notification(method), deadline);
  }

  void set_protocol(const std::string& /*version*/) override {}

 private:
  void send(const Json& message, Clock::time_point deadline) {
    try {
      process_.write(message.dump() + '\n', deadline);
    } catch (const Error& error) {
      fail_with(ErrorCode::kNetwork, what_, ": ", error.message());
    }
  }

  // The next line that is a message: programs print other things, too.
  Json receive(const std::string& method, Clock::time_point deadline) {
    while (true) {
      const size_t end = text_.find('\n');
      if (end != std::string::npos) {
        const std::string line = text_.substr(0, end);
        text_.erase(0, end + 1);
        try {
          Json message = Json::parse(line, "message", {.max_depth = 128});
          if (message.is_object()) return message;
        } catch (const Error&) {  // no message
        }
        if (++n_bad_lines_ > kMaxBadLines) fail_with(ErrorCode::kNetwork, what_, ": does not speak JSON");
        continue;
      }
      if (text_.size() > kMaxMessageBytes)
        fail_with(ErrorCode::kNetwork, what_, ": a message is longer than ", kMaxMessageBytes, " bytes");
      if (Clock::now() >= deadline) fail_with(ErrorCode::kNetwork, what_, ": gave no answer to ", method, " in time");
      if (!process_.read(text_, deadline)) fail_with(ErrorCode::kNetwork, what_, ": the program has ended");
    }
  }

  // A request of the server's own: we are there, and can do nothing for it.
  void answer(const Json& message, Clock::time_point deadline) {
    const Json* id = message.find("id");
    const Json* method = message.find("method");
    if (id == nullptr || method == nullptr || !method->is_string()) return;
    Json reply = JsonObject{{"jsonrpc", "2.0"}, {"id", *id}};
    if (method->as_string("method") == "ping") {
      reply.set("result", JsonObject{});
    } else {
      reply.set("error", JsonObject{{"code", -32601}, {"message", "Method not found"}});
    }
    send(reply, deadline);
  }

  static constexpr int kMaxBadLines = 100;
  std::string what_;
  system::ChildProcess process_;
  std::string text_;
  int64_t n_requests_ = 0;
  int n_bad_lines_ = 0;
};

}  // namespace

std::unique_ptr<McpTransport> start_mcp_program(const std::string& what, const std::vector<std::string>& command,
                                                const std::vector<std::string>& environment) {
  return std::make_unique<ProgramTransport>(what, command, environment);
}

}  // namespace kinglet::chat
