// Tools of other programs: a client of the Model Context Protocol (revisions 2024-11-05 to 2025-11-25).
//
// McpTools holds the servers of a configuration, as other programs have it, and calls their tools for a chat. Whoever
// calls asks the user first: what servers say of their tools is not to be trusted. Thread rules: one thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "run/chat/mcp/mcp_transport.h"

namespace kinglet::chat {

/// A program to start, or a URL to reach.
struct McpServer {
  std::string name = {};
  std::vector<std::string> command = {};      ///< With its arguments; empty: `url`.
  std::vector<std::string> environment = {};  ///< NAME=VALUE, beside what every program gets.
  std::string url = {};
  std::vector<egress::Header> headers = {};
};

/// Reads {"mcpServers": {NAME: {"command", "args", "env"} or {"url", "headers"}}}. Throws Error{kInvalidArgument} for
/// what is not of this form, a member that is not known among them.
std::vector<McpServer> read_mcp_servers(const system::Json& config);

struct McpOptions {
  std::vector<std::string> environment = {};  ///< NAME=VALUE, for every program.
  std::chrono::milliseconds connect_timeout{30'000};
  std::chrono::milliseconds call_timeout{60'000};
};

struct McpResult {
  std::string text;       ///< What the model is told.
  bool is_error = false;  ///< The tool says that it failed; the model is told, too.
};

class McpTools {
 public:
  static constexpr size_t kMaxTools = 1000;  ///< Of one server.

  /// Connects to all servers and asks for their tools. `on_start` is told of each program before it is started (a
  /// program may talk to whom it likes: the ledger has to know). The door outlives it. Throws Error{kNotFound} for a
  /// program that is not there, kNetwork for a server that does not answer as the protocol says, and what the door
  /// throws.
  McpTools(const std::vector<McpServer>& servers, const McpOptions& options, egress::Door& door,
           const std::function<void(const McpServer&)>& on_start);
  ~McpTools();

  /// The tools as requests have them, in the order of servers. Names are made of letters, digits, - and _; one that
  /// several servers have gets the server's in front.
  [[nodiscard]] system::Json tools() const;
  [[nodiscard]] bool has(std::string_view name) const noexcept;
  /// The server that has the tool of this name.
  [[nodiscard]] const std::string& server_of(std::string_view name) const;

  /// Calls one. Throws Error{kInvalidArgument} for a name that is not there, and kNetwork as the constructor does; the
  /// chat may go on.
  McpResult call(std::string_view name, const system::Json& arguments);

 private:
  struct Connection {
    std::string name;
    std::unique_ptr<McpTransport> transport;
  };
  struct Tool {
    std::string name;   // for models
    std::string their;  // the server's
    size_t connection;
    system::Json description;
    system::Json parameters;
  };
  void connect(const McpServer& server, const McpOptions& options, egress::Door& door);
  void list_tools(size_t connection, const McpOptions& options);
  void name_tools();
  [[nodiscard]] const Tool* find(std::string_view name) const noexcept;

  std::vector<Connection> connections_;
  std::vector<Tool> tools_;
  std::chrono::milliseconds call_timeout_;
};

}  // namespace kinglet::chat
