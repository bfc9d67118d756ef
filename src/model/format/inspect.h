// What a model file holds, for people: rows of metadata and tensors, and a scan of the values.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/format/hf_family.h"
#include "model/format/model_file.h"
#include "model/format/safetensors.h"

namespace kinglet::format {

/// A tensor of a file, in the file's own name.
struct TensorRow {
  std::string name;
  std::vector<uint64_t> shape;  ///< Outermost first.
  std::string type;             ///< "Q4_K", "BF16", "IQ2_XS"; "type 99" for a number that nobody knows.
  uint64_t size_bytes = 0;      ///< 0 where the type's size is not known.
  uint64_t file_offset = 0;     ///< In its own file.
};

/// A key, for people: the type in words and the value, strings made safe to print; long arrays are cut.
struct KeyRow {
  std::string key;
  std::string type;  ///< "u32", "string", "array of string"
  std::string value;
  uint64_t size = 1;  ///< Elements of an array.
};

/// A value that is infinite or no number.
struct NotFinite {
  std::string tensor;
  uint64_t element_idx = 0;
  double value = 0;
};

/// A file that was opened for looking at. Movable.
class Inspection {
 public:
  /// Opens a GGUF file, a safetensors file or a folder of either kind of model. Throws as open_model.
  static Inspection open(const std::string& path, HfFamilies families);

  [[nodiscard]] std::string kind() const;  ///< "GGUF 3", "safetensors", "Hugging Face folder"
  [[nodiscard]] uint64_t file_bytes() const noexcept;
  [[nodiscard]] std::vector<KeyRow> keys() const;
  [[nodiscard]] std::vector<TensorRow> tensors() const;
  /// Null for a safetensors file alone.
  [[nodiscard]] const ModelFile* model() const noexcept { return model_.get(); }

  /// Decodes all tensors and says of each that has a value that is not finite, where the first one is. Calls `progress`
  /// (may be empty) with the bytes done so far. Tensors of a type that cannot be decoded are named in `not_checked`.
  [[nodiscard]] std::vector<NotFinite> check(std::vector<std::string>& not_checked,
                                             const std::function<void(uint64_t bytes_done)>& progress = {}) const;

 private:
  Inspection() = default;

  std::shared_ptr<const ModelFile> model_;
  std::optional<Safetensors> tensors_only_;
};

/// The first value of a tensor that is not finite, found by decoding; nullopt where there is none or its type cannot be
/// decoded.
std::optional<NotFinite> find_not_finite(const TensorEntry& tensor);

/// The name of a tensor type of GGUF, of those too that we do not read: "IQ2_XS", "type 99".
std::string gguf_type_name(uint32_t type_id);

}  // namespace kinglet::format
