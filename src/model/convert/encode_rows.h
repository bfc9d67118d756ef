// A tensor's rows in another type, piece by piece.
#pragma once

#include <span>
#include <string>

#include "core/base/thread_pool.h"
#include "model/format/format.h"

namespace kinglet::convert {

/// Throws Error{kInvalidFile} that names the tensor and the first value of it that is NaN or infinite.
void check_finite(const format::TensorEntry& tensor, std::span<const std::byte> bytes, const std::string& path);

/// Decodes rows and encodes them as `target`, a piece of bounded size at a time, rows shared by the pool's threads; a
/// tensor of that type goes to the sink as it is. `bytes` are all of the tensor's.
void encode_rows(const format::TensorEntry& tensor, std::span<const std::byte> bytes, const quant::Format& target,
                 ThreadPool& pool, const format::GgufWriter::Sink& sink);

}  // namespace kinglet::convert
