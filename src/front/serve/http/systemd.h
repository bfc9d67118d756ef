// What systemd gives a service: sockets that are open already, and one to say how the service is.
// Source: sd_listen_fds(3), sd_notify(3). No library: both are a few variables and a datagram.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kinglet::serve::http {

/// The sockets that this process was started with, by the values of LISTEN_PID and LISTEN_FDS; none where these are
/// absent (empty) or meant for another process. Throws Error{kInvalidArgument} for values that are no numbers.
[[nodiscard]] std::vector<int> activated_sockets(std::string_view listen_pid, std::string_view listen_fds);

/// Sends a state ("READY=1", "RELOADING=1", "STOPPING=1") to the socket that NOTIFY_SOCKET names: a path, or "@" and a
/// name. False where nobody takes it; nothing depends on that.
bool notify_service_manager(const std::string& notify_socket, std::string_view state) noexcept;

}  // namespace kinglet::serve::http
