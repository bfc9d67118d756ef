// The head of a request: where it ends, what it says, how its body is framed.
//
// Strict where others are lenient, since two readers who differ on one request are what smuggling needs: a line ends
// with CR LF and nothing else, no line is folded, no name has a space before its colon, a length is said once or not at
// all. Sources: RFC 9112, sections 2 to 6; RFC 9110, section 5. Fuzzed by tests/fuzz/http_fuzz.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "front/serve/http/headers.h"
#include "front/serve/http/refusal.h"

namespace kinglet::serve::http {

struct HeadLimits {
  size_t head_bytes = 0;
  size_t target_bytes = 0;
  size_t n_headers = 0;
};

/// Looks for the end of a head in bytes that come in pieces, each byte once, and refuses at once what can be no head.
class HeadScanner {
 public:
  explicit HeadScanner(const HeadLimits& limits) : limits_(limits) {}

  /// `bytes` are all that came so far, from the first byte of the head on. The bytes of the head with its empty line;
  /// 0: it is not whole yet.
  Result<size_t, Refusal> scan(std::string_view bytes);

 private:
  HeadLimits limits_;
  size_t n_seen_ = 0;
  size_t line_start_ = 0;
  bool in_first_line_ = true;
};

struct RequestHead {
  std::string method;
  std::string target;
  int minor_version = 1;  ///< Of HTTP/1.
  Headers headers;
};

/// Reads a whole head, as HeadScanner found it.
Result<RequestHead, Refusal> parse_head(std::string_view bytes, const HeadLimits& limits);

/// Reads the line of a field, without its end.
std::optional<Headers::Field> parse_field(std::string_view line);

/// How a request goes on behind its head.
struct Framing {
  bool chunked = false;
  uint64_t length = 0;  ///< Of a body that is not chunked.
  bool keep_alive = false;
  bool expects_continue = false;

  [[nodiscard]] bool has_body() const noexcept { return chunked || length > 0; }
};

Result<Framing, Refusal> framing_of(const RequestHead& head);

}  // namespace kinglet::serve::http
