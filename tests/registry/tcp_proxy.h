// A line between a client and a server on loopback that can be slow and can break.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace kinglet::tests {

class TcpProxy {
 public:
  struct Fault {
    size_t after_bytes = SIZE_MAX;      ///< Of an answer, headers included: what happens then,
    bool stall = false;                 ///< nothing more comes; else the connection breaks.
    std::function<void()> before = {};  ///< Called first.
    uint32_t ms_per_piece = 0;          ///< Waits so long before each 16 KiB.
  };

  explicit TcpProxy(uint16_t target) : target_(target) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t length = sizeof(address);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), length) != 0 || ::listen(listener_, 64) != 0) {
      throw std::runtime_error("no port on 127.0.0.1");
    }
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~TcpProxy() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& thread : lines_) thread.join();
    ::close(listener_);
  }
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  /// The fault of connections from now on.
  void set(Fault fault) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
  }

 private:
  static sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  void accept_all() {
    while (!stopping_) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      lines_.emplace_back([this, client] {
        const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_in address = loopback(target_);
        if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) carry(client, server);
        ::close(server);
        ::close(client);
      });
    }
  }

  static bool send_all(int fd, const char* bytes, size_t n) {
    while (n > 0) {
      const ssize_t sent = ::send(fd, bytes, n, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes += sent;
      n -= static_cast<size_t>(sent);
    }
    return true;
  }

  void carry(int client, int server) {
    Fault fault;
    {
      const std::lock_guard lock(mutex_);
      fault = fault_;
    }
    size_t n_back = 0;
    char piece[16384];
    while (!stopping_) {
      pollfd fds[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      if (::poll(fds, 2, 20) <= 0) continue;
      if (fds[0].revents != 0) {
        const ssize_t n = ::recv(client, piece, sizeof(piece), 0);
        if (n <= 0 || !send_all(server, piece, static_cast<size_t>(n))) return;
      }
      if (fds[1].revents == 0) continue;
      const ssize_t n = ::recv(server, piece, sizeof(piece), 0);
      if (n <= 0) return;
      if (fault.ms_per_piece > 0) std::this_thread::sleep_for(std::chrono::milliseconds(fault.ms_per_piece));
      const size_t n_passed = std::min(static_cast<size_t>(n), fault.after_bytes - n_back);
      if (!send_all(client, piece, n_passed)) return;
      n_back += n_passed;
      if (n_back < fault.after_bytes) continue;
      if (fault.before) fault.before();
      while (fault.stall && !stopping_) {
        pollfd gone{client, POLLIN, 0};
        if (::poll(&gone, 1, 20) > 0) break;  // the client has closed it
      }
      return;
    }
  }

  uint16_t target_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread acceptor_;
  std::vector<std::thread> lines_;
  std::mutex mutex_;
  Fault fault_;
};

}  // namespace kinglet::tests
