#include "home/system/secret.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <vector>

#include "core/base/base.h"

namespace kinglet::system {

std::string random_hex(size_t n_bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::vector<unsigned char> bytes(n_bytes);
  if (RAND_bytes(bytes.data(), static_cast<int>(n_bytes)) != 1) {
    fail(ErrorCode::kInternal, "the system gives no random bytes");
  }
  std::string text;
  text.reserve(2 * n_bytes);
  for (const unsigned char byte : bytes) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

bool same_secret(const Digest& a, const Digest& b) noexcept {
  return CRYPTO_memcmp(a.bytes().data(), b.bytes().data(), Digest::kBytes) == 0;
}

}  // namespace kinglet::system
