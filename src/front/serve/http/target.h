// What a request is about: path and query out of its target, read as untrusted input.
//
// Source: RFC 9112, section 3.2; RFC 3986. Fuzzed by tests/fuzz/http_fuzz.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "front/serve/http/refusal.h"

namespace kinglet::serve::http {

struct Target {
  std::string path;       ///< See Request::path.
  std::string query;      ///< Not decoded.
  std::string authority;  ///< Of an absolute target, "host:port"; else empty.
};

/// Takes "/path?query", "http://host/path?query" and, of OPTIONS, "*".
Result<Target, Refusal> parse_target(std::string_view method, std::string_view target);

/// Percent signs decoded; nullopt for a sign without two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);

/// Whether the bytes are UTF-8: no surrogates, nothing longer than it must be.
bool is_utf8(std::string_view bytes) noexcept;

}  // namespace kinglet::serve::http
