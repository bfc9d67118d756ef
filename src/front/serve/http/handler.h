// What stands behind a server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "front/serve/http/cancel.h"
#include "front/serve/http/message.h"

namespace kinglet::serve::http {

/// What is decided about a request by its head.
struct BodyRule {
  uint64_t max_bytes = 0;  ///< A longer body is refused with 413.
  /// Where the body goes instead of Request::body; called on a worker thread, may block and throw as BodySink::write.
  std::function<std::unique_ptr<BodySink>()> sink = {};
  /// Answered at once, the body unread: no such route, a method or a type that it has not, a key that is missing.
  std::optional<Response> refusal = {};
  /// Answered by workers of its own, so also while all others are taken: health, metrics. It must not block for long.
  bool urgent = false;
};

/// How an exchange ended.
enum class Outcome {
  kComplete,    ///< The whole answer was given to the system.
  kClientGone,  ///< The client left before, or broke the connection.
  kTimeout,     ///< The client took too long to send or to read.
  kStopped,     ///< The server stopped before the answer was complete.
  kFailed,      ///< The answer broke off by an exception.
};

/// A request and its answer, when both are over: for logs and metrics.
struct Exchange {
  std::string id;
  std::string trace_id;
  std::string peer;
  std::string method;  ///< Empty where the request could not be read that far; so is the path.
  std::string path;
  unsigned status = 0;  ///< 0: none was sent.
  uint64_t n_body_bytes_in = 0;
  uint64_t n_body_bytes_out = 0;
  uint64_t first_byte_us = 0;  ///< From the end of the head to the answer's head.
  uint64_t total_us = 0;       ///< From the end of the head to the end of the answer.
  Outcome outcome = Outcome::kComplete;
};

/// Answers requests. Its functions are called from several threads at once.
class Handler {
 public:
  virtual ~Handler() = default;

  /// Called with the head of each request, its body still empty, on a thread of the transport: must not block.
  virtual BodyRule body_rule(const Request& head) = 0;

  /// Called on a worker thread; may block, and should end soon after `cancel` is requested. An Error that it throws is
  /// answered by refuse() with the status of its code, any other exception with 500. Of a HEAD request the transport
  /// sends the answer's head alone.
  virtual Response handle(Request&& request, const Cancel& cancel) = 0;

  /// The answer to what is refused before or instead of handle(): a request that breaks the rules, a limit, an error.
  /// The path (decoded; empty where it is not known) tells the dialect. Must not block or throw.
  virtual Response refuse(unsigned status, std::string_view message, std::string_view path) = 0;

  /// Called when an exchange is over, on a thread of the transport: must not block or throw.
  virtual void finished(const Exchange& exchange) { static_cast<void>(exchange); }
};

}  // namespace kinglet::serve::http
