#include "front/serve/http/serving.h"

#include <unistd.h>

#include <exception>
#include <random>

#include "core/base/str.h"

namespace kinglet::serve::http {
namespace {

std::vector<std::string> own_names(const std::string& host) {
  std::vector<std::string> names;
  if (!host.empty()) names.push_back(host);
  std::array<char, 256> machine{};
  if (::gethostname(machine.data(), machine.size() - 1) == 0 && machine[0] != '\0') {
    names.emplace_back(machine.data());
    names.push_back(names.back() + ".local");
  }
  return names;
}

std::string hex(uint64_t value, int n_digits) {
  std::string out;
  for (int shift = 4 * (n_digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[value >> shift & 0xf];
  return out;
}

}  // namespace

RequestIds::RequestIds() {
  std::random_device random;
  start_ = str("req-", hex(random(), 8));
}

std::string RequestIds::next() { return start_ + hex(n_.fetch_add(1, std::memory_order_relaxed), 8); }

Serving::Serving(const ServerOptions& options, Handler& its_handler)
    : limits(options.limits),
      head_limits{options.limits.head_bytes, options.limits.target_bytes, options.limits.n_headers},
      handler(its_handler),
      hosts(options.hosts, own_names(options.host)),
      origins(options.origins),
      tls(!options.tls_certificate.empty()),
      workers(options.limits.n_workers, options.limits.n_urgent_workers) {}

Response Serving::refused(unsigned status, std::string_view message, std::string_view path) const {
  try {
    return handler.refuse(status, message, path);
  } catch (const std::exception&) {
    return {.status = 500};
  }
}

}  // namespace kinglet::serve::http
