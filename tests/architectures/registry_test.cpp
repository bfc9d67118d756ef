// What every architecture of the registry is held to, on tiny random models that our writer makes: a file written again
// loads the same, gradients are those of finite differences, the training path's loss is the engine's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "batch_runner.h"
#include "core/kernels/select.h"
#include "home/system/thread_pool.h"
#include "model/models/tiny_model.h"
#include "run/engine/gradients.h"

namespace kinglet::tests {
namespace {

using models::Model;
using models::TinyModel;

std::vector<kernels::KernelTable> tables() {
  std::vector<kernels::KernelTable> all;
  for (const auto isa : {kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx512, kernels::Isa::kNeon}) {
    if (const auto table = kernels::select(kernels::detect(), isa)) all.push_back(*table);
  }
  return all;
}

class Registry : public testing::TestWithParam<std::string_view> {
 protected:
  [[nodiscard]] const models::Architecture& architecture() const { return architecture_of(GetParam()); }

  /// Two sequences of different lengths; the first label of each is never scored.
  const engine::LabelledBatch batch{
      {{1, 5, 9, 2, 39, 5, 5}, {7, 3, 0, 11}},
      {{1, 5, 9, 2, 39, 5, 5}, {7, 3, engine::LabelledBatch::kUnscored, 11}},
  };
};

std::vector<float> logits_of(const Model& model, const kernels::KernelTable& table) {
  InlinePool pool;
  BatchRunner runner(model, kernels::KvType::kF32, table, pool);
  const size_t sequence = runner.add_sequence({3, 1, 4, 1, 5, 9, 2, 6});
  runner.step({{sequence, 8}});
  return runner.logits(sequence);
}

TEST_P(Registry, AFileWrittenAgainLoadsTheSame) {
  for (const bool has_optional : {true, false}) {
    for (const std::string_view format : {"F32", "Q4_0", "Q6_K"}) {
      const TinyModel model({.format = format, .has_optional = has_optional}, architecture());
      format::GgufWriter writer;
      writer.add_values(model->file().metadata());
      for (const format::TensorEntry& tensor : model->file().tensors()) {
        writer.add_tensor(tensor.name, *tensor.format, {tensor.dims.data(), tensor.n_dims},
                          {tensor.data, static_cast<size_t>(tensor.size_bytes)});
      }
      std::vector<std::byte> bytes;
      writer.write([&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
      EXPECT_TRUE(std::ranges::equal(bytes, model.bytes()));
      const auto again = Model::load(format::read_gguf(bytes, "again"));
      EXPECT_EQ(logits_of(*model, tables().back()), logits_of(*again, tables().back())) << format;
    }
  }
}

TEST_P(Registry, LogitsAreFiniteAndDependOnTheToken) {
  const TinyModel model({}, architecture());
  const std::vector<float> logits = logits_of(*model, tables()[0]);
  const size_t n = model->config().vocab_size;
  for (const float x : logits) ASSERT_TRUE(std::isfinite(x));
  EXPECT_FALSE(std::equal(logits.begin(), logits.begin() + static_cast<std::ptrdiff_t>(n),
                          logits.begin() + static_cast<std::ptrdiff_t>(n)));
}

/// The loss of a batch, forward alone: what changes in the weights counts the next time.
class LossRunner {
 public:
  LossRunner(const Model& model, const engine::LabelledBatch& batch, const kernels::KernelTable& table)
      : description_(model.describe({.loss = true})) {
    std::vector<int32_t> inputs[4];  // ids, positions, rows, labels
    for (size_t i = 0; i < batch.ids.size(); ++i) {
      const std::vector<int32_t>& ids = batch.ids[i];
      sequences_.push_back({inputs[0].size(), ids.size()});
      for (size_t t = 0; t < ids.size(); ++t) {
        if (t + 1 < ids.size() && batch.labels[i][t + 1] != engine::LabelledBatch::kUnscored) {
          inputs[2].push_back(static_cast<int32_t>(inputs[0].size()));
          inputs[3].push_back(batch.labels[i][t + 1]);
        }
        inputs[0].push_back(ids[t]);
        inputs[1].push_back(static_cast<int32_t>(t));
      }
    }
    const std::array outputs{description_.loss};
    graph::remove_unused(description_.graph, outputs);
    const graph::Plan::Options options{.max_rows = {inputs[0].size(), inputs[2].size(), sequences_.size()},
                                       .max_sequences = sequences_.size(),
                                       .real_bytes = sizeof(double)};
    executor_.emplace(std::make_shared<const graph::Plan>(description_.graph, outputs, options, table), table, pool_);
    constexpr ir::Input kInputs[] = {ir::Input::kTokenIds, ir::Input::kPositions, ir::Input::kLogitRows,
                                     ir::Input::kLabels};
    for (size_t i = 0; i < 4; ++i) std::ranges::copy(inputs[i], executor_->input(kInputs[i]).begin());
  }

  double run() {
    executor_->run(executor_->plan().options().max_rows, {sequences_, kernels::KvType::kF32});
    return *executor_->output(description_.loss);
  }

 private:
  InlinePool pool_;
  models::Description description_;
  std::vector<ops::SequenceRows> sequences_;
  std::optional<graph::Executor<double>> executor_;
};

// Every parameter, in double: the steepest element and one more. Under sanitizers, outside of llama, every fifth
// parameter and its steepest element.
TEST_P(Registry, GradientsEqualFiniteDifferences) {
  for (const bool has_optional : {true, false}) {
    if (KINGLET_SANITIZED && !has_optional && GetParam() != "llama") continue;
    std::vector<std::byte> bytes =
        models::tiny_gguf(architecture(), {.has_optional = has_optional,
                                           .n_layers = 1,
                                           .head_dim = 16,
                                           .sizes = models::TinySizes{.hidden = 32, .ffn = 48}});
    const auto model = Model::load(format::read_gguf(bytes, "tiny"));
    const auto table = tables()[0];
    InlinePool pool;
    LossRunner loss(*model, batch, table);
    const auto gradients = engine::gradients<double>(*model, batch, table, pool);
    EXPECT_EQ(loss.run(), gradients.loss);
    const bool is_part = KINGLET_SANITIZED && GetParam() != "llama";
    size_t parameter_idx = 0;
    for (const auto& [name, gradient] : gradients.by_name) {
      if (is_part && ++parameter_idx % 5 != 0) continue;
      const auto weight = std::ranges::find(model->weights(), name, &quant::Weight::name);
      ASSERT_NE(weight, model->weights().end());
      auto* values = reinterpret_cast<float*>(bytes.data() + (weight->data - bytes.data()));
      const auto largest = std::ranges::max_element(gradient, {}, [](double x) { return std::abs(x); });
      // The bias of keys moves all scores of a row alike, and the final norm takes out a factor on whole rows.
      const bool has_no_effect = name.ends_with("attn_k.bias") ||
                                 name == str("blk.", model->config().n_layers - 1, ".layer_output_scale.weight");
      ASSERT_TRUE(std::abs(*largest) > 1e-7 || has_no_effect) << name;
      const auto steepest = static_cast<size_t>(largest - gradient.begin());
      std::vector<size_t> elements{steepest};
      if (!is_part) elements.push_back(gradient.size() / 3);
      for (const size_t i : elements) {
        const float original = values[i];
        const auto at = [&](float step) {
          values[i] = original + step;
          const double moved = static_cast<double>(values[i]) - static_cast<double>(original);
          const std::pair point{moved, loss.run()};
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
}

TEST_P(Registry, FloatGradientsAreNearDouble) {
  const TinyModel model({}, architecture());
  InlinePool pool;
  const auto want = engine::gradients<double>(*model, batch, tables()[0], pool);
  for (const kernels::KernelTable& table : tables()) {
    system::SpinPool threads(2);
    const auto got = engine::gradients<float>(*model, batch, table, threads);
    EXPECT_NEAR(static_cast<double>(got.loss), want.loss, 1e-6) << table.name;
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

// Property 3 of ENGINE.md, to the bit: the logits of the engine's path (lowered, over a cache) give the training path's
// loss.
TEST_P(Registry, TheTrainingPathHasTheLossOfTheEngine) {
  for (const std::string_view format : {"F32", "BF16", "Q8_0", "Q4_K"}) {
    const TinyModel model({.format = format}, architecture());
    for (const kernels::KernelTable& table : tables()) {
      InlinePool pool;
      BatchRunner runner(*model, kernels::KvType::kF32, table, pool);
      double total = 0;
      size_t n = 0;
      for (size_t row = 0; row < batch.ids.size(); ++row) {
        const size_t sequence = runner.add_sequence(batch.ids[row]);
        runner.step({{sequence, batch.ids[row].size()}});
        for (size_t i = 0; i + 1 < batch.ids[row].size(); ++i) {
          const int32_t label = batch.labels[row][i + 1];
          if (label == engine::LabelledBatch::kUnscored) continue;
          const float* logits = runner.logits(sequence).data() + i * runner.vocab_size();
          total += static_cast<double>(table.real.log_sum_exp(logits, runner.vocab_size()) - logits[label]);
          ++n;
        }
      }
      const auto trained = engine::gradients<float>(*model, batch, table, pool);
      EXPECT_EQ(trained.loss, static_cast<float>(total / static_cast<double>(n))) << format << " " << table.name;
    }
  }
}

std::vector<std::string_view> listed() {
  std::vector<std::string_view> names;
  for (const models::Architecture& architecture : models::architectures()) {
    if (architecture.blocks.head != nullptr) names.push_back(architecture.family);  // encoders have no logits
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Architectures, Registry, testing::ValuesIn(listed()),
                         [](const auto& architecture) { return std::string(architecture.param); });

}  // namespace
}  // namespace kinglet::tests
