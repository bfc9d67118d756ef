// Safetensors files: read as untrusted input, and written.
//
// A file is a u64 length, a JSON header of that length, and one buffer. The header gives each tensor its dtype, shape
// and place in the buffer; together they cover it without gap or overlap. Source:
// https://github.com/huggingface/safetensors (README, "Format").
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/quant/quant.h"
#include "home/system/json.h"
#include "home/system/mapped_file.h"

namespace kinglet::format {

/// An element type of safetensors.
struct SafetensorsType {
  std::string_view name;  ///< "BF16"
  uint32_t bits;          ///< Of one element.
};

/// Null when there is none of this name.
const SafetensorsType* find_safetensors_type(std::string_view name) noexcept;

/// A tensor of a file. Dimensions outermost first, as the file writes them; none for a scalar.
struct SafetensorsEntry {
  std::string name;
  const SafetensorsType* type = nullptr;
  std::vector<uint64_t> shape;
  std::span<const std::byte> bytes;  ///< In the file; not aligned for the type in every file.
  uint64_t file_offset = 0;
  const quant::Format* format = nullptr;  ///< Null where elements of this type cannot be decoded.

  [[nodiscard]] uint64_t n_elements() const noexcept;
};

/// Open and checked; constant and shareable afterwards.
class Safetensors {
 public:
  /// Reads from memory that outlives the result. `path` is for messages. Throws Error{kInvalidFile} naming the place.
  static Safetensors read(std::span<const std::byte> bytes, const std::string& path);
  /// The same for a file on disk, mapped as long as the result lives.
  static Safetensors open(const std::string& path);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] uint64_t file_bytes() const noexcept { return file_bytes_; }
  /// In the order of their places in the file.
  [[nodiscard]] const std::vector<SafetensorsEntry>& tensors() const noexcept { return tensors_; }
  /// Null when there is none of this name.
  [[nodiscard]] const SafetensorsEntry* find(std::string_view name) const noexcept;
  /// What the header says under __metadata__.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& notes() const noexcept { return notes_; }

 private:
  explicit Safetensors(std::string path) : path_(std::move(path)) {}
  void read_header(std::span<const std::byte> bytes);
  void read_entry(const std::string& name, const system::Json& member, std::span<const std::byte> buffer,
                  uint64_t buffer_offset);
  void check_places(uint64_t buffer_bytes, uint64_t buffer_offset);

  std::string path_;
  std::optional<system::MappedFile> mapping_;
  uint64_t file_bytes_ = 0;
  std::vector<SafetensorsEntry> tensors_;
  std::vector<size_t> by_name_;  // places in tensors_, in the order of names
  std::vector<std::pair<std::string, std::string>> notes_;
};

/// Collects tensors and writes a file. Larger elements are written first, so that all of them are aligned.
class SafetensorsWriter {
 public:
  using Sink = std::function<void(std::span<const std::byte>)>;

  /// A line under __metadata__.
  void add_note(std::string key, std::string value) { notes_.emplace_back(std::move(key), std::move(value)); }
  /// Dimensions outermost first. `bytes` outlives write(). Throws Error{kInvalidArgument} for a dtype that is not known
  /// or a number of bytes that does not fit the shape.
  void add_tensor(std::string name, std::string_view dtype, std::vector<uint64_t> shape,
                  std::span<const std::byte> bytes);
  /// Throws Error{kInvalidArgument} for a name that was added twice.
  void write(const Sink& sink) const;

 private:
  std::vector<SafetensorsEntry> tensors_;
  std::vector<std::pair<std::string, std::string>> notes_;
};

}  // namespace kinglet::format
