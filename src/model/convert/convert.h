// A Hugging Face folder as the GGUF file that the field's converter writes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "core/base/thread_pool.h"
#include "model/format/format.h"

namespace kinglet::convert {

/// Called before each tensor with the bytes written so far and those of the whole file. False stops the work.
using Progress = std::function<bool(uint64_t done_bytes, uint64_t total_bytes)>;

/// Whether a tensor of a converted file is F32 whatever the file's type: vectors, norms, routers, and what kernels read
/// as plain numbers.
bool stays_f32(const format::TensorEntry& tensor);

/// The type that a folder's matrices have most of: what its file has when nobody asks for another.
const quant::Format& type_of(const format::ModelFile& folder);

/// Writes the file. `folder` was opened with HfOptions::as_file; `type` is F32, F16, BF16 or Q8_0 (rows that are no
/// whole blocks become F16; what the folder has in blocks, as MXFP4, stays so unless F32 is wanted). Tensors are read, encoded and given to `sink` one after another, rows shared by the pool's
/// threads. Throws Error{kInvalidFile} for a value that is not finite (tensor and place are named) and kCancelled.
void convert(const format::ModelFile& folder, const quant::Format& type, ThreadPool& pool,
             const format::GgufWriter::Sink& sink, const Progress& progress = {});

/// Bytes of the file, near enough to ask for room on the disk before.
uint64_t converted_size(const format::ModelFile& folder, const quant::Format& type);

}  // namespace kinglet::convert
