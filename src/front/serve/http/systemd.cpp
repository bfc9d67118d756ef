#include "front/serve/http/systemd.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>

#include "core/base/error.h"
#include "home/system/file.h"

namespace kinglet::serve::http {
namespace {

constexpr int kFirstSocket = 3;  // SD_LISTEN_FDS_START
constexpr int kMaxSockets = 64;

long number(std::string_view name, std::string_view text) {
  long value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size()) {
    fail_with(ErrorCode::kInvalidArgument, name, ": \"", text, "\" is no number");
  }
  return value;
}

}  // namespace

std::vector<int> activated_sockets(std::string_view listen_pid, std::string_view listen_fds) {
  std::vector<int> fds;
  if (listen_pid.empty() || listen_fds.empty()) return fds;
  // A child would inherit the variables, but not what they are about.
  if (number("LISTEN_PID", listen_pid) != ::getpid()) return fds;
  const long n = number("LISTEN_FDS", listen_fds);
  if (n < 0 || n > kMaxSockets) {
    fail_with(ErrorCode::kInvalidArgument, "LISTEN_FDS: ", n, " sockets, at most ", kMaxSockets, " are taken");
  }
  for (int i = 0; i < n; ++i) fds.push_back(kFirstSocket + i);
  return fds;
}

bool notify_service_manager(const std::string& notify_socket, std::string_view state) noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool is_usable = !notify_socket.empty() && notify_socket.size() < sizeof(address.sun_path) &&
                         (notify_socket.front() == '/' || notify_socket.front() == '@');
  if (!is_usable) return false;
  notify_socket.copy(address.sun_path, notify_socket.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const system::FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_socket.size());
  return ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                  reinterpret_cast<const sockaddr*>(&address), length) == static_cast<ssize_t>(state.size());
}

}  // namespace kinglet::serve::http
