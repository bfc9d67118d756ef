// Hosts and origins that browsers name, and which of them may ask.
//
// DNS rebinding: a page whose own name suddenly leads to 127.0.0.1 reads what a server on loopback answers. Its
// requests carry the page's name in Host, so names are checked against a list, always; addresses need no list, as
// nobody can make one lead elsewhere. Pages of other origins are told apart by Origin. Sources: RFC 9110 section 7.2,
// RFC 6454, Fetch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::serve::http {

/// "host:port", as Host headers and targets have it.
struct Authority {
  std::string host;  ///< In small letters; an IPv6 address in brackets.
  std::optional<uint16_t> port;

  /// Whether the host is an IPv4 or IPv6 address.
  [[nodiscard]] bool is_address() const noexcept;
  bool operator==(const Authority&) const = default;
};

/// Nullopt for what is none: a user name, an empty host, characters that no name has, a port over 65535.
std::optional<Authority> parse_authority(std::string_view text);

/// The names that this server answers to.
class HostRule {
 public:
  /// See ServerOptions::hosts; `own` are the names that always count. Throws Error{kInvalidArgument}.
  HostRule(const std::vector<std::string>& hosts, const std::vector<std::string>& own);
  [[nodiscard]] bool allows(const Authority& authority) const;

 private:
  bool any_ = false;
  std::vector<std::string> names_;
};

/// The origins whose pages may ask.
class OriginRule {
 public:
  /// See ServerOptions::origins. Throws Error{kInvalidArgument}.
  explicit OriginRule(const std::vector<std::string>& origins);
  /// `host` is that of the request, for the origin of our own pages.
  [[nodiscard]] bool allows(std::string_view origin, bool tls, std::string_view host) const;

 private:
  bool any_ = false;
  struct Pattern {
    std::string scheme;
    std::string host;  ///< "*": any.
    std::optional<uint16_t> port;
    bool any_port = false;
  };
  static std::optional<Pattern> parse(std::string_view text);

  std::vector<Pattern> patterns_;
};

}  // namespace kinglet::serve::http
