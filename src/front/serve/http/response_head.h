// The head of an answer, as bytes.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "front/serve/http/message.h"

namespace kinglet::serve::http {

/// "Not Found". Empty for a status that has no name.
std::string_view reason_of(unsigned status) noexcept;

/// "Sun, 06 Nov 1994 08:49:37 GMT", whatever the locale is.
std::string http_date(std::time_t time);

/// How an answer's body is sent.
struct AnswerFraming {
  std::optional<uint64_t> length;  ///< Nullopt: not said.
  bool chunked = false;
  bool close = false;       ///< The connection ends with this answer,
  bool keep_alive = false;  ///< or stays though HTTP/1.0 would end it.
};

/// With the empty line. Throws Error{kInternal} for headers that would break the answer apart: a name that is no word,
/// a value with line ends, one that the transport sets itself.
std::string response_head(const Response& response, const AnswerFraming& framing, std::time_t now);

}  // namespace kinglet::serve::http
