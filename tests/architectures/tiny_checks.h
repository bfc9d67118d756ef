// What tests of decoders and of encoders hold a tiny model to, whatever its loss is: its file written again, gradients
// beside finite differences, gradients in f32 beside those in double.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "../usable_tables.h"
#include "home/system/thread_pool.h"
#include "model/models/tiny_model.h"
#include "run/engine/gradients.h"

namespace kinglet::tests {

/// The bytes of a file with the settings and tensors that were read from this model's.
inline std::vector<std::byte> written_again(const models::Model& model) {
  format::GgufWriter writer;
  writer.add_values(model.file().metadata());
  for (const format::TensorEntry& tensor : model.file().tensors()) {
    writer.add_tensor(tensor.name, *tensor.format, {tensor.dims.data(), tensor.n_dims},
                      {tensor.data, static_cast<size_t>(tensor.size_bytes)});
  }
  std::vector<std::byte> bytes;
  writer.write([&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
  return bytes;
}

/// Every parameter, in double: the steepest element and one more, or of every fifth parameter its steepest element.
/// The model reads `bytes`; loss() is what changes in them counts for the next time.
template <class Loss>
void expect_finite_differences(const models::Model& model, std::span<std::byte> bytes,
                               const engine::Gradients<double>& gradients, bool is_part, Loss&& loss) {
  size_t parameter_idx = 0;
  for (const auto& [name, gradient] : gradients.by_name) {
    if (is_part && ++parameter_idx % 5 != 0) continue;
    const auto weight = std::ranges::find(model.weights(), name, &quant::Weight::name);
    ASSERT_NE(weight, model.weights().end());
    auto* values = reinterpret_cast<float*>(bytes.data() + (weight->data - bytes.data()));
    const auto largest = std::ranges::max_element(gradient, {}, [](double x) { return std::abs(x); });
    // The bias of keys moves all scores of a row alike, and the final norm takes out a factor on whole rows. Vectors
    // alone go through dense layers, scores do not.
    const bool has_no_effect = name.ends_with("attn_k.bias") || name.starts_with("dense_") ||
                               name == str("blk.", model.config().n_layers - 1, ".layer_output_scale.weight");
    ASSERT_TRUE(std::abs(*largest) > 1e-7 || has_no_effect) << name;
    const auto steepest = static_cast<size_t>(largest - gradient.begin());
    std::vector<size_t> elements{steepest};
    if (!is_part) elements.push_back(gradient.size() / 3);
    for (const size_t i : elements) {
      const float original = values[i];
      const auto at = [&](float step) {
        values[i] = original + step;
        const double moved = static_cast<double>(values[i]) - static_cast<double>(original);
        const std::pair point{moved, loss()};
        values[i] = original;
        return point;
      };
      // Steps are what f32 makes of them; the second-order term cancels between both sides.
      const auto [up, loss_up] = at(0x1p-16F);
      const auto [down, loss_down] = at(-0x1p-16F);
      EXPECT_NEAR(gradient[i], (loss_up - loss_down) / (up - down), 2e-6 + 2e-5 * std::abs(gradient[i]))
          << name << " " << i;
    }
  }
}

/// The f32 gradients of every table beside those in double.
inline void expect_float_near_double(const models::Model& model, const engine::LabelledBatch& batch) {
  InlinePool pool;
  const auto want = engine::gradients<double>(model, batch, tables()[0], pool);
  for (const kernels::KernelTable& table : tables()) {
    system::SpinPool threads(2);
    const auto got = engine::gradients<float>(model, batch, table, threads);
    EXPECT_NEAR(static_cast<double>(got.loss), want.loss, 1e-6 * std::max(1.0, want.loss)) << table.name;
    // A gradient that is zero because its parts cancel keeps the rounding of these: some f32 steps of the largest.
    double largest = 0;
    for (const auto& [name, gradient] : want.by_name) {
      for (const double x : gradient) largest = std::max(largest, std::abs(x));
    }
    for (const auto& [name, gradient] : want.by_name) {
      double off = 0;
      double square = 0;
      for (size_t i = 0; i < gradient.size(); ++i) {
        off += std::pow(static_cast<double>(got.by_name.at(name)[i]) - gradient[i], 2);
        square += gradient[i] * gradient[i];
      }
      EXPECT_LE(std::sqrt(off), 1e-5 * std::sqrt(square) + 4e-6 * largest) << table.name << " " << name;
    }
  }
}

}  // namespace kinglet::tests
