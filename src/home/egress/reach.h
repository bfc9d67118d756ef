// How far away an address is: a redirect from the public network must not lead into the user's own.
#pragma once

struct sockaddr;

namespace kinglet::egress {

enum class Reach {
  kLoopback,  ///< This machine.
  kPrivate,   ///< The network around it, and everything that is not plainly public.
  kPublic,
};

/// Of an IPv4 or IPv6 address. Source: RFC 1918, 3927, 4193, 4291, 6598; IPv4 inside IPv6 counts as the IPv4.
Reach reach_of(const sockaddr& address) noexcept;

}  // namespace kinglet::egress
