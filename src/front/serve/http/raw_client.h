// For tests: a client that sends the bytes it is told to, wrong ones too, and reads what comes.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "front/serve/http/headers.h"

namespace kinglet::serve::http {

struct RawAnswer {
  unsigned status = 0;  ///< 0: the connection ended before an answer.
  Headers headers;
  std::string body;  ///< Without its chunks.
  bool whole = false;
};

class RawClient {
 public:
  explicit RawClient(uint16_t port, int receive_buffer = 0) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof(address), receive_buffer);
  }
  explicit RawClient(const std::string& unix_path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    unix_path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    connect(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof(address), 0);
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// False where the other side has gone.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  /// Reads one answer, of a request by this method.
  RawAnswer read(std::string_view method = "GET") {
    RawAnswer answer;
    while (true) {
      while (in_.find("\r\n\r\n") == std::string::npos) {
        if (!read_more()) return answer;
      }
      const size_t end = in_.find("\r\n\r\n");
      parse_head(std::string_view(in_).substr(0, end), answer);
      in_.erase(0, end + 4);
      if (answer.status != 100) break;
      answer = {};
    }
    read_body(method, answer);
    return answer;
  }

  RawAnswer ask(std::string_view request) {
    send(request);
    return read(request.substr(0, request.find(' ')));
  }

  /// All bytes until the other side ends, or for so long.
  std::string read_all(std::chrono::milliseconds limit = std::chrono::seconds(5)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < end && read_more()) {
    }
    return std::exchange(in_, {});
  }

  /// Whether the other side ends within the time, whatever comes before that.
  bool ends_within(std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < end) {
      pollfd entry{fd_, POLLIN, 0};
      if (::poll(&entry, 1, 20) <= 0) continue;
      char piece[4096];
      if (::recv(fd_, piece, sizeof(piece), 0) <= 0) return true;
    }
    return false;
  }

  /// Reads what has come, at least a byte; false at the end.
  bool read_more() {
    pollfd entry{fd_, POLLIN, 0};
    if (::poll(&entry, 1, kPatienceMs) <= 0) return false;
    char piece[16384];
    const ssize_t n = ::recv(fd_, piece, sizeof(piece), 0);
    if (n <= 0) return false;
    in_.append(piece, static_cast<size_t>(n));
    return true;
  }
  [[nodiscard]] const std::string& received() const { return in_; }

  void end_writing() const { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  /// Closes by a reset.
  void drop() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close();
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  static constexpr int kPatienceMs = 10'000;

  void connect(int family, const sockaddr* address, socklen_t length, int receive_buffer) {
    fd_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    if (::connect(fd_, address, length) != 0) throw std::runtime_error("cannot connect");
  }

  static void parse_head(std::string_view head, RawAnswer& answer) {
    answer.status = static_cast<unsigned>(std::stoul(std::string(head.substr(9, 3))));
    for (size_t at = head.find("\r\n"); at != std::string_view::npos;) {
      const size_t start = at + 2;
      at = head.find("\r\n", start);
      const std::string_view line = head.substr(start, at == std::string_view::npos ? at : at - start);
      const size_t colon = line.find(": ");
      answer.headers.add(std::string(line.substr(0, colon)), std::string(line.substr(colon + 2)));
    }
  }

  // The first n bytes that came; nullopt where the connection ends before.
  std::optional<std::string> take(size_t n) {
    while (in_.size() < n) {
      if (!read_more()) return std::nullopt;
    }
    std::string out = in_.substr(0, n);
    in_.erase(0, n);
    return out;
  }

  std::optional<std::string> take_line() {
    while (in_.find("\r\n") == std::string::npos) {
      if (!read_more()) return std::nullopt;
    }
    std::string line = *take(in_.find("\r\n"));
    in_.erase(0, 2);
    return line;
  }

  void read_body(std::string_view method, RawAnswer& answer) {
    answer.whole = true;
    if (method == "HEAD" || answer.status == 204 || answer.status == 304) return;
    if (answer.headers.find("transfer-encoding") == "chunked") {
      while (true) {
        const auto size = take_line();
        const auto piece = size ? take(std::stoul(*size, nullptr, 16) + 2) : std::nullopt;
        answer.whole = piece.has_value();
        if (!piece || piece->size() == 2) return;
        answer.body.append(*piece, 0, piece->size() - 2);
      }
    } else if (const auto length = answer.headers.find("content-length")) {
      const auto body = take(std::stoul(std::string(*length)));
      answer.whole = body.has_value();
      answer.body = body.value_or("");
    } else {
      answer.body = read_all();
    }
  }

  int fd_ = -1;
  std::string in_;
};

}  // namespace kinglet::serve::http
