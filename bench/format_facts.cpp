// What the program does with each tensor type, as one JSON document: facts of the registry (core/quant), which
// instruction sets have kernels of their own (core/kernels), and the speed of decoding, encoding and of a product with
// one row, measured on one thread of this machine. tools/make_formats_table makes docs/formats.md of it.
// usage: format_facts
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "best_seconds.h"
#include "core/base/base.h"
#include "core/kernels/product_samples.h"
#include "core/kernels/select.h"
#include "core/tensor/tensor.h"

namespace kinglet {
namespace {

constexpr size_t kRows = 16;
constexpr size_t kCols = 1024;
constexpr size_t kProductRows = 256;
constexpr Rounds kRounds{1000, 0.15};

std::string cpu_name() {
  std::ifstream lines("/proc/cpuinfo");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

// Values of weights: sums of uniform ones, about normal with a deviation of 0.02.
std::vector<float> weights() {
  std::vector<float> values(kRows * kCols);
  Philox random(1);
  for (float& value : values) {
    float sum = 0;
    for (int i = 0; i < 12; ++i) sum += random.next_float();
    value = 0.02F * (sum - 6.0F);
  }
  return values;
}

// The instruction sets whose kernel is another one than scalar's, in quotes.
template <class Kernel>
std::string own_kernels(const std::vector<kernels::KernelTable>& tables, const Kernel& kernel) {
  std::string names;
  for (size_t i = 1; i < tables.size(); ++i) {
    if (kernel(tables[i]) == kernel(tables[0])) continue;
    names += str(names.empty() ? "" : ", ", '"', kernels::name_of(tables[i].isa), '"');
  }
  return names;
}

double product_gb_per_s(const kernels::KernelTable& table, const quant::Format& format) {
  const std::vector<std::byte> blocks = kernels::random_weight(format, kProductRows, kCols, 1);
  const kernels::WeightRows w{blocks.data(), format.row_bytes(kCols), kProductRows, kCols};
  const std::vector<float> values = kernels::random_rows(1, kCols, 2);
  const size_t row_bytes = quant::encoded_layout(format.activation, kCols).row_bytes;
  auto x = tensor::Buffer::uninitialized(row_bytes);
  quant::encode_activation(format.activation, values.data(), kCols, x.data());
  std::vector<float> y(kProductRows);
  const kernels::ProductKernels& product = table.product(format);
  auto scratch = tensor::Buffer::uninitialized(product.scratch_bytes(kCols));
  const double seconds =
      best_seconds([&] { product.few(w, {x.data(), row_bytes, 1}, y.data(), kProductRows, scratch.data()); }, kRounds);
  return static_cast<double>(blocks.size()) / seconds / 1e9;
}

void print_format(const quant::Format& format, const std::vector<kernels::KernelTable>& tables, bool is_last) {
  const kernels::KernelTable best = *kernels::select(kernels::detect());
  const size_t place = quant::index_of(format);
  std::printf("  {\"name\": \"%.*s\", \"gguf_id\": %u, \"block_len\": %zu, \"block_bytes\": %zu, ",
              static_cast<int>(format.name.size()), format.name.data(), format.gguf_id, format.block_len,
              format.block_bytes);
  const std::vector<float> values = weights();
  std::vector<float> decoded(values.size());
  // Numbers that are no weights have no random blocks of a size that could be drawn.
  const bool is_drawn = format.encode != nullptr || format.activation != quant::Activation::kNone;
  const std::vector<std::byte> random = is_drawn ? kernels::random_weight(format, kRows, kCols, 3)
                                                 : std::vector<std::byte>(kRows * format.row_bytes(kCols));
  const double f32_gb = static_cast<double>(values.size() * sizeof(float)) / 1e9;
  const double decode_s = best_seconds([&] { format.decode(random.data(), decoded.data(), decoded.size()); }, kRounds);
  std::printf("\"decode_gb_per_s\": %.3f, ", f32_gb / decode_s);
  const kernels::EncodeWeightsFn encode = best.encode_weights[place];
  if (encode != nullptr) {
    std::vector<std::byte> blocks(random.size());
    const double encode_s =
        best_seconds([&] { encode(values.data(), nullptr, blocks.data(), values.size()); }, kRounds);
    std::printf("\"encode_gb_per_s\": %.4f, ", f32_gb / encode_s);
  }
  if (format.activation != quant::Activation::kNone) {
    std::printf("\"product_gb_per_s\": %.3f, ", product_gb_per_s(best, format));
  }
  const auto product_of = [&](const kernels::KernelTable& table) { return table.products[place].few; };
  const auto encode_of = [&](const kernels::KernelTable& table) { return table.encode_weights[place]; };
  std::printf("\"products\": [%s], \"encoders\": [%s]}%s\n", own_kernels(tables, product_of).c_str(),
              own_kernels(tables, encode_of).c_str(), is_last ? "" : ",");
}

}  // namespace
}  // namespace kinglet

int main() {
  using namespace kinglet;
  // Tables can be looked at wherever they are built, whether or not this machine could run them.
  kernels::CpuFeatures all;
  all.avx2 = all.avx512 = all.avx512_vnni = all.avx512_bf16 = all.avx512_vbmi = all.neon = true;
  std::vector<kernels::KernelTable> tables;
  for (const auto isa : {kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx512, kernels::Isa::kNeon}) {
    tables.push_back(*kernels::select(all, isa));
  }
  const std::string_view name = kernels::select(kernels::detect())->name;
  std::printf("{\"cpu\": \"%s\", \"table\": \"%.*s\", \"formats\": [\n", cpu_name().c_str(),
              static_cast<int>(name.size()), name.data());
  const auto formats = quant::formats();
  for (size_t i = 0; i < formats.size(); ++i) print_format(formats[i], tables, i + 1 == formats.size());
  std::printf("]}\n");
  return 0;
}
