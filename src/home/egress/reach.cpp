#include "home/egress/reach.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace kinglet::egress {
namespace {

struct Range {
  uint32_t start;
  int n_bits;
};
constexpr std::array kPrivate4 = {
    Range{0x0A000000, 8},   // 10.0.0.0/8
    Range{0xAC100000, 12},  // 172.16.0.0/12
    Range{0xC0A80000, 16},  // 192.168.0.0/16
    Range{0xA9FE0000, 16},  // 169.254.0.0/16, where clouds keep their secrets
    Range{0x64400000, 10},  // 100.64.0.0/10
    Range{0xC0000000, 24},  // 192.0.0.0/24
    Range{0xC6120000, 15},  // 198.18.0.0/15
    Range{0xE0000000, 3},   // multicast and reserved
};

Reach reach4(uint32_t address) noexcept {
  if (address >> 24 == 127 || address >> 24 == 0) return Reach::kLoopback;  // 0.0.0.0 reaches this machine, too
  const bool is_private = std::ranges::any_of(
      kPrivate4, [&](const Range& range) { return (address ^ range.start) >> (32 - range.n_bits) == 0; });
  return is_private ? Reach::kPrivate : Reach::kPublic;
}

Reach reach6(const std::array<uint8_t, 16>& bytes) noexcept {
  const auto begins = [&](const auto& start) { return std::equal(start.begin(), start.end(), bytes.begin()); };
  const uint32_t last = static_cast<uint32_t>(bytes[12]) << 24 | static_cast<uint32_t>(bytes[13]) << 16 |
                        static_cast<uint32_t>(bytes[14]) << 8 | bytes[15];
  constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  constexpr std::array<uint8_t, 12> kTranslated = {0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0};
  constexpr std::array<uint8_t, 12> kZeros = {};
  if (begins(kMapped) || begins(kTranslated)) return reach4(last);
  if (begins(kZeros)) return last <= 1 ? Reach::kLoopback : reach4(last);
  return (bytes[0] & 0xE0) == 0x20 ? Reach::kPublic : Reach::kPrivate;  // 2000::/3 is what is public today
}

}  // namespace

Reach reach_of(const sockaddr& address) noexcept {
  if (address.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof(in));
    return reach4(ntohl(in.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address, sizeof(in));
    std::array<uint8_t, 16> bytes{};
    std::copy_n(in.sin6_addr.s6_addr, bytes.size(), bytes.begin());
    return reach6(bytes);
  }
  return Reach::kLoopback;
}

}  // namespace kinglet::egress
