// Reads little-endian values from untrusted bytes. Every read is checked against what is left.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/base/error.h"

namespace kinglet {

static_assert(std::endian::native == std::endian::little, "files are little-endian and are read in place");

/// A cursor over bytes that it does not own. Not thread-safe.
class ByteReader {
 public:
  /// `name` is said in error messages (a path). Both arguments must outlive the reader.
  ByteReader(std::span<const std::byte> bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  [[nodiscard]] uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] uint64_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] uint64_t remaining() const noexcept { return bytes_.size() - offset_; }
  [[nodiscard]] std::string_view name() const noexcept { return name_; }

  /// Reads one value; `what` names it in the error. Throws Error{kInvalidFile} past the end.
  template <class T>
    requires std::is_arithmetic_v<T>
  T read(std::string_view what) {
    const std::span<const std::byte> source = bytes(sizeof(T), what);
    T value;
    std::memcpy(&value, source.data(), sizeof(T));
    return value;
  }

  /// Takes the next n bytes, in place. Throws Error{kInvalidFile} when fewer are left.
  std::span<const std::byte> bytes(uint64_t n, std::string_view what) {
    if (n > remaining()) refuse(what, str("needs ", n, " bytes, ", remaining(), " are left"));
    const auto taken = bytes_.subspan(static_cast<size_t>(offset_), static_cast<size_t>(n));
    offset_ += n;
    return taken;
  }

  /// As bytes(), as characters.
  std::string_view chars(uint64_t n, std::string_view what) {
    const auto taken = bytes(n, what);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }

  void skip(uint64_t n, std::string_view what) { bytes(n, what); }

  /// Raises Error{kInvalidFile}: "NAME: WHAT at byte OFFSET: WHY".
  [[noreturn]] void refuse(std::string_view what, std::string_view why) const {
    fail_with(ErrorCode::kInvalidFile, name_, ": ", what, " at byte ", offset_, ": ", why);
  }

 private:
  std::span<const std::byte> bytes_;
  std::string_view name_;
  uint64_t offset_ = 0;
};

}  // namespace kinglet
