// What every encoder of the registry is held to, on tiny random models with all heads that the family has: a file
// written again loads the same; where the family classifies, texts or tokens, gradients are those of finite differences
// and the training path's loss is that of the engine's scores. Bits in batches: embedding_test.cpp.
#include <gtest/gtest.h>

#include "batch_runner.h"
#include "run/engine/embedding.h"
#include "tiny_checks.h"

namespace kinglet::tests {
namespace {

using engine::Embedder;
using models::Model;
using models::TinyModel;
using models::TinyOptions;

const std::vector<engine::TypedTokens> kTexts = {{{1, 5, 9, 2, 39, 5, 5}}, {{7, 3, 0, 11}}, {{8}}};
constexpr uint32_t kLabels = 3;

/// With token types, labels and dense layers.
TinyOptions with_heads(TinyOptions options) {
  options.n_rows = {{"token_types.weight", 2}, {"cls.output.weight", kLabels}, {"dense_2.weight", 48}};
  return options;
}

std::vector<float> values_of(const Model& model, Embedder::Output output, const kernels::KernelTable& table) {
  InlinePool pool;
  Embedder embedder(model, {.output = output}, table, pool);
  std::vector<float> values;
  embedder.run(kTexts, [&](size_t, std::span<const float> of) { values.insert(values.end(), of.begin(), of.end()); });
  return values;
}

class EncoderRegistry : public testing::TestWithParam<std::string_view> {};

TEST_P(EncoderRegistry, AFileWrittenAgainLoadsTheSame) {
  for (const bool has_optional : {true, false}) {
    for (const std::string_view format : {"F32", "Q4_0", "Q6_K"}) {
      const TinyModel model(with_heads({.format = format, .has_optional = has_optional}), architecture_of(GetParam()));
      const std::vector<std::byte> bytes = written_again(*model);
      EXPECT_TRUE(std::ranges::equal(bytes, model.bytes()));
      const auto again = Model::load(format::read_gguf(bytes, "again"));
      for (const auto output : {Embedder::Output::kHidden, Embedder::Output::kPooled}) {
        const std::vector<float> values = values_of(*model, output, tables().back());
        EXPECT_EQ(values, values_of(*again, output, tables().back())) << format;
        for (const float x : values) ASSERT_TRUE(std::isfinite(x)) << format;
      }
    }
  }
}

/// A family, and whether it classifies tokens rather than texts.
using Classifier = std::pair<std::string_view, bool>;

class Classifiers : public testing::TestWithParam<Classifier> {
 protected:
  [[nodiscard]] TinyOptions options(TinyOptions more = {}) const {
    more = with_heads(more);
    if (GetParam().second) more.counts.emplace_back("pooling_type", 0);  // "no pooling": of tokens
    return more;
  }

  /// The first text is scored nowhere but at one token, where tokens have labels.
  [[nodiscard]] engine::LabelledBatch batch(const Model& model) const {
    constexpr int32_t kUnscored = engine::LabelledBatch::kUnscored;
    engine::LabelledBatch batch;
    for (const engine::TypedTokens& text : kTexts) {
      batch.ids.push_back(text.ids);
      if (model.config().n_token_types > 1) {
        batch.types.emplace_back();
        for (size_t i = 0; i < text.ids.size(); ++i) batch.types.back().push_back(i < 3 ? 0 : 1);
      }
    }
    batch.labels = {{2}, {0}, {1}};
    if (GetParam().second)
      batch.labels = {{kUnscored, kUnscored, 2, kUnscored, kUnscored, kUnscored, kUnscored}, {0, 1, kUnscored, 2}, {1}};
    return batch;
  }
};

TEST_P(Classifiers, GradientsEqualFiniteDifferences) {
  for (const bool has_optional : {true, false}) {
    if (KINGLET_SANITIZED && !has_optional) continue;
    std::vector<std::byte> bytes = models::tiny_gguf(architecture_of(GetParam().first),
                                                     options({.has_optional = has_optional,
                                                              .n_layers = 1,
                                                              .head_dim = 16,
                                                              .sizes = models::TinySizes{.hidden = 32, .ffn = 48}}));
    const auto model = Model::load(format::read_gguf(bytes, "tiny"));
    const engine::LabelledBatch labelled = batch(*model);
    InlinePool pool;
    const auto gradients = [&] { return engine::gradients<double>(*model, labelled, tables()[0], pool); };
    expect_finite_differences(*model, bytes, gradients(), KINGLET_SANITIZED, [&] { return gradients().loss; });
  }
}

TEST_P(Classifiers, FloatGradientsAreNearDouble) {
  const TinyModel model(options(), architecture_of(GetParam().first));
  expect_float_near_double(*model, batch(*model));
}

// Property 3 of ENGINE.md, to the bit: the scores of the engine's path (lowered) give the training path's loss.
TEST_P(Classifiers, TheTrainingPathHasTheLossOfTheEngine) {
  for (const std::string_view format : {"F32", "BF16", "Q8_0", "Q4_K"}) {
    const TinyModel model(options({.format = format}), architecture_of(GetParam().first));
    engine::LabelledBatch labelled = batch(*model);
    labelled.types.clear();
    for (const kernels::KernelTable& table : tables()) {
      const std::vector<float> scores = values_of(*model, Embedder::Output::kScores, table);
      double total = 0;
      size_t n = 0;
      const float* row = scores.data();
      for (const std::vector<int32_t>& labels : labelled.labels) {
        for (const int32_t label : labels) {
          if (label != engine::LabelledBatch::kUnscored) {
            total += static_cast<double>(table.real.log_sum_exp(row, kLabels) - row[label]);
            ++n;
          }
          row += kLabels;
        }
      }
      ASSERT_EQ(row, scores.data() + scores.size());
      InlinePool pool;
      const auto trained = engine::gradients<float>(*model, labelled, table, pool);
      EXPECT_EQ(trained.loss, static_cast<float>(total / static_cast<double>(n))) << format << " " << table.name;
    }
  }
}

std::vector<std::string_view> encoders() {
  std::vector<std::string_view> names;
  for (const models::Architecture& architecture : models::architectures()) {
    if (architecture.blocks.head == nullptr) names.push_back(architecture.family);
  }
  return names;
}

std::vector<Classifier> classifiers() {
  std::vector<Classifier> all;
  for (const std::string_view family : encoders()) {
    if (architecture_of(family).blocks.classify == nullptr) continue;
    all.emplace_back(family, false);
    all.emplace_back(family, true);
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Architectures, EncoderRegistry, testing::ValuesIn(encoders()),
                         [](const auto& encoder) { return std::string(encoder.param); });
INSTANTIATE_TEST_SUITE_P(Architectures, Classifiers, testing::ValuesIn(classifiers()), [](const auto& classifier) {
  return str(classifier.param.first, classifier.param.second ? "_tokens" : "_texts");
});

}  // namespace
}  // namespace kinglet::tests
