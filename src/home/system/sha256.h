// SHA-256: digests as a checked type, and the sum of bytes as they come.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kinglet::system {

/// A SHA-256 digest. It exists only whole: text becomes one through parse, so a name made from it can never leave its
/// folder.
class Digest {
 public:
  static constexpr size_t kBytes = 32;
  explicit constexpr Digest(const std::array<uint8_t, kBytes>& bytes) noexcept : bytes_(bytes) {}

  /// "sha256:" and 64 lower-case hexadecimal digits, with `separator` ':' or '-'; nullopt for anything else.
  static std::optional<Digest> parse(std::string_view text, char separator = ':');

  /// "sha256:0123..." or, for file names, "sha256-0123...".
  [[nodiscard]] std::string to_string(char separator = ':') const;
  /// The 64 digits alone.
  [[nodiscard]] std::string hex() const;
  /// The first 12 digits, as lists show it.
  [[nodiscard]] std::string short_hex() const { return hex().substr(0, 12); }
  [[nodiscard]] const std::array<uint8_t, kBytes>& bytes() const noexcept { return bytes_; }

  auto operator<=>(const Digest&) const = default;

 private:
  std::array<uint8_t, kBytes> bytes_;
};

/// The sum of bytes that come in pieces. Movable.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void add(std::span<const std::byte> bytes);
  void add(std::string_view chars) { add(std::as_bytes(std::span(chars.data(), chars.size()))); }
  /// The digest of all that was added; nothing may be added afterwards.
  [[nodiscard]] Digest finish();

  /// The digest of one piece.
  static Digest of(std::string_view chars);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kinglet::system
