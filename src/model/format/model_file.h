// A model file or folder as the rest of the program sees it: metadata and tensors.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/quant/quant.h"
#include "model/format/metadata.h"

namespace kinglet::format {

/// A tensor of a file. Dimensions innermost first, as GGUF writes them: dims[0] is the length of a row.
struct TensorEntry {
  std::string_view name;
  std::array<uint64_t, 4> dims{1, 1, 1, 1};
  uint32_t n_dims = 1;
  uint32_t type_id = 0;                   ///< The number in the file.
  const quant::Format* format = nullptr;  ///< Null: a type that is not supported; naming the tensor is all one can do.
  const std::byte* data = nullptr;        ///< size_bytes bytes; null where the format is, and where `read` makes them.
  uint64_t size_bytes = 0;
  uint64_t file_offset = 0;      ///< Where the file has it; 0 for what was made at load.
  std::string_view source = {};  ///< Its name in a folder (of stacked experts the first one's), empty for made ones.

  [[nodiscard]] uint64_t n_rows() const noexcept { return dims[1] * dims[2] * dims[3]; }
  /// All rows, as a weight. The format is known.
  [[nodiscard]] quant::Weight weight() const noexcept {
    return {name, format, static_cast<size_t>(n_rows()), static_cast<size_t>(dims[0]), data};
  }
};

/// Open and checked; constant and shareable afterwards. Owns (or maps) what its views point to.
class ModelFile {
 public:
  virtual ~ModelFile() = default;
  [[nodiscard]] const std::string& path() const noexcept { return metadata_.name(); }
  /// "GGUF 3", "Hugging Face folder": for people.
  [[nodiscard]] const std::string& kind() const noexcept { return kind_; }
  [[nodiscard]] const Metadata& metadata() const noexcept { return metadata_; }
  [[nodiscard]] const std::vector<TensorEntry>& tensors() const noexcept { return tensors_; }
  /// Null where there is none of this name.
  [[nodiscard]] const TensorEntry* find(std::string_view name) const noexcept;
  /// Calls use(bytes) with a tensor's data, which may exist for that time alone.
  virtual void read(const TensorEntry& tensor, const std::function<void(std::span<const std::byte>)>& use) const;
  /// Says that a tensor's data is not needed for now, so that reading a file larger than memory does not fill it.
  virtual void release(const TensorEntry& /*tensor*/) const {}
  /// Bytes that had to be converted and are held in memory; the rest is read where it lies.
  [[nodiscard]] uint64_t converted_bytes() const noexcept { return converted_bytes_; }
  /// Bytes of the file (or files) themselves.
  [[nodiscard]] uint64_t file_bytes() const noexcept { return file_bytes_; }

 protected:
  explicit ModelFile(std::string path) : metadata_(std::move(path)) {}
  ModelFile(const ModelFile&) = delete;
  ModelFile& operator=(const ModelFile&) = delete;
  /// False where the name is there already.
  bool add_tensor(TensorEntry tensor);

  Metadata metadata_;
  std::string kind_;
  uint64_t converted_bytes_ = 0;
  uint64_t file_bytes_ = 0;

 private:
  std::vector<TensorEntry> tensors_;
  std::map<std::string_view, size_t> by_name_;  // ordered: no hash that a hostile file could make collide
};

}  // namespace kinglet::format
