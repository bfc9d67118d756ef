#include "front/serve/http/listener.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/error.h"
#include "front/serve/http/loop.h"

namespace kinglet::serve::http {
namespace {

using system::FileDescriptor;

// Where the process has no descriptor left for a connection, one may come free; asking on would burn the CPU.
constexpr std::chrono::milliseconds kOutOfDescriptors{100};
constexpr int kBacklog = 1024;
constexpr int kAcceptedAtOnce = 64;

[[noreturn]] void fail_listening(const std::string& where, int error) {
  fail_with(ErrorCode::kIo, "cannot listen on ", where, ": ", std::strerror(error));
}

std::string text_of(const sockaddr_storage& address) {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  const socklen_t length = address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  if (getnameinfo(reinterpret_cast<const sockaddr*>(&address), length, host.data(), host.size(), port.data(),
                  port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "unknown";
  }
  const bool v6 = address.ss_family == AF_INET6;
  return str(v6 ? "[" : "", host.data(), v6 ? "]:" : ":", port.data());
}

// No descriptor where this machine has no such address: "localhost" may mean one of IPv6 on a machine without it.
FileDescriptor listening(const sockaddr* address, socklen_t length, int family, const std::string& where) {
  FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (socket.get() < 0 && errno == EAFNOSUPPORT) return socket;
  if (socket.get() < 0) fail_listening(where, errno);
  if (family != AF_UNIX) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(socket.get(), address, length) != 0) {
    if (errno == EADDRNOTAVAIL) return FileDescriptor();
    fail_listening(where, errno);
  }
  if (family == AF_UNIX) ::chmod(where.c_str(), 0600);
  if (::listen(socket.get(), kBacklog) != 0) fail_listening(where, errno);
  return socket;
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    fail_with(ErrorCode::kInvalidArgument, "the path of a Unix socket has at most ", sizeof(address.sun_path) - 1,
              " bytes: ", path);
  }
  path.copy(address.sun_path, path.size());
  return address;
}

// What a server that was killed left; never a file of another kind, nor the socket of one that lives.
void remove_dead_socket(const std::string& path, const sockaddr_un& address) {
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0 || !S_ISSOCK(facts.st_mode)) return;
  const FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const bool is_dead = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
                       errno == ECONNREFUSED;
  if (is_dead) ::unlink(path.c_str());
}

}  // namespace

struct Listener::State {
  State(Loop& its_loop, int fd) : loop(its_loop), descriptor(its_loop.context(), fd) {}
  Loop& loop;
  boost::asio::posix::stream_descriptor descriptor;
  bool is_unix = false;
  std::function<void(Accepted)> on_accept;
};

Listener::Listener(Loop& loop, FileDescriptor socket, std::string unix_path) : unix_path_(std::move(unix_path)) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length);
  state_ = std::make_shared<State>(loop, socket.release());
  state_->is_unix = address.ss_family == AF_UNIX;
  if (state_->is_unix) {
    const auto& local = reinterpret_cast<const sockaddr_un&>(address);
    address_ = str("unix:", std::string_view(local.sun_path, ::strnlen(local.sun_path, sizeof(local.sun_path))));
    return;
  }
  address_ = text_of(address);
  port_ = ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                              : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

Listener::~Listener() {
  close();
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
}

std::vector<std::unique_ptr<Listener>> Listener::tcp(Loop& loop, const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), str(port).c_str(), &hints, &list);
  if (error != 0) {
    fail_with(ErrorCode::kInvalidArgument, "cannot listen on \"", host, "\": ", gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
  std::vector<std::unique_ptr<Listener>> listeners;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    // With any free port, the first address decides; the others would get ports that nobody knows.
    if (port == 0 && !listeners.empty()) break;
    auto socket = listening(entry->ai_addr, entry->ai_addrlen, entry->ai_family, str(host, ":", port));
    if (socket.get() < 0) continue;
    listeners.push_back(std::unique_ptr<Listener>(new Listener(loop, std::move(socket), "")));
  }
  if (listeners.empty()) fail_listening(str(host, ":", port), EADDRNOTAVAIL);
  return listeners;
}

std::unique_ptr<Listener> Listener::unix_socket(Loop& loop, const std::string& path) {
  const sockaddr_un address = unix_address(path);
  remove_dead_socket(path, address);
  auto socket = listening(reinterpret_cast<const sockaddr*>(&address), sizeof(address), AF_UNIX, path);
  return std::unique_ptr<Listener>(new Listener(loop, std::move(socket), path));
}

std::unique_ptr<Listener> Listener::inherited(Loop& loop, int fd) {
  int is_listening = 0;
  socklen_t length = sizeof(is_listening);
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length) != 0 || is_listening == 0) {
    fail_with(ErrorCode::kInvalidArgument, "descriptor ", fd, " is no listening socket");
  }
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  return std::unique_ptr<Listener>(new Listener(loop, FileDescriptor(fd), ""));
}

void Listener::start(std::function<void(Accepted)> on_accept) {
  state_->on_accept = std::move(on_accept);
  wait(state_);
}

void Listener::close() {
  boost::system::error_code ignored;
  static_cast<void>(state_->descriptor.close(ignored));
}

void Listener::wait(const std::shared_ptr<State>& state) {
  state->descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                               [state](const boost::system::error_code& error) {
                                 if (!error && state->descriptor.is_open()) accept_all(state);
                               });
}

void Listener::accept_all(const std::shared_ptr<State>& state) {
  for (int i = 0; i < kAcceptedAtOnce && state->descriptor.is_open(); ++i) {
    sockaddr_storage address{};
    socklen_t length = sizeof(address);
    FileDescriptor socket(::accept4(state->descriptor.native_handle(), reinterpret_cast<sockaddr*>(&address), &length,
                                    SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.get() < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      state->loop.after(kOutOfDescriptors, [state] {
        if (state->descriptor.is_open()) wait(state);
      });
      return;
    }
    state->on_accept({std::move(socket), state->is_unix, state->is_unix ? "unix" : text_of(address)});
  }
  if (state->descriptor.is_open()) wait(state);
}

}  // namespace kinglet::serve::http
