// Experts that a step does not choose are not read, those that it chooses are read once.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "batch_runner.h"
#include "core/kernels/select.h"
#include "model/models/tiny_model.h"

namespace kinglet::tests {
namespace {

using models::Model;
using models::TinyModel;

std::vector<float> logits_of(const Model& model, const kernels::KernelTable& table, std::vector<int32_t> ids) {
  InlinePool pool;
  BatchRunner runner(model, kernels::KvType::kF32, table, pool);
  const size_t n = ids.size();
  const size_t sequence = runner.add_sequence(std::move(ids));
  runner.step({{sequence, n}});
  return runner.logits(sequence);
}

class Experts : public testing::TestWithParam<std::string_view> {};

// One token: of each layer's experts as many as are used change what comes of it when they are poisoned, and the others
// nothing at all. All bits set are no number in f32 and in the scales of Q8_0.
TEST_P(Experts, ThoseNotChosenAreNotRead) {
  const kernels::KernelTable table = *kernels::select(kernels::detect());
  for (const std::string_view format : {"F32", "Q8_0"}) {
    const TinyModel tiny({.format = format}, architecture_of(GetParam()));
    const std::vector<float> want = logits_of(*tiny, table, {7});
    const auto& config = tiny->config();
    ASSERT_GT(config.layers.back().n_experts, config.experts.n_used);
    for (size_t layer = 0; layer < config.n_layers; ++layer) {
      const size_t n_experts = config.layers[layer].n_experts;
      size_t n_read = 0;
      for (size_t e = 0; e < n_experts; ++e) {
        std::vector<std::byte> bytes(tiny.bytes().begin(), tiny.bytes().end());
        for (const format::TensorEntry& tensor : tiny->file().tensors()) {
          const bool is_stack = tensor.name.starts_with(str("blk.", layer, ".ffn_")) &&
                                (tensor.name.ends_with("_exps.weight") || tensor.name.ends_with("_exps.bias"));
          if (!is_stack) continue;
          const auto one = static_cast<size_t>(tensor.size_bytes) / n_experts;
          std::memset(bytes.data() + (tensor.data - tiny.bytes().data()) + e * one, 0xFF, one);
        }
        const auto poisoned = Model::load(format::read_gguf(bytes, "poisoned"));
        const std::vector<float> got = logits_of(*poisoned, table, {7});
        if (std::ranges::any_of(got, [](float x) { return std::isnan(x); })) {
          ++n_read;
        } else {
          EXPECT_EQ(got, want) << format << ", layer " << layer << ", expert " << e;
        }
      }
      EXPECT_EQ(n_read, n_experts == 0 ? 0 : config.experts.n_used) << format << ", layer " << layer;
    }
  }
}

/// How often each row of a weight has been given to a product, by its address.
std::map<const std::byte*, size_t>& reads() {
  static std::map<const std::byte*, size_t> counts;
  return counts;
}
kernels::ProductFn few_rows = nullptr;
void counting(const kernels::WeightRows& w, const kernels::ActivationRows& x, float* y, size_t y_stride,
              std::byte* scratch) noexcept {
  for (size_t r = 0; r < w.n_rows; ++r) ++reads()[w.data + r * w.row_bytes];
  few_rows(w, x, y, y_stride, scratch);
}

// Six sequences in one step: several rows go to the same expert.
TEST_P(Experts, ThoseChosenAreReadOnceAStep) {
  kernels::KernelTable table = *kernels::select(kernels::detect());
  kernels::ProductKernels& products = table.products[quant::index_of(*quant::find_by_name("F32"))];
  few_rows = products.few;
  products.few = counting;
  const TinyModel tiny({}, architecture_of(GetParam()));
  InlinePool pool;
  BatchRunner runner(*tiny, kernels::KvType::kF32, table, pool);
  std::vector<BatchRunner::Part> parts;
  for (int32_t i = 0; i < 6; ++i) parts.push_back({runner.add_sequence({i * 3}), 1});
  reads().clear();
  runner.step(parts);
  size_t n_rows = 0;
  for (const format::TensorEntry& tensor : tiny->file().tensors()) {
    if (!tensor.name.ends_with("_exps.weight")) continue;
    for (const auto& [row, n] : reads()) {
      if (row < tensor.data || row >= tensor.data + tensor.size_bytes) continue;
      ++n_rows;
      EXPECT_EQ(n, 1U) << tensor.name;
    }
  }
  EXPECT_GT(n_rows, 0U);
}

INSTANTIATE_TEST_SUITE_P(All, Experts,
                         testing::Values("qwen2_moe", "qwen3_moe", "qwen3_5_moe", "gpt_oss", "deepseek_v2",
                                         "granitemoe", "granitemoehybrid", "gemma4"),
                         [](const auto& family) { return std::string(family.param); });

}  // namespace
}  // namespace kinglet::tests
