// For tests: a handler with a route for each thing that a transport must carry, and what it saw.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/error.h"
#include "core/base/str.h"
#include "front/serve/http/http.h"

namespace kinglet::serve::http {

/// Gives `n` pieces of `size` bytes, one each `pause`; without end where n is 0.
class CountingSource final : public BodySource {
 public:
  CountingSource(int n, size_t size, std::chrono::milliseconds pause, std::atomic<int>& n_alive)
      : n_(n), size_(size), pause_(pause), n_alive_(n_alive) {
    ++n_alive_;
  }
  ~CountingSource() override { --n_alive_; }
  bool read(std::string& chunk, std::chrono::milliseconds limit) override {
    if (pause_ > limit) {
      std::this_thread::sleep_for(limit);
      waited_ += limit;
      if (waited_ < pause_) return true;
      waited_ = {};
    } else {
      std::this_thread::sleep_for(pause_);
    }
    chunk.assign(size_, static_cast<char>('a' + n_given_ % 26));
    return ++n_given_ != n_;
  }

 private:
  int n_;
  size_t size_;
  std::chrono::milliseconds pause_;
  std::chrono::milliseconds waited_{0};
  std::atomic<int>& n_alive_;
  int n_given_ = 0;
};

class BrokenSource final : public BodySource {
 public:
  bool read(std::string& chunk, std::chrono::milliseconds) override {
    if (given_) fail(ErrorCode::kInternal, "the model has gone");
    given_ = true;
    chunk = "first";
    return true;
  }

 private:
  bool given_ = false;
};

class CountingSink final : public BodySink {
 public:
  explicit CountingSink(std::atomic<int>& n_alive) : n_alive_(n_alive) { ++n_alive_; }
  ~CountingSink() override { --n_alive_; }
  void write(std::string_view piece) override {
    n_bytes += piece.size();
    if (piece.find("full") != std::string_view::npos) fail(ErrorCode::kNoSpace, "the disk is full");
  }
  uint64_t n_bytes = 0;

 private:
  std::atomic<int>& n_alive_;
};

class TestHandler : public Handler {
 public:
  BodyRule body_rule(const Request& head) override {
    if (head.path == "/missing") return {.refusal = refuse(404, "no such route", head.path)};
    if (head.path == "/sink") {
      return {.max_bytes = uint64_t{1} << 40, .sink = [this] { return std::make_unique<CountingSink>(n_sinks); }};
    }
    return {.max_bytes = size_t{1} << 20, .urgent = head.path == "/health"};
  }

  Response handle(Request&& request, const Cancel& cancel) override {
    ++n_handled;
    const std::string& path = request.path;
    if (path == "/wait") return wait_for(cancel);
    if (path == "/sleep") {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      return text("slept");
    }
    if (path == "/stream") return stream(5, 10, 1);
    if (path == "/stream-slowly") return stream(10, 10, 60);
    if (path == "/stream-on") return stream(0, 10, 5);
    if (path == "/stream-late") {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      return stream(0, 10, 5);
    }
    if (path == "/flood") return stream(0, 32768, 0);
    if (path == "/broken") return {.stream = std::make_unique<BrokenSource>()};
    if (path == "/big") return text(std::string(size_t{8} << 20, 'x'));
    if (path == "/throws") fail(ErrorCode::kNotFound, "no model \"tiny\"");
    if (path == "/throws-else") throw std::runtime_error("secret");
    if (path == "/splits") return {.headers = {{"X-Name", "a\r\nSet-Cookie: b"}}};
    if (path == "/empty") return {.status = 204};
    if (path == "/sink") return text(str(dynamic_cast<CountingSink&>(*request.sink).n_bytes));
    return text(str(request.method, " ", path, "?", request.query, " ", request.body));
  }

  Response refuse(unsigned status, std::string_view message, std::string_view path) override {
    return {
        .status = status, .headers = {{"Content-Type", "text/plain"}}, .body = str("refused ", path, ": ", message)};
  }

  void finished(const Exchange& exchange) override {
    const std::lock_guard lock(mutex_);
    exchanges_.push_back(exchange);
  }

  [[nodiscard]] std::vector<Exchange> exchanges() const {
    const std::lock_guard lock(mutex_);
    return exchanges_;
  }

  std::atomic<int> n_handled{0};
  std::atomic<int> n_sources{0};  ///< Alive.
  std::atomic<int> n_sinks{0};    ///< Alive.
  std::atomic<int> n_waiting{0};
  std::atomic<int> n_cancelled{0};

 private:
  static Response text(std::string body) {
    return {.headers = {{"Content-Type", "text/plain"}}, .body = std::move(body)};
  }
  Response stream(int n, size_t size, int pause_ms) {
    return {.headers = {{"Content-Type", "text/plain"}},
            .stream = std::make_unique<CountingSource>(n, size, std::chrono::milliseconds(pause_ms), n_sources)};
  }
  Response wait_for(const Cancel& cancel) {
    ++n_waiting;
    const bool cancelled = cancel.wait_for(std::chrono::seconds(20));
    --n_waiting;
    if (cancelled) ++n_cancelled;
    return text(cancelled ? "cancelled" : "waited");
  }

  mutable std::mutex mutex_;
  std::vector<Exchange> exchanges_;
};

/// Waits, at most ten seconds, until it is so.
inline bool eventually(const std::function<bool()>& is_so) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

/// Any free port of 127.0.0.1.
inline ServerOptions test_options() { return {.port = 0}; }

}  // namespace kinglet::serve::http
