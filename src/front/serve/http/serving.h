// What all connections of a server share.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "front/serve/http/authority.h"
#include "front/serve/http/handler.h"
#include "front/serve/http/request_head.h"
#include "front/serve/http/server.h"
#include "front/serve/http/workers.h"

namespace kinglet::serve::http {

/// As Statistics, which are read from it.
struct Counters {
  std::atomic<uint64_t> n_connections{0};
  std::atomic<uint64_t> n_connections_now{0};
  std::atomic<uint64_t> n_connections_refused{0};
  std::atomic<uint64_t> n_requests{0};
  std::atomic<uint64_t> n_requests_now{0};
  std::atomic<uint64_t> n_malformed{0};
  std::atomic<uint64_t> n_busy{0};
  std::atomic<uint64_t> n_client_gone{0};
  std::atomic<uint64_t> n_timeouts{0};
  std::atomic<uint64_t> n_bytes_in{0};
  std::atomic<uint64_t> n_bytes_out{0};
};

/// Names for requests that bring none: different in every run of the program. Any thread.
class RequestIds {
 public:
  RequestIds();
  std::string next();

 private:
  std::string start_;
  std::atomic<uint64_t> n_{0};
};

/// Any thread.
struct Serving {
  Serving(const ServerOptions& options, Handler& its_handler);

  /// Handler::refuse; a bare 500 where even that fails.
  [[nodiscard]] Response refused(unsigned status, std::string_view message, std::string_view path) const;

  Limits limits;
  HeadLimits head_limits;
  Handler& handler;
  HostRule hosts;
  OriginRule origins;
  bool tls;
  RequestIds ids;
  Counters counters;
  std::atomic<uint64_t> held_bytes{0};  ///< Of all bodies of requests in memory.
  std::atomic<bool> stopping{false};
  Workers workers;
};

}  // namespace kinglet::serve::http
