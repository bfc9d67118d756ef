// A server for tests, on 127.0.0.1: answers as a test tells it to, wrongly too.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "home/egress/loopback_listener.h"

namespace kinglet::egress {

struct ServerRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  ///< Names in small letters.
  std::string body;
  uint64_t first_byte = 0;  ///< Of a Range header.
};

struct ServerAnswer {
  static constexpr size_t kAll = SIZE_MAX;
  int status = 200;  ///< 0: sends nothing at all.
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  bool honour_range = false;  ///< Sends the rest with 206 where a Range was asked for.
  bool say_length = true;
  size_t n_sent = kAll;  ///< Bytes of the body that are sent before the connection ends,
  bool stall = false;    ///< or before it is held open without a word.
  std::function<void()> before_end = {};
};

/// Answers each connection from a thread of its own until it is destroyed.
class LoopbackServer {
 public:
  using Handler = std::function<ServerAnswer(const ServerRequest&)>;

  explicit LoopbackServer(Handler handler) : handler_(std::move(handler)), listener_([this](int fd) { serve(fd); }) {}

  [[nodiscard]] uint16_t port() const { return listener_.port(); }
  [[nodiscard]] std::string host() const { return listener_.host(); }
  [[nodiscard]] std::string url(const std::string& path) const { return "http://" + host() + path; }

  /// All requests so far.
  [[nodiscard]] std::vector<ServerRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  bool read_request(int fd, ServerRequest& request) const {
    std::string text;
    size_t head_end = std::string::npos;
    size_t n_wanted = 0;
    while (head_end == std::string::npos || text.size() < head_end + n_wanted) {
      char piece[4096];
      if (!listener_.readable(fd)) return false;
      const ssize_t n = ::recv(fd, piece, sizeof(piece), 0);
      if (n <= 0) return false;
      text.append(piece, static_cast<size_t>(n));
      if (head_end != std::string::npos) continue;
      head_end = text.find("\r\n\r\n");
      if (head_end == std::string::npos) continue;
      head_end += 4;
      parse_head(std::string_view(text).substr(0, head_end - 2), request);
      if (request.headers.contains("content-length")) n_wanted = std::stoul(request.headers["content-length"]);
    }
    request.body = text.substr(head_end);
    return true;
  }

  static void parse_head(std::string_view head, ServerRequest& request) {
    size_t line_end = head.find("\r\n");
    const std::string_view first = head.substr(0, line_end);
    request.method = first.substr(0, first.find(' '));
    request.target = first.substr(request.method.size() + 1, first.rfind(' ') - request.method.size() - 1);
    for (head.remove_prefix(line_end + 2); !head.empty(); head.remove_prefix(line_end + 2)) {
      line_end = head.find("\r\n");
      const std::string_view line = head.substr(0, line_end);
      std::string name(line.substr(0, line.find(": ")));
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      request.headers[name] = line.substr(line.find(": ") + 2);
    }
    const auto range = request.headers.find("range");
    if (range != request.headers.end()) request.first_byte = std::stoull(range->second.substr(6));
  }

  void serve(int fd) {
    ServerRequest request;
    if (!read_request(fd, request)) return;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    ServerAnswer answer = handler_(request);
    std::string_view body = answer.body;
    std::string head;
    if (answer.honour_range && request.first_byte > 0 && request.first_byte < body.size()) {
      answer.status = 206;
      head += "Content-Range: bytes " + std::to_string(request.first_byte) + "-" + std::to_string(body.size() - 1) +
              "/" + std::to_string(body.size()) + "\r\n";
      body.remove_prefix(request.first_byte);
    }
    if (answer.say_length) head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    for (const auto& [name, value] : answer.headers) head += name + ": " + value + "\r\n";
    head = "HTTP/1.1 " + std::to_string(answer.status) + " Test\r\nConnection: close\r\n" + head + "\r\n";
    if (answer.status != 0 && (!send_all(fd, head) || !send_all(fd, body.substr(0, answer.n_sent)))) return;
    if (answer.before_end) answer.before_end();
    if (answer.stall) static_cast<void>(listener_.readable(fd));
    ::shutdown(fd, SHUT_WR);
  }

  Handler handler_;
  mutable std::mutex mutex_;
  std::vector<ServerRequest> requests_;
  LoopbackListener listener_;  // the last one, as its threads use the others
};

}  // namespace kinglet::egress
