// A model file with its matrices in smaller types.
//
// Memory: tensors are read where they lie and written a piece of at most 16 MB of decoded values at a time, so that the
// size of the model does not count: a file is quantized in kMaxWorkBytes and a row for each thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/thread_pool.h"
#include "core/kernels/kernels.h"
#include "model/convert/importance.h"
#include "model/convert/mixture.h"

namespace kinglet::convert {

/// Bytes that a piece of a tensor needs at most, in its new type.
inline constexpr uint64_t kMaxWorkBytes = uint64_t{16} << 20;

/// What became of a tensor.
struct QuantizedTensor {
  const TensorChoice* choice;
  uint64_t size_bytes;
  double rmse;  ///< Root mean square of the new values minus the old ones; 0 where it was copied.
};

struct QuantizeOptions {
  const Mixture* mixture = nullptr;
  const ImportanceMatrix* importance = nullptr;  ///< May be null.
  std::string importance_path;                   ///< For the file's own record.
  /// Called before each tensor with the bytes written so far and those of the whole file. False stops the work.
  std::function<bool(uint64_t done_bytes, uint64_t total_bytes)> progress = {};
  std::function<void(const QuantizedTensor&)> done = {};
};

/// Bytes of the tensors as chosen.
uint64_t quantized_size(std::span<const TensorChoice> choices);

/// Throws Error{kInvalidArgument} where the choices are not made with this importance matrix: one that is needed and is
/// not there, or has another number of columns.
void check_importance(std::span<const TensorChoice> choices, const ImportanceMatrix* importance);

/// Writes the file to the sink: keys of the source, then the field's own about the quantization. Throws
/// Error{kInvalidFile} for a value that is not finite (tensor and place are named) and kCancelled.
void quantize(const format::ModelFile& file, std::span<const TensorChoice> choices, const QuantizeOptions& options,
              const kernels::KernelTable& table, ThreadPool& pool, const format::GgufWriter::Sink& sink);

}  // namespace kinglet::convert
