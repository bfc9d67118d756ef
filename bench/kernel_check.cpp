// Compares every kernel of every table with scalar (the tests of core/kernels are part of this program: odd lengths,
// misalignment, canaries), then measures the products on one thread: a line for each table, format and number of rows,
// with the share of the peak that the same thread shows for the instruction that the format multiplies with.
// usage: kernel_check [ISA [FORMAT]]
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>

#include "best_seconds.h"
#include "core/kernels/peak.h"
#include "core/kernels/product_samples.h"
#include "core/kernels/select.h"
#include "core/tensor/tensor.h"

namespace kinglet {
namespace {

// Operations per second of a loop in registers; 0 where there is none.
double peak_of(const kernels::PeakLoop& loop) {
  constexpr size_t kRounds = 100'000;
  if (loop.run == nullptr) return 0;
  volatile uint64_t kept = 0;
  return static_cast<double>(kRounds * loop.ops_per_round) / best_seconds([&] { kept = loop.run(kRounds); });
}

void measure(const kernels::KernelTable& table, const quant::Format& format, size_t rows, size_t cols, size_t n_tokens,
             double peak) {
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
  const double ops = 2.0 * static_cast<double>(rows * cols * n_tokens) / seconds;
  std::printf("%-12s %-5s %5zu x %-5zu by %-4zu %-4s %8.2f GB/s of weights %9.1f GOPS %5.1f %% of the peak\n",
              table.name.data(), format.name.data(), rows, cols, n_tokens, few ? "few" : "many",
              static_cast<double>(blocks.size()) / seconds * 1e-9, ops * 1e-9, ops / peak * 100);
}

}  // namespace
}  // namespace kinglet

int main(int argc, char** argv) {
  using namespace kinglet;
  testing::InitGoogleTest(&argc, argv);
  GTEST_FLAG_SET(brief, true);
  if (RUN_ALL_TESTS() != 0) return 1;
  const auto features = kernels::detect();
  for (const auto isa : {kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx512, kernels::Isa::kNeon}) {
    const auto table = kernels::select(features, isa);
    if (!table || (argc > 1 && kernels::parse_isa(argv[1]) != isa)) continue;
    const kernels::PeakKernels peaks = kernels::peak_kernels(features, isa);
    const double f32_peak = peak_of(peaks.f32);
    const double int8_peak = peak_of(peaks.int8);
    std::printf("%-12s peaks of one thread: f32 %.1f, int8 %.1f GOPS\n", table->name.data(), f32_peak * 1e-9,
                int8_peak * 1e-9);
    for (const quant::Format& format : quant::formats()) {
      if (table->product(format).few == nullptr) continue;
      if (argc > 2 && quant::find_by_name(argv[2]) != &format) continue;
      for (const size_t n_tokens : {1U, 4U, 8U, 128U}) {
        if (isa == kernels::Isa::kScalar && n_tokens > 8) continue;
        measure(*table, format, 1536, format.block_len == 256 ? 768 : 576, n_tokens,
                format.activation == quant::Activation::kF32 ? f32_peak : int8_peak);
      }
    }
  }
  return 0;
}
