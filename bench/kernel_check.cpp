// How fast the products of each kernel table are, on one thread: a line for each table, format and number of rows.
// That they are right is the affair of core/kernels' tests.   usage: kernel_check [ISA [FORMAT]]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "core/kernels/product_samples.h"
#include "core/kernels/select.h"
#include "core/tensor/tensor.h"

namespace kinglet {
namespace {

using Clock = std::chrono::steady_clock;

// Seconds of the fastest of several runs: other programs only ever make it longer.
template <class Work>
double best_seconds(const Work& work) {
  double best = 1e9;
  const auto start = Clock::now();
  for (int i = 0; i < 200 && (i < 3 || Clock::now() - start < std::chrono::milliseconds(300)); ++i) {
    const auto from = Clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - from).count());
  }
  return best;
}

void measure(const kernels::KernelTable& table, const quant::Format& format, size_t rows, size_t cols, size_t n_tokens) {
  const std::vector<std::byte> blocks = kernels::random_weight(format, rows, cols, 1);
  const kernels::WeightRows w{blocks.data(), format.row_bytes(cols), rows, cols};
  const std::vector<float> values = kernels::random_rows(n_tokens, cols, 2);
  const size_t row_bytes = quant::encoded_layout(format.activation, cols).row_bytes;
  auto x = tensor::Buffer::uninitialized(n_tokens * row_bytes);
  for (size_t t = 0; t < n_tokens; ++t) {
    quant::encode_activation(format.activation, &values[t * cols], cols, x.data() + t * row_bytes);
  }
  const kernels::ActivationRows activations{x.data(), row_bytes, n_tokens};
  std::vector<float> y(n_tokens * rows);
  const kernels::ProductKernels& product = table.product(format);
  auto scratch = tensor::Buffer::uninitialized(product.scratch_bytes(cols));
  const bool few = n_tokens <= kernels::kFewRows;
  const double seconds =
      best_seconds([&] { (few ? product.few : product.many)(w, activations, y.data(), rows, scratch.data()); });
  std::printf("%-12s %-5s %5zu x %-5zu by %-4zu %-4s %8.2f GB/s of weights %9.1f GOPS\n", table.name.data(),
              format.name.data(), rows, cols, n_tokens, few ? "few" : "many",
              static_cast<double>(blocks.size()) / seconds * 1e-9,
              2.0 * static_cast<double>(rows * cols * n_tokens) / seconds * 1e-9);
}

}  // namespace
}  // namespace kinglet

int main(int argc, char** argv) {
  using namespace kinglet;
  const auto features = kernels::detect();
  for (const auto isa : {kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx512, kernels::Isa::kNeon}) {
    const auto table = kernels::select(features, isa);
    if (!table || (argc > 1 && kernels::parse_isa(argv[1]) != isa)) continue;
    for (const quant::Format& format : quant::formats()) {
      if (table->product(format).few == nullptr) continue;
      if (argc > 2 && quant::find_by_name(argv[2]) != &format) continue;
      for (const size_t n_tokens : {1U, 4U, 8U, 128U}) {
        if (isa == kernels::Isa::kScalar && n_tokens > 8) continue;
        measure(*table, format, 1536, format.block_len == 256 ? 768 : 576, n_tokens);
      }
    }
  }
  return 0;
}
