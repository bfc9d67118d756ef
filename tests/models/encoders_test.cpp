// Tiny checkpoints of encoders against float64 references (families/ of the kit): rows, pooled vectors and scores on
// every instruction set and in double, from either spelling of the settings.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/thread_pool.h"
#include "core/graph/graph.h"
#include "kit.h"
#include "model/convert/convert.h"
#include "model/format/gguf.h"
#include "model/format/hf_folder.h"
#include "model/format/safetensors.h"
#include "model/models/models.h"

namespace kinglet::tests {
namespace {

using models::Pooling;

constexpr std::array kLengths = {5, 33, 80};

// clang-format off: a line each
constexpr const char* kEncoders[] = {
    "bert",
    "bert_classify",
    "bert_ner",
    "bert_rerank",
    "embeddinggemma",
    "modernbert",
    "modernbert_cls",
    "nomic_bert",
    "xlm_roberta",
};
// clang-format on

class Encoders : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    KINGLET_NEED_KIT();
    folder = kit() + "/families/" + GetParam();
    golden = std::make_unique<format::Safetensors>(format::Safetensors::open(folder + "/golden.safetensors"));
  }

  [[nodiscard]] std::shared_ptr<const models::Model> load(const std::string& config_name) const {
    return models::Model::load(format::open_hf_folder(folder, models::hf_families(), {.config_name = config_name}));
  }

  /// Empty where there is none.
  template <class T>
  [[nodiscard]] std::vector<T> values(const std::string& name) const {
    const format::SafetensorsEntry* entry = golden->find(name);
    if (entry == nullptr) return {};
    std::vector<T> values(entry->bytes.size() / sizeof(T));
    std::memcpy(values.data(), entry->bytes.data(), entry->bytes.size());
    return values;
  }

  /// All that the golden file has of one length, by the plan that runs it alone.
  template <class Real>
  void check(const models::Model& model, int length, const kernels::KernelTable& table, double tolerance,
             bool lowered) {
    const auto ids = values<int32_t>(str("ids", length));
    const auto types = values<int32_t>(str("types", length));
    for (const auto& [pooling, name] : {std::pair{Pooling::kMean, "mean"}, std::pair{Pooling::kCls, "cls"}}) {
      models::Description description = model.describe({.pooling = pooling});
      std::vector<ir::Value> outputs{description.hidden, description.pooled};
      if (description.scores.valid()) outputs.push_back(description.scores);
      if (lowered) {
        graph::lower_for_inference(description.graph, outputs, std::nullopt);
      } else {
        graph::remove_unused(description.graph, outputs);
      }
      const graph::Plan::Options options{.max_rows = {ids.size(), 1, 1}, .real_bytes = sizeof(Real)};
      graph::Executor<Real> executor(
          std::make_shared<const graph::Plan>(std::move(description.graph), outputs, options, table), table, pool);
      const auto put = [&](ir::Input input, const auto& value_of) {
        const std::span<int32_t> place = executor.input(input);
        for (size_t i = 0; i < std::min(ids.size(), place.size()); ++i) place[i] = value_of(i);
      };
      put(ir::Input::kTokenIds, [&](size_t i) { return ids[i]; });
      model.config().place(ids, executor.input(ir::Input::kPositions));
      put(ir::Input::kTokenTypes, [&](size_t i) { return types.empty() ? 0 : types[i]; });
      const ops::SequenceRows sequence{0, ids.size()};
      executor.run({ids.size(), 0, 1}, {{&sequence, 1}, kernels::KvType::kF32});
      expect_near(executor.output(description.hidden), str("hidden", length), tolerance);
      expect_near(executor.output(description.pooled), str(name, length), tolerance / 10);
      if (description.scores.valid())
        expect_near(executor.output(description.scores), str("logits", length), tolerance);
    }
  }

  template <class Real>
  void expect_near(const Real* got, const std::string& name, double tolerance) {
    const auto want = values<float>(name);
    double largest = 0;
    for (size_t i = 0; i < want.size(); ++i)
      largest = std::max(largest, std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i])));
    EXPECT_LE(largest, tolerance) << name;
    if (!want.empty()) ++n_checked;
  }

  std::string folder;
  std::unique_ptr<format::Safetensors> golden;
  size_t n_checked = 0;
  InlinePool pool;
};

TEST_P(Encoders, RowsVectorsAndScores) {
  const auto model = load("config.json");
  for (const kernels::KernelTable& table : tables()) {
    for (const int length : kLengths) {
      SCOPED_TRACE(table.name);
      check<float>(*model, length, table, 1e-4, true);
    }
  }
  EXPECT_GT(n_checked, 0U);
}

TEST_P(Encoders, InDouble) {
  const auto model = load("config.json");
  for (const int length : kLengths) check<double>(*model, length, tables().front(), 2e-6, false);
  EXPECT_GT(n_checked, 0U);
}

TEST_P(Encoders, NewerConfigIsReadAlike) {
  const auto model = load("config.v5.json");
  for (const int length : kLengths) check<float>(*model, length, tables().back(), 1e-4, true);
  EXPECT_GT(n_checked, 0U);
}

// The file that convert writes.
TEST_P(Encoders, ConvertedFileGivesThemToo) {
  const auto opened = format::open_hf_folder(folder, models::hf_families(), {.as_file = true});
  std::vector<std::byte> bytes;
  convert::convert(*opened, *quant::find_by_name("F32"), pool,
                   [&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
  const auto model = models::Model::load(format::read_gguf(bytes, "converted"));
  for (const kernels::KernelTable& table : tables()) {
    for (const int length : kLengths) {
      SCOPED_TRACE(table.name);
      check<float>(*model, length, table, 1e-4, true);
    }
  }
  EXPECT_GT(n_checked, 0U);
}

TEST_P(Encoders, GenerateNothing) {
  const auto model = load("config.json");
  try {
    model->require_head();
    FAIL() << "an encoder has no head";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  }
}

INSTANTIATE_TEST_SUITE_P(OfKit, Encoders, testing::ValuesIn(kEncoders),
                         [](const auto& encoder) { return std::string(encoder.param); });

}  // namespace
}  // namespace kinglet::tests
