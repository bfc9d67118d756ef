// A tensor's rows in another type, piece by piece; what conversions share.
#pragma once

#include <span>
#include <string>

#include "core/base/thread_pool.h"
#include "model/format/format.h"

namespace kinglet::convert {

inline constexpr uint32_t kQuantizationVersion = 2;  ///< Of the block layouts; general.quantization_version.

/// Calls work(row, thread_idx) for each of n rows, shared by the pool's threads; it must not throw.
template <class Work>
void for_rows(ThreadPool& pool, size_t n, const Work& work) {
  SharedItems items;
  items.reset(static_cast<uint32_t>(n));
  pool.run_all([&](int thread_idx) {
    for (;;) {
      const SharedItems::Range taken = items.take(static_cast<uint32_t>(pool.n_threads()));
      if (taken.begin == taken.end) break;
      for (size_t r = taken.begin; r < taken.end; ++r) work(r, static_cast<size_t>(thread_idx));
      items.finish(taken);
    }
    items.wait(pool);
  });
}

/// Throws Error{kInvalidFile} that names the tensor and the first value of it that is NaN or infinite.
void check_finite(const format::TensorEntry& tensor, std::span<const std::byte> bytes, const std::string& path);

/// Decodes rows and encodes them as `target`, a piece of bounded size at a time, rows shared by the pool's threads; a
/// tensor of that type goes to the sink as it is. `bytes` are all of the tensor's.
void encode_rows(const format::TensorEntry& tensor, std::span<const std::byte> bytes, const quant::Format& target,
                 ThreadPool& pool, const format::GgufWriter::Sink& sink);

}  // namespace kinglet::convert
