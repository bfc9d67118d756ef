// What every architecture of the registry is held to, on tiny random models that our writer makes: a file written again
// loads the same, gradients are those of finite differences, the training path's loss is the engine's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "batch_runner.h"
#include "tiny_checks.h"

namespace kinglet::tests {
namespace {

using models::Model;
using models::TinyModel;

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
      const std::vector<std::byte> bytes = written_again(*model);
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
    expect_finite_differences(*model, bytes, gradients, is_part, [&] { return loss.run(); });
  }
}

TEST_P(Registry, FloatGradientsAreNearDouble) {
  const TinyModel model({}, architecture());
  expect_float_near_double(*model, batch);
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
