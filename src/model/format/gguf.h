// GGUF files, versions 2 and 3: read as untrusted input, written as version 3.
// Source: the GGUF specification (docs/gguf.md of ggml).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/format/model_file.h"

namespace kinglet::format {

/// Reads a GGUF file from memory that outlives the result. `path` is for messages. Every count, length, offset,
/// dimension and type is checked against the bytes; memory taken is in proportion to them. Throws Error{kInvalidFile}
/// naming the place.
std::shared_ptr<const ModelFile> read_gguf(std::span<const std::byte> bytes, const std::string& path);

/// The same for a file on disk, mapped as long as the result lives.
std::shared_ptr<const ModelFile> open_gguf(const std::string& path);

/// Whether bytes begin as a GGUF file does.
bool is_gguf(std::span<const std::byte> bytes) noexcept;

/// Collects metadata and tensors and writes a file. Data of tensors is asked for when its turn comes, so that files
/// larger than memory can be written.
class GgufWriter {
 public:
  using Sink = std::function<void(std::span<const std::byte>)>;

  void add_u32(std::string_view key, uint32_t value) { add_number(key, ValueType::kU32, value); }
  void add_u64(std::string_view key, uint64_t value) { add_number(key, ValueType::kU64, value); }
  void add_i32(std::string_view key, int32_t value) { add_number(key, ValueType::kI32, value); }
  void add_f32(std::string_view key, float value) { add_number(key, ValueType::kF32, value); }
  void add_f64(std::string_view key, double value) { add_number(key, ValueType::kF64, value); }
  void add_bool(std::string_view key, bool value) { add_number(key, ValueType::kBool, static_cast<uint8_t>(value)); }
  void add_string(std::string_view key, std::string_view value);
  void add_strings(std::string_view key, std::span<const std::string_view> values);
  /// Any number type: T is the type's own (uint8_t for kBool).
  template <class T>
  void add_number(std::string_view key, ValueType type, T value) {
    begin_value(key, type);
    put(&value, sizeof(value));
  }
  template <class T>
  void add_array(std::string_view key, ValueType element, std::span<const T> values) {
    begin_array(key, element, values.size());
    put(values.data(), values.size_bytes());
  }
  /// A value of another file, as it is. "general.alignment" is left out: write() says it.
  void add_value(std::string_view key, const MetaValue& value);
  /// All values of another file, likewise.
  void add_values(const Metadata& metadata);

  /// Dimensions innermost first. `data` gives size_bytes bytes to the sink, in any pieces.
  void add_tensor(std::string_view name, const quant::Format& format, std::span<const uint64_t> dims,
                  std::function<void(const Sink&)> data);

  /// Dimensions innermost first, and data that outlives write().
  void add_tensor(std::string_view name, const quant::Format& format, std::span<const uint64_t> dims,
                  std::span<const std::byte> data);

  /// Writes everything; tensors begin at multiples of `alignment`, a power of two of at least 8.
  /// Throws Error{kInvalidArgument} for a key or a tensor that was added twice.
  void write(const Sink& sink, uint32_t alignment = 32) const;

 private:
  struct Tensor {
    std::string name;
    const quant::Format* format;
    std::vector<uint64_t> dims;
    uint64_t size_bytes;
    std::function<void(const Sink&)> data;
  };

  void put(const void* bytes, size_t n) { metadata_.append(static_cast<const char*>(bytes), n); }
  void put_string(std::string_view text);
  void begin_value(std::string_view key, ValueType type);
  void begin_array(std::string_view key, ValueType element, uint64_t size);

  std::string metadata_;
  std::vector<std::string> keys_;
  std::vector<Tensor> tensors_;
};

}  // namespace kinglet::format
