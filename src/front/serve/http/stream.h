// One end of a connection: bytes in both directions, plain or through TLS.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "home/system/file.h"

namespace boost::asio::ssl {
class context;
}  // namespace boost::asio::ssl

namespace kinglet::serve::http {

class Loop;

/// Used on its loop's thread alone, where its callbacks come, never before the call that they belong to has returned.
/// One read and one write may wait at a time; what they were given stays there until they are called back, with
/// failure after close().
class Stream {
 public:
  using Done = std::function<void(bool ok)>;
  using Read = std::function<void(size_t n_bytes)>;  ///< 0: the end, or a failure.

  /// Closes.
  virtual ~Stream() = default;
  /// The handshake of TLS; done at once where there is none.
  virtual void open(Done done) = 0;
  virtual void read(std::span<char> into, Read done) = 0;
  /// Writes all of the bytes.
  virtual void write(std::string_view bytes, Done done) = 0;
  /// Says that nothing more is written. No write may wait; reading may go on.
  virtual void end_writing(Done done) = 0;
  virtual void close() = 0;
  /// Whether the other side has closed, though bytes of it may be unread.
  [[nodiscard]] virtual bool peer_closed() = 0;
};

/// Takes over a connected socket. With `tls`, which the stream keeps, it speaks TLS.
std::unique_ptr<Stream> make_stream(Loop& loop, system::FileDescriptor socket, bool is_unix,
                                    const std::shared_ptr<boost::asio::ssl::context>& tls);

}  // namespace kinglet::serve::http
