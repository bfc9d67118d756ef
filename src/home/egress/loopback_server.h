// A server for tests, on 127.0.0.1: answers as a test tells it to, wrongly too.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

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

  explicit LoopbackServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), length) != 0 || ::listen(listener_, 64) != 0) {
      throw std::runtime_error("no port on 127.0.0.1");
    }
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~LoopbackServer() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& thread : connections_) thread.join();
    ::close(listener_);
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string url(const std::string& path) const { return "http://" + host() + path; }

  /// All requests so far.
  [[nodiscard]] std::vector<ServerRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void accept_all() {
    while (!stopping_) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      connections_.emplace_back([this, fd] {
        serve(fd);
        ::close(fd);
      });
    }
  }

  // Waits until there is something to read; false when the server stops or the other side has gone.
  bool readable(int fd) const {
    while (!stopping_) {
      pollfd poll_fd{fd, POLLIN, 0};
      if (::poll(&poll_fd, 1, 20) > 0) return true;
    }
    return false;
  }

  bool read_request(int fd, ServerRequest& request) const {
    std::string text;
    size_t head_end = std::string::npos;
    size_t n_wanted = 0;
    while (head_end == std::string::npos || text.size() < head_end + n_wanted) {
      char piece[4096];
      if (!readable(fd)) return false;
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

  static bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
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
    if (answer.stall) static_cast<void>(readable(fd));
    ::shutdown(fd, SHUT_WR);
  }

  Handler handler_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread acceptor_;
  std::vector<std::thread> connections_;  // used by the acceptor, then by the destructor
  mutable std::mutex mutex_;
  std::vector<ServerRequest> requests_;
};

}  // namespace kinglet::egress
