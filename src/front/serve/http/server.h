// A server: sockets, threads, limits.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "front/serve/http/handler.h"

namespace kinglet::serve::http {

struct Limits {
  size_t head_bytes = size_t{32} << 10;         ///< Of the request line and all headers; more: 431.
  size_t target_bytes = size_t{8} << 10;        ///< Of path and query; more: 414.
  size_t n_headers = 100;                       ///< More: 431.
  uint64_t held_bytes = uint64_t{1} << 30;      ///< Of all bodies of requests that are in memory at once; more: 503.
  size_t n_connections = 1024;                  ///< More are told 503 and closed.
  size_t n_workers = 128;                       ///< Requests that are answered at once; more: 503 with Retry-After.
  size_t n_urgent_workers = 4;                  ///< Beside them, for BodyRule::urgent.
  std::chrono::milliseconds idle_time{75'000};  ///< Until the first byte of the next request.
  std::chrono::milliseconds head_time{10'000};  ///< From its first byte to the end of its head; of a TLS handshake.
  /// In each such time a body must bring 1 KiB a second on average.
  std::chrono::milliseconds body_time{30'000};
  std::chrono::milliseconds write_time{30'000};  ///< In which the client must take 64 KiB of an answer.
  std::chrono::milliseconds read_limit{50};      ///< Given to BodySource::read.
  /// For answers to finish when the server stops; then they are cancelled,
  std::chrono::milliseconds stop_time{30'000};
  std::chrono::milliseconds last_words_time{2'000};  ///< and have this long to say so before they are cut off.
};

struct ServerOptions {
  /// An address or a name ("127.0.0.1", "localhost", "0.0.0.0", "::"); empty: no TCP but inherited sockets.
  std::string host = "127.0.0.1";
  uint16_t port = 11434;       ///< 0: any that is free, see Server::port.
  std::string unix_path = {};  ///< A Unix socket beside it, for this user alone; empty: none.
  /// Listening sockets that are open already (systemd's socket activation), taken over.
  std::vector<int> inherited_fds = {};
  std::string tls_certificate = {};  ///< A PEM file of the certificate and those that it was signed with; empty: plain.
  std::string tls_key = {};          ///< Its key, PEM.
  /// Names that a Host header may have beside addresses, localhost, the name that is bound to and that of this machine:
  /// "models.example", ".example" for all below it, "*" for any (then a page of the web may reach this server by DNS
  /// rebinding). Over Unix sockets the header is not looked at.
  std::vector<std::string> hosts = {};
  /// Origins whose pages may ask, beside this server's own: "https://app.example", "http://localhost:*", "app://*",
  /// "*". Those of programs on this machine (Electron, Tauri, editors) are no pages of the web.
  std::vector<std::string> origins = {"http://localhost:*",
                                      "https://localhost:*",
                                      "http://127.0.0.1:*",
                                      "https://127.0.0.1:*",
                                      "http://[::1]:*",
                                      "https://[::1]:*",
                                      "app://*",
                                      "file://*",
                                      "tauri://*",
                                      "vscode-webview://*",
                                      "vscode-file://*"};
  size_t n_io_threads = 1;
  Limits limits = {};
};

/// Counts since the start, but for those that say "now".
struct Statistics {
  uint64_t n_connections = 0;
  uint64_t n_connections_now = 0;
  uint64_t n_connections_refused = 0;  ///< Over Limits::n_connections.
  uint64_t n_requests = 0;             ///< Whose head was sound.
  uint64_t n_requests_now = 0;
  uint64_t n_malformed = 0;  ///< Requests that break HTTP's rules.
  uint64_t n_busy = 0;       ///< Refused with 503 by the transport.
  uint64_t n_client_gone = 0;
  uint64_t n_timeouts = 0;
  uint64_t n_bytes_in = 0;
  uint64_t n_bytes_out = 0;
};

class Server {
 public:
  /// Listens and answers from now on. The handler outlives the server. Throws Error{kInvalidArgument} for options that
  /// cannot be, kIo for a socket or a certificate that cannot be had.
  Server(const ServerOptions& options, Handler& handler);
  /// Stops and waits.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// That of the TCP socket; 0 where there is none.
  [[nodiscard]] uint16_t port() const noexcept;
  /// Where it listens: "http://127.0.0.1:11434", "unix:/run/kinglet.sock".
  [[nodiscard]] std::vector<std::string> addresses() const;

  /// Stops accepting, lets answers finish, cancels what has not after Limits::stop_time. Returns at once.
  void stop();
  /// Returns when the server has stopped: all sockets closed, no handler at work.
  void wait();

  /// Reads certificate and key again, for connections from now on. Throws Error{kIo}; then the old ones stay.
  void reload_certificates();

  [[nodiscard]] Statistics statistics() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The status for an error of this kind.
[[nodiscard]] unsigned status_of(ErrorCode code) noexcept;

}  // namespace kinglet::serve::http
