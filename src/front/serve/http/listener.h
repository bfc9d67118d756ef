// Sockets that wait for clients.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "home/system/file.h"

namespace kinglet::serve::http {

class Loop;

/// A socket that somebody has connected to us.
struct Accepted {
  system::FileDescriptor socket;
  bool is_unix = false;
  std::string peer;  ///< See Request::peer.
};

class Listener {
 public:
  /// Listens on the addresses of a host: all of them, or none. Throws Error{kInvalidArgument} for a host that is not
  /// known here, kIo for a port that is taken.
  static std::vector<std::unique_ptr<Listener>> tcp(Loop& loop, const std::string& host, uint16_t port);
  /// Makes a Unix socket that this user alone may connect to; takes the place of one that nobody listens on any more.
  /// It is removed with the listener. Throws Error{kIo}.
  static std::unique_ptr<Listener> unix_socket(Loop& loop, const std::string& path);
  /// Takes over a listening socket. Throws Error{kInvalidArgument} for a descriptor that is none.
  static std::unique_ptr<Listener> inherited(Loop& loop, int fd);

  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Hands over connections, on the loop's thread, until close(). The loop's thread, or before it runs.
  void start(std::function<void(Accepted)> on_accept);
  void close();

  [[nodiscard]] uint16_t port() const noexcept { return port_; }                  ///< 0: no TCP.
  [[nodiscard]] const std::string& address() const noexcept { return address_; }  ///< "127.0.0.1:11434", "unix:PATH".

 private:
  struct State;
  Listener(Loop& loop, system::FileDescriptor socket, std::string unix_path);
  static void wait(const std::shared_ptr<State>& state);
  static void accept_all(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
  std::string unix_path_;
  std::string address_;
  uint16_t port_ = 0;
};

}  // namespace kinglet::serve::http
