// Takes bytes as blocks of every weight format, repeated to whole rows: decodes them, and multiplies with them by every
// table that this machine runs.
#include <algorithm>
#include <vector>

#include "core/base/base.h"
#include "core/kernels/select.h"
#include "core/tensor/tensor.h"
#include "fuzz_target.h"

namespace {

using namespace kinglet;

constexpr size_t kCols = 256;
constexpr size_t kRows = 5;  // not a whole panel of any table
constexpr size_t kTokens = 2;

std::vector<kernels::KernelTable> tables_of_machine() {
  std::vector<kernels::KernelTable> tables;
  for (const auto isa : {kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx512, kernels::Isa::kNeon}) {
    if (const auto table = kernels::select(kernels::detect(), isa)) tables.push_back(*table);
  }
  return tables;
}

void multiply(const kernels::KernelTable& table, const quant::Format& format, const std::vector<std::byte>& blocks) {
  std::vector<float> values(kTokens * kCols);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 19) - 9.0F;
  const size_t row_bytes = quant::encoded_layout(format.activation, kCols).row_bytes;
  auto x = tensor::Buffer::uninitialized(kTokens * row_bytes);
  for (size_t t = 0; t < kTokens; ++t) {
    quant::encode_activation(format.activation, &values[t * kCols], kCols, x.data() + t * row_bytes);
  }
  const kernels::WeightRows w{blocks.data(), format.row_bytes(kCols), kRows, kCols};
  const kernels::ActivationRows activations{x.data(), row_bytes, kTokens};
  const kernels::ProductKernels& product = table.product(format);
  std::vector<float> y(kTokens * kRows);
  auto scratch = tensor::Buffer::uninitialized(product.scratch_bytes(kCols));
  product.few(w, activations, y.data(), kRows, scratch.data());
  product.many(w, activations, y.data(), kRows, scratch.data());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<kernels::KernelTable> tables = tables_of_machine();
  if (size == 0) return 0;
  for (const quant::Format& format : quant::formats()) {
    std::vector<std::byte> blocks(kRows * format.row_bytes(kCols));
    for (size_t i = 0; i < blocks.size(); ++i) blocks[i] = static_cast<std::byte>(data[i % size]);
    std::vector<float> values(kRows * kCols);
    format.decode(blocks.data(), values.data(), values.size());
    if (format.activation == quant::Activation::kNone) continue;
    for (const kernels::KernelTable& table : tables) multiply(table, format, blocks);
  }
  return 0;
}
