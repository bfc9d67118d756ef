#include "front/serve/http/stream.h"

#include <poll.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "front/serve/http/loop.h"

namespace kinglet::serve::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;

// Small, so that a slow reader is noticed, and costs little.
constexpr int kSendBufferBytes = 128 << 10;

Socket make_socket(Loop& loop, system::FileDescriptor fd, bool is_unix) {
  const int family = is_unix ? AF_UNIX : AF_INET;  // Only its kind matters to what is done with it.
  Socket socket(loop.context());
  error_code ignored;
  error_code error;
  static_cast<void>(socket.assign(asio::generic::stream_protocol(family, 0), fd.get(), error));
  if (error) return socket;  // It stays closed, so its first read fails.
  static_cast<void>(fd.release());
  static_cast<void>(socket.non_blocking(true, ignored));
  static_cast<void>(socket.set_option(asio::socket_base::send_buffer_size(kSendBufferBytes), ignored));
  if (!is_unix) static_cast<void>(socket.set_option(asio::ip::tcp::no_delay(true), ignored));
  return socket;
}

bool has_hung_up(Socket& socket) {
  pollfd entry{socket.native_handle(), POLLRDHUP, 0};
  return !socket.is_open() || (::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
}

void close_socket(Socket& socket) {
  error_code ignored;
  static_cast<void>(socket.close(ignored));
}

class PlainStream final : public Stream {
 public:
  explicit PlainStream(Socket socket) : socket_(std::move(socket)) {}
  void open(Done done) override {
    asio::post(socket_.get_executor(), [done = std::move(done)] { done(true); });
  }
  void read(std::span<char> into, Read done) override {
    socket_.async_read_some(asio::buffer(into.data(), into.size()),
                            [done = std::move(done)](error_code error, size_t n) { done(error ? 0 : n); });
  }
  void write(std::string_view bytes, Done done) override {
    asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                      [done = std::move(done)](error_code error, size_t) { done(!error); });
  }
  void end_writing(Done done) override {
    error_code error;
    static_cast<void>(socket_.shutdown(Socket::shutdown_send, error));
    asio::post(socket_.get_executor(), [done = std::move(done), ok = !error] { done(ok); });
  }
  void close() override { close_socket(socket_); }
  bool peer_closed() override { return has_hung_up(socket_); }

 private:
  Socket socket_;
};

class TlsStream final : public Stream {
 public:
  TlsStream(Socket socket, std::shared_ptr<asio::ssl::context> context)
      : context_(std::move(context)), stream_(std::move(socket), *context_) {}
  void open(Done done) override {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [done = std::move(done)](error_code error) { done(!error); });
  }
  void read(std::span<char> into, Read done) override {
    stream_.async_read_some(asio::buffer(into.data(), into.size()),
                            [done = std::move(done)](error_code error, size_t n) { done(error ? 0 : n); });
  }
  void write(std::string_view bytes, Done done) override {
    asio::async_write(stream_, asio::buffer(bytes.data(), bytes.size()),
                      [done = std::move(done)](error_code error, size_t) { done(!error); });
  }
  void end_writing(Done done) override {
    stream_.async_shutdown([done = std::move(done)](error_code error) { done(!error); });
  }
  void close() override { close_socket(stream_.next_layer()); }
  bool peer_closed() override { return has_hung_up(stream_.next_layer()); }

 private:
  std::shared_ptr<asio::ssl::context> context_;
  asio::ssl::stream<Socket> stream_;
};

}  // namespace

std::unique_ptr<Stream> make_stream(Loop& loop, system::FileDescriptor socket, bool is_unix,
                                    const std::shared_ptr<asio::ssl::context>& tls) {
  if (tls) return std::make_unique<TlsStream>(make_socket(loop, std::move(socket), is_unix), tls);
  return std::make_unique<PlainStream>(make_socket(loop, std::move(socket), is_unix));
}

}  // namespace kinglet::serve::http
