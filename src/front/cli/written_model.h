// A model as the GGUF file that a command writes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "front/cli/session.h"
#include "model/convert/convert.h"
#include "model/convert/mixture.h"

namespace kinglet::cli {

/// A model and the types that its tensors get: as `convert` gives a folder (f32, f16, bf16, q8_0), else those of a
/// mixture as `quantize` has them.
class WrittenModel {
 public:
  /// Opens a folder in the layout of files, or a GGUF file. `type`: empty: a folder's own. Throws
  /// Error{kInvalidArgument} for a type that is not known, with the list.
  WrittenModel(const std::string& path, const std::string& type);

  [[nodiscard]] uint64_t size_bytes() const;
  [[nodiscard]] std::string_view type() const;
  /// Throws Error{kInvalidFile} for a value that is not finite (tensor and place are named).
  void write(Session& session, const format::GgufWriter::Sink& sink, const convert::Progress& progress = {}) const;

 private:
  std::shared_ptr<const format::ModelFile> file_;
  const quant::Format* plain_ = nullptr;        // as convert gives a folder, or
  const convert::Mixture* mixture_ = nullptr;   // a mixture with
  std::vector<convert::TensorChoice> choices_;  // these types.
};

}  // namespace kinglet::cli
