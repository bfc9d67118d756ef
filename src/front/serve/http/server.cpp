#include "front/serve/http/server.h"

#include <sys/socket.h>

#include <atomic>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "core/base/mutex.h"
#include "core/base/str.h"
#include "front/serve/http/connection.h"
#include "front/serve/http/listener.h"
#include "front/serve/http/loop.h"
#include "front/serve/http/serving.h"
#include "front/serve/http/stream.h"
#include "front/serve/http/tls.h"

namespace kinglet::serve::http {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTick{100};
// Tells one over the limit so, if it can be done without waiting.
void turn_away(const Accepted& accepted) {
  constexpr std::string_view kBusy =
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  static_cast<void>(::send(accepted.socket.get(), kBusy.data(), kBusy.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  ::shutdown(accepted.socket.get(), SHUT_WR);
}

// A loop, its thread and its connections, which are touched on that thread alone.
class Lane {
 public:
  explicit Lane(Serving& serving) : serving_(serving) {}

  Loop& loop() { return loop_; }
  void start() {
    thread_ = std::thread([this] { loop_.run(); });
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  void add(std::unique_ptr<Stream> stream, bool is_unix, std::string peer) {
    const auto connection = std::make_shared<Connection>(serving_, loop_, std::move(stream), is_unix, std::move(peer),
                                                         [this](Connection& closed) {
                                                           connections_.erase(&closed);
                                                           serving_.counters.n_connections_now.fetch_sub(1);
                                                           if (stop_at_ && connections_.empty()) loop_.finish();
                                                         });
    connections_.emplace(connection.get(), connection);
    connection->start();
    keep_ticking();
  }

  void stop() {
    stop_at_ = Clock::now() + serving_.limits.stop_time;
    if (connections_.empty()) return loop_.finish();
    for (const auto& connection : all()) connection->stop();
  }

 private:
  // A copy, as connections take themselves out.
  std::vector<std::shared_ptr<Connection>> all() const {
    std::vector<std::shared_ptr<Connection>> connections;
    for (const auto& [key, connection] : connections_) connections.push_back(connection);
    return connections;
  }

  // There is a tick to come while there is anything to look after.
  void keep_ticking() {
    if (ticking_ || connections_.empty()) return;
    ticking_ = true;
    loop_.after(kTick, [this] {
      ticking_ = false;
      tick();
    });
  }

  void tick() {
    const auto now = Clock::now();
    for (const auto& connection : all()) {
      connection->tick(now);
      if (stop_at_ && now >= *stop_at_) connection->cancel();
      if (stop_at_ && now >= *stop_at_ + serving_.limits.last_words_time) connection->close(Outcome::kStopped);
    }
    keep_ticking();
  }

  Serving& serving_;
  Loop loop_;
  std::thread thread_;
  std::map<Connection*, std::shared_ptr<Connection>> connections_;
  std::optional<Clock::time_point> stop_at_;
  bool ticking_ = false;
};

}  // namespace

struct Server::State {
  State(const ServerOptions& options, Handler& handler)
      : serving(options, handler), certificates(options.tls_certificate, options.tls_key) {
    if (options.n_io_threads == 0) fail_with(ErrorCode::kInvalidArgument, "a server needs a thread for its sockets");
    if (options.limits.n_workers == 0) fail_with(ErrorCode::kInvalidArgument, "a server needs a worker");
    for (size_t i = 0; i < options.n_io_threads; ++i) lanes.push_back(std::make_unique<Lane>(serving));
    Loop& loop = lanes.front()->loop();
    for (const int fd : options.inherited_fds) listeners.push_back(Listener::inherited(loop, fd));
    if (!options.unix_path.empty()) listeners.push_back(Listener::unix_socket(loop, options.unix_path));
    if (!options.host.empty()) {
      for (auto& listener : Listener::tcp(loop, options.host, options.port)) listeners.push_back(std::move(listener));
    }
    if (listeners.empty()) fail_with(ErrorCode::kInvalidArgument, "a server needs something to listen on");
    for (const auto& listener : listeners) {
      listener->start([this](Accepted accepted) { accept(std::move(accepted)); });
    }
    for (const auto& lane : lanes) lane->start();
  }

  // On the first lane's thread.
  void accept(Accepted accepted) {
    Counters& counters = serving.counters;
    counters.n_connections.fetch_add(1);
    if (counters.n_connections_now.fetch_add(1) >= serving.limits.n_connections) {
      counters.n_connections_now.fetch_sub(1);
      counters.n_connections_refused.fetch_add(1);
      if (accepted.is_unix || !serving.tls) turn_away(accepted);
      return;
    }
    Lane& lane = *lanes[next_lane++ % lanes.size()];
    const auto shared = std::make_shared<Accepted>(std::move(accepted));
    lane.loop().post([this, &lane, shared] {
      auto tls = shared->is_unix ? nullptr : certificates.current();
      lane.add(make_stream(lane.loop(), std::move(shared->socket), shared->is_unix, tls), shared->is_unix,
               std::move(shared->peer));
    });
  }

  void stop() {
    if (serving.stopping.exchange(true)) return;
    lanes.front()->loop().post([this] {
      for (const auto& listener : listeners) listener->close();
      // What was accepted before has been posted to the lanes before.
      for (const auto& lane : lanes) lane->loop().post([&lane] { lane->stop(); });
    });
  }

  void wait() {
    const MutexLock lock(waiting);
    for (const auto& lane : lanes) lane->join();
    serving.workers.finish();
  }

  Serving serving;
  Certificates certificates;
  std::vector<std::unique_ptr<Lane>> lanes;
  std::vector<std::unique_ptr<Listener>> listeners;
  size_t next_lane = 0;
  Mutex waiting;
};

Server::Server(const ServerOptions& options, Handler& handler) : state_(std::make_unique<State>(options, handler)) {}

Server::~Server() {
  stop();
  wait();
}

uint16_t Server::port() const noexcept {
  for (const auto& listener : state_->listeners) {
    if (listener->port() != 0) return listener->port();
  }
  return 0;
}

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> out;
  for (const auto& listener : state_->listeners) {
    const std::string_view scheme = state_->serving.tls ? "https://" : "http://";
    out.push_back(listener->port() == 0 ? listener->address() : str(scheme, listener->address()));
  }
  return out;
}

void Server::stop() { state_->stop(); }
void Server::wait() { state_->wait(); }
void Server::reload_certificates() { state_->certificates.reload(); }

Statistics Server::statistics() const {
  const Counters& counters = state_->serving.counters;
  return {.n_connections = counters.n_connections,
          .n_connections_now = counters.n_connections_now,
          .n_connections_refused = counters.n_connections_refused,
          .n_requests = counters.n_requests,
          .n_requests_now = counters.n_requests_now,
          .n_malformed = counters.n_malformed,
          .n_busy = counters.n_busy,
          .n_client_gone = counters.n_client_gone,
          .n_timeouts = counters.n_timeouts,
          .n_bytes_in = counters.n_bytes_in,
          .n_bytes_out = counters.n_bytes_out};
}

}  // namespace kinglet::serve::http
