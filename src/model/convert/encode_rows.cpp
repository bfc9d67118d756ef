#include "model/convert/encode_rows.h"

#include <algorithm>

#include "core/base/base.h"
#include "core/tensor/tensor.h"
#include "model/format/inspect.h"
#include "model/format/printable.h"

namespace kinglet::convert {
namespace {

constexpr size_t kPieceElements = size_t{1} << 22;  // 16 MB of f32

}  // namespace

void check_finite(const format::TensorEntry& tensor, std::span<const std::byte> bytes, const std::string& path) {
  format::TensorEntry at_hand = tensor;
  at_hand.data = bytes.data();
  const auto found = format::find_not_finite(at_hand);
  if (!found) return;
  fail_with(ErrorCode::kInvalidFile, path, ": tensor ", format::printable(std::string(tensor.name)), ": has the value ",
            found->value, " at element ", found->element_idx);
}

void encode_rows(const format::TensorEntry& tensor, std::span<const std::byte> bytes, const quant::Format& target,
                 ThreadPool& pool, const format::GgufWriter::Sink& sink) {
  if (&target == tensor.format) return sink(bytes);
  if (target.encode == nullptr) {
    fail_with(ErrorCode::kUnsupported, "tensor ", tensor.name, ": the type ", target.name,
              " can be read but not written; types that can be written: ", quant::written_format_names());
  }
  const auto cols = static_cast<size_t>(tensor.dims[0]);
  const auto n_rows = static_cast<size_t>(tensor.n_rows());
  const size_t piece_rows = std::clamp<size_t>(kPieceElements / cols, 1, n_rows);
  const auto n_threads = static_cast<size_t>(pool.n_threads());
  tensor::Buffer values = tensor::Buffer::uninitialized(n_threads * cols * sizeof(float));
  tensor::Buffer blocks = tensor::Buffer::uninitialized(piece_rows * target.row_bytes(cols));
  const size_t from_bytes = tensor.format->row_bytes(cols);
  const size_t to_bytes = target.row_bytes(cols);
  for (size_t first = 0; first < n_rows; first += piece_rows) {
    const size_t n = std::min(piece_rows, n_rows - first);
    for_rows(pool, n, [&](size_t r, size_t thread_idx) {
      float* row = values.at<float>() + thread_idx * cols;
      tensor.format->decode(bytes.data() + (first + r) * from_bytes, row, cols);
      target.encode(row, nullptr, blocks.data() + r * to_bytes, cols);
    });
    sink({blocks.data(), n * to_bytes});
  }
}

}  // namespace kinglet::convert
