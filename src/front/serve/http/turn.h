// A request and its answer while they are under way.
//
// A turn belongs to its connection's loop, or to the worker that does a step of it; the one hands it to the other. Only
// its `cancel` may be asked for meanwhile. Steps on workers: take in a piece of a body, handle, pull a chunk.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "front/serve/http/body_decoder.h"
#include "front/serve/http/handler.h"
#include "front/serve/http/refusal.h"
#include "front/serve/http/request_head.h"
#include "front/serve/http/serving.h"
#include "front/serve/http/workers.h"

namespace kinglet::serve::http {

using Clock = std::chrono::steady_clock;

struct Turn {
  explicit Turn(Serving& its_serving) : serving(its_serving) {}
  ~Turn();
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  /// Writes the body so far to the sink, which it makes first; `failure` says what went wrong. On a worker.
  void take_in();
  /// Sets the response by the handler. On a worker.
  void handle();
  /// Pulls until there is a chunk, the end, or nobody who wants it; sets more and broken. On a worker.
  void pull();

  /// Counts the bytes of the body that are in memory; false where all bodies together are over the limit.
  [[nodiscard]] bool hold(uint64_t n_bytes);
  /// The body is not needed any more.
  void let_go_of_body();

  /// The request's body is not all read, so what follows on the connection is no request.
  [[nodiscard]] bool has_unread_body() const { return body ? !body->done() : framing.has_body(); }

  Serving& serving;
  Framing framing;
  int minor_version = 1;
  Request request;
  BodyRule rule;
  std::optional<BodyDecoder> body;
  std::optional<Refusal> failure;
  std::optional<Workers::Place> place;
  CancelSource cancel;
  Response response;
  std::string chunk;
  bool more = false;
  bool broken = false;
  std::string allowed_origin;  ///< Of a page that may read the answer.
  bool is_counted = false;     ///< In Counters::n_requests_now.
  Exchange record;
  Clock::time_point start = Clock::now();

 private:
  uint64_t n_held_ = 0;
};

}  // namespace kinglet::serve::http
