// What a weight format is: a row of facts and two reference functions. One file pair per format, one row in
// formats.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kinglet::quant {

/// How activations are encoded before they meet a weight format (the field's names of the block layouts):
/// kF32 leaves them as they are; kQ8 has blocks of 32 int8 with one scale, kQ8K blocks of 256 with one scale.
enum class Activation : uint8_t { kNone, kF32, kQ8, kQ8K };

/// A block format of tensors. Rows are whole numbers of blocks. All functions are pure, thread-safe and noexcept.
struct Format {
  std::string_view name;  ///< As the field writes it: "Q4_K".
  uint32_t gguf_id;       ///< The type number in a GGUF file.
  size_t block_len;       ///< Elements in a block (1 for plain float formats).
  size_t block_bytes;     ///< Bytes of a block.
  Activation activation;  ///< What its products multiply with; kNone: weights of this type are never multiplied.

  /// Reference decode of n elements (a multiple of block_len) to f32, bit-exact with the field's definition. Never
  /// null.
  void (*decode)(const std::byte* blocks, float* values, size_t n) noexcept;
  /// Reference encode of n elements (a multiple of block_len), all finite. `importance` weighs each element's squared
  /// error (n values, or null for the format's own default). Null where the format cannot be written by us.
  void (*encode)(const float* values, const float* importance, std::byte* blocks, size_t n) noexcept;

  [[nodiscard]] size_t row_bytes(size_t n_cols) const noexcept { return n_cols / block_len * block_bytes; }
};

/// All formats, in a fixed order; the place of a format in this list is its index in kernel tables.
std::span<const Format> formats() noexcept;

/// The format's place in formats(); `format` must be an element of it.
size_t index_of(const Format& format) noexcept;

/// Null when there is none.
const Format* find_by_gguf_id(uint32_t gguf_id) noexcept;
/// By name, without regard to letter case. Null when there is none.
const Format* find_by_name(std::string_view name) noexcept;

/// The names of all formats, or of those that can be written, for messages: "F32, F16, ...".
std::string format_names();
std::string written_format_names();

/// Upper limit of formats().size(), for tables.
inline constexpr size_t kMaxFormats = 48;

}  // namespace kinglet::quant
