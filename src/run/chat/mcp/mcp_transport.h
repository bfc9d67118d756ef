// How messages of the Model Context Protocol travel: JSON-RPC 2.0, to one server.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "home/egress/egress.h"
#include "home/system/json.h"

namespace kinglet::chat {

/// One server, one question at a time.
class McpTransport {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr size_t kMaxMessageBytes = size_t{4} << 20;

  virtual ~McpTransport() = default;
  /// Sends a request and gives the "result" of its answer. Throws Error{kNetwork} for an answer that is an error (its
  /// message is in ours), is none, is too long, or does not come in time; and what the way there throws.
  virtual system::Json request(const std::string& method, const system::Json& parameters,
                               Clock::time_point deadline) = 0;
  /// Sends what has no answer.
  virtual void notify(const std::string& method, Clock::time_point deadline) = 0;
  /// What both sides agreed on, once it is known.
  virtual void set_protocol(const std::string& version) = 0;
};

/// Lines to and from a program that is started for it. `what` names the server in messages.
std::unique_ptr<McpTransport> start_mcp_program(const std::string& what, const std::vector<std::string>& command,
                                                const std::vector<std::string>& environment);

/// HTTP ("streamable"), through the one door out, which outlives it.
std::unique_ptr<McpTransport> reach_mcp_server(const std::string& what, const std::string& url,
                                               const std::vector<egress::Header>& headers, egress::Door& door);

namespace mcp {

system::Json request_message(int64_t id, const std::string& method, const system::Json& parameters);
system::Json notification(const std::string& method);
/// The result in a message, where it is the answer to this request; null where it is another message. Throws as
/// McpTransport::request for an answer that is an error.
const system::Json* result_in(const system::Json& message, int64_t id, const std::string& what);

}  // namespace mcp

}  // namespace kinglet::chat
