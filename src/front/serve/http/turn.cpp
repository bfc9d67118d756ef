#include "front/serve/http/turn.h"

#include <exception>
#include <utility>

namespace kinglet::serve::http {
namespace {

// What a client is told of an exception that nobody foresaw: nothing of what is inside.
constexpr std::string_view kUnforeseen = "an internal error";

}  // namespace

Turn::~Turn() {
  let_go_of_body();
  place.reset();
  if (is_counted) serving.counters.n_requests_now.fetch_sub(1);
}

bool Turn::hold(uint64_t n_bytes) {
  if (n_bytes <= n_held_) return true;
  const uint64_t n_more = n_bytes - n_held_;
  n_held_ = n_bytes;
  return serving.held_bytes.fetch_add(n_more) + n_more <= serving.limits.held_bytes;
}

void Turn::let_go_of_body() {
  request.body = {};
  serving.held_bytes.fetch_sub(std::exchange(n_held_, 0));
}

void Turn::take_in() {
  try {
    if (!request.sink) request.sink = rule.sink();
    if (!request.body.empty()) request.sink->write(request.body);
    request.body.clear();
  } catch (const Error& error) {
    failure = Refusal{status_of(error.code()), error.message()};
  } catch (const std::exception&) {
    failure = Refusal{500, std::string(kUnforeseen)};
  }
  if (failure) request.sink.reset();
}

void Turn::handle() {
  const std::string path = request.path;
  try {
    response = serving.handler.handle(std::move(request), cancel.token());
  } catch (const Error& error) {
    response = serving.refused(status_of(error.code()), error.message(), path);
  } catch (const std::exception&) {
    response = serving.refused(500, kUnforeseen, path);
  }
  request = {};
}

void Turn::pull() {
  chunk.clear();
  const Cancel cancelled = cancel.token();
  const auto is_wanted = [&] { return cancelled.reason() != CancelReason::kClientGone; };
  try {
    do {
      more = response.stream->read(chunk, serving.limits.read_limit);
    } while (more && chunk.empty() && is_wanted());
  } catch (const std::exception&) {
    broken = true;
  }
  more = more && !broken && is_wanted();
  if (!more) response.stream.reset();
}

}  // namespace kinglet::serve::http
