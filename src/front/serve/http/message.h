// Requests and answers, as handlers see them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "front/serve/http/headers.h"

namespace kinglet::serve::http {

/// Gets the body of a request in pieces, as it comes: for uploads larger than memory. Called on a worker thread, a
/// piece after the other. Destroyed without having been handed to Handler::handle, it has got no whole body.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// May block. An Error that it throws ends the request with the status of its code.
  virtual void write(std::string_view piece) = 0;
};

/// A request that keeps to HTTP's rules and to the limits.
struct Request {
  std::string method;  ///< As it was sent: "GET".
  /// Begins with "/". Percent signs are decoded; it is UTF-8 without control characters, and none of its parts is "."
  /// or
  /// "..". Or "*", of OPTIONS alone.
  std::string path;
  std::string query;  ///< Behind the "?", not decoded.
  Headers headers;
  std::string body;                ///< Empty where it went to a sink.
  std::unique_ptr<BodySink> sink;  ///< That of BodyRule::sink, with the whole body written.
  std::string peer;                ///< "127.0.0.1:40312", or "unix".
  std::string id;                  ///< X-Request-Id where the client sent a usable one, else made here.
  std::string trace_id = {};       ///< Of a sound traceparent header, 32 digits; else empty.
  bool tls = false;

  /// The first value of a parameter of the query, decoded ("+" is a space); nullopt where it is absent, or is no UTF-8.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

/// The body of an answer, as it comes. Pulled on a worker thread, not always the same one; destroyed on one, too,
/// before its end where the client has gone: that cancels the work behind it.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// Appends to `chunk`, which is empty, what came within the limit: at most some 64 KiB, and nothing only when the
  /// time was over. False: the body is complete with this. An exception breaks the connection off, as the status was
  /// sent.
  virtual bool read(std::string& chunk, std::chrono::milliseconds limit) = 0;
};

struct Response {
  unsigned status = 200;
  /// Content-Type and others; not Content-Length, Transfer-Encoding, Connection and Date, which are the transport's.
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::unique_ptr<BodySource> stream = {};  ///< Instead of the body; chunked.
};

}  // namespace kinglet::serve::http
