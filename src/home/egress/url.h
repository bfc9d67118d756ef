// URLs, read as untrusted input: redirects come from the other side.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kinglet::egress {

struct Url {
  std::string text = {};    ///< The whole, normalized, without a fragment.
  std::string scheme = {};  ///< "https" or "http".
  std::string host = {};    ///< An IPv6 address in brackets.
  uint16_t port = 0;
  std::string path = {};  ///< Without the query.

  [[nodiscard]] bool same_origin(const Url& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
  }
};

/// Throws Error{kInvalidArgument} for what is no http or https URL, or carries a user name.
Url parse_url(std::string_view text);

/// Where a Location header leads. Throws Error{kNetwork}, as the other side made it.
Url resolve(const Url& base, std::string_view location);

}  // namespace kinglet::egress
