#include "home/system/sha256.h"

#include <openssl/evp.h>

#include "core/base/base.h"

namespace kinglet::system {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

std::optional<Digest> Digest::parse(std::string_view text, char separator) {
  constexpr std::string_view kPrefix = "sha256";
  if (text.size() != kPrefix.size() + 1 + 2 * kBytes || !text.starts_with(kPrefix)) return std::nullopt;
  if (text[kPrefix.size()] != separator) return std::nullopt;
  std::array<uint8_t, kBytes> bytes{};
  const std::string_view hex = text.substr(kPrefix.size() + 1);
  for (size_t i = 0; i < hex.size(); ++i) {
    const size_t digit = kDigits.find(hex[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    bytes[i / 2] = static_cast<uint8_t>(static_cast<size_t>(bytes[i / 2]) << 4 | digit);
  }
  return Digest(bytes);
}

std::string Digest::to_string(char separator) const { return str("sha256", separator, hex()); }

std::string Digest::hex() const {
  std::string text;
  text.reserve(2 * kBytes);
  for (const uint8_t byte : bytes_) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

struct Sha256::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  const bool started = state_->context && EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1;
  if (!started) fail(ErrorCode::kInternal, "SHA-256 is not offered by the OpenSSL library of this system");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::span<const std::byte> bytes) {
  if (EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) != 1) {
    fail(ErrorCode::kInternal, "SHA-256: a sum that was finished cannot go on");
  }
}

Digest Sha256::finish() {
  std::array<uint8_t, Digest::kBytes> bytes{};
  if (EVP_DigestFinal_ex(state_->context.get(), bytes.data(), nullptr) != 1) {
    fail(ErrorCode::kInternal, "SHA-256: a sum cannot be finished twice");
  }
  return Digest(bytes);
}

Digest Sha256::of(std::string_view chars) {
  Sha256 sum;
  sum.add(chars);
  return sum.finish();
}

}  // namespace kinglet::system
