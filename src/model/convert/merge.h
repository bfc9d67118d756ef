// Adapters into the weights of a model: a GGUF file that needs them no more.
#pragma once

#include <functional>
#include <span>

#include "core/base/thread_pool.h"
#include "model/convert/convert.h"
#include "model/models/adapted.h"

namespace kinglet::convert {

/// What a matrix becomes: W + sum of factor (W' - W) over adapters, W' being W + scale B A, with a magnitude scaled to
/// it row by row. The same as running with the adapters at these factors, but for rounding to the file's type.
///
/// Writes all tensors one after another, rows of a piece shared by the pool's threads. `file` is a GGUF file or a
/// folder opened with HfOptions::as_file; adapters were opened against it. `type` of the matrices; null: each keeps its
/// own (rows that are no whole blocks become F16). Throws Error{kInvalidFile} for a value that is not finite and
/// Error{kUnsupported} for a type that cannot be written, both naming the tensor, and kCancelled.
void merge(const format::ModelFile& file, std::span<const models::AdapterUse> adapters, const quant::Format* type,
           ThreadPool& pool, const format::GgufWriter::Sink& sink, const Progress& progress = {});

/// Bytes of the file, near enough to ask for room on the disk before.
uint64_t merged_size(const format::ModelFile& file, const quant::Format* type);

}  // namespace kinglet::convert
