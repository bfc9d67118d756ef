// A line between a client and a server on loopback that can be slow and can break.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "home/egress/loopback_listener.h"
#include "home/system/file.h"

namespace kinglet::tests {

class TcpProxy {
 public:
  struct Fault {
    size_t after_bytes = SIZE_MAX;      ///< Of an answer, headers included: what happens then,
    size_t after_sent = SIZE_MAX;       ///< The same of what a client sends.
    bool stall = false;                 ///< nothing more comes; else the connection breaks.
    std::function<void()> before = {};  ///< Called first.
    uint32_t ms_per_piece = 0;          ///< Waits so long before each 16 KiB.
  };

  explicit TcpProxy(uint16_t target) : target_(target), listener_([this](int client) { serve(client); }) {}

  [[nodiscard]] std::string host() const { return listener_.host(); }
  /// The fault of connections from now on.
  void set(Fault fault) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
  }

 private:
  void serve(int client) {
    const system::FileDescriptor server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = egress::loopback_address(target_);
    if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return;
    carry(client, server.get());
  }

  void carry(int client, int server) {
    Fault fault;
    {
      const std::lock_guard lock(mutex_);
      fault = fault_;
    }
    size_t n_back = 0;
    size_t n_sent = 0;
    char piece[16384];
    while (!listener_.stopping()) {
      pollfd fds[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      if (::poll(fds, 2, 20) <= 0) continue;
      if (fds[0].revents != 0) {
        const ssize_t n = ::recv(client, piece, sizeof(piece), 0);
        if (n <= 0 || !egress::send_all(server, {piece, std::min(static_cast<size_t>(n), fault.after_sent - n_sent)})) {
          return;
        }
        n_sent += std::min(static_cast<size_t>(n), fault.after_sent - n_sent);
        if (n_sent == fault.after_sent) {
          if (fault.before) fault.before();
          if (fault.stall) static_cast<void>(listener_.readable(client));
          return;
        }
      }
      if (fds[1].revents == 0) continue;
      const ssize_t n = ::recv(server, piece, sizeof(piece), 0);
      if (n <= 0) return;
      if (fault.ms_per_piece > 0) std::this_thread::sleep_for(std::chrono::milliseconds(fault.ms_per_piece));
      const size_t n_passed = std::min(static_cast<size_t>(n), fault.after_bytes - n_back);
      if (!egress::send_all(client, {piece, n_passed})) return;
      n_back += n_passed;
      if (n_back < fault.after_bytes) continue;
      if (fault.before) fault.before();
      if (fault.stall) static_cast<void>(listener_.readable(client));  // until the client closes it
      return;
    }
  }

  uint16_t target_;
  std::mutex mutex_;
  Fault fault_;
  egress::LoopbackListener listener_;  // the last one, as its threads use the others
};

}  // namespace kinglet::tests
