// Tiny checkpoints of decoders against float64 references (families/ of the kit, whose README gives the tolerances):
// logits, log-probabilities, states of each layer and greedy ids on every instruction set, logits in double, and where
// there are goldens the loss and its gradients in both precisions.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/thread_pool.h"
#include "core/graph/graph.h"
#include "home/system/file.h"
#include "kit.h"
#include "model/convert/convert.h"
#include "model/format/gguf.h"
#include "model/format/hf_folder.h"
#include "model/format/safetensors.h"
#include "run/engine/engine.h"
#include "run/engine/gradients.h"
#include "run/engine/scoring.h"

namespace kinglet::tests {
namespace {

constexpr std::array kLengths = {5, 33, 80};

struct FamilyCase {
  const char* name;
  double tolerance = 1e-4;  ///< Of logits in f32.
  bool has_training = false;
  double exact = 2e-6;  ///< Of logits in double.
};

// clang-format off: a line each
constexpr FamilyCase kFamilies[] = {
    {"deepseek_v2"},
    {"gemma"},
    {"gemma2", 1e-4, true},
    {"gemma3", 1e-4, true},
    {"gemma3n", 2e-4},
    {"gemma4"},
    {"gemma4_moe"},
    {"gpt2"},
    {"gpt_oss"},
    {"granite"},
    {"granitemoehybrid"},
    {"lfm2"},
    {"llama"},
    {"llama3_tied"},
    {"llama_dynamic"},
    {"llama_linear"},
    {"llama_yarn"},
    {"ministral3"},
    {"mistral"},
    {"mixtral", 1e-4, true},
    {"olmo2"},
    {"phi"},
    {"phi3", 1e-4, true},
    {"phi4"},
    {"qwen2", 1e-4, true},
    {"qwen2_moe"},
    {"qwen3"},
    {.name = "qwen3_5", .exact = 4e-6},  // rates, e^A_log in the folder, are rounded to f32
    {"qwen3_moe"},
    {"smollm2", 1e-4, true},
    {"smollm3"},
};
// clang-format on

std::vector<FamilyCase> families_with_training() {
  std::vector<FamilyCase> all;
  for (const FamilyCase& family : kFamilies) {
    if (family.has_training) all.push_back(family);
  }
  all.push_back({.name = "bert_classify"});  // with a label for each text, and padding, which our rows do without
  return all;
}

// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest looks for this name
void PrintTo(const FamilyCase& family, std::ostream* out) { *out << family.name; }

std::string name_of(const testing::TestParamInfo<FamilyCase>& family) { return family.param.name; }

/// What a family's folder says.
class Family {
 public:
  explicit Family(const std::string& name, const std::string& config = "config.json")
      : folder_(kit() + "/families/" + name),
        golden_(format::Safetensors::open(folder_ + "/golden.safetensors")),
        facts_(system::Json::parse(system::read_file(folder_ + "/golden.json", 1 << 24), "golden.json")),
        model_(models::Model::load(format::open_hf_folder(folder_, models::hf_families(), {.config_name = config}))) {}

  [[nodiscard]] const models::Model& model() const { return *model_; }
  [[nodiscard]] const std::shared_ptr<const models::Model>& shared_model() const { return model_; }
  [[nodiscard]] const system::Json& facts() const { return facts_; }
  /// The names of the folder's tensors. Families may share an architecture of files.
  [[nodiscard]] format::HfFamily names() const {
    const std::string path = folder_ + "/config.json";
    return format::family_of(models::hf_families(), format::HfConfig::parse(system::read_file(path, 1 << 24), path));
  }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] std::vector<int32_t> ids(const std::string& name) const { return values<int32_t>(golden_, name); }
  [[nodiscard]] bool has(const std::string& name) const { return golden_.find(name) != nullptr; }
  [[nodiscard]] std::vector<float> floats(const std::string& name) const { return values<float>(golden_, name); }
  [[nodiscard]] std::vector<float> logits(int length) const { return values<float>(golden_, str("logits", length)); }

  template <class T>
  static std::vector<T> values(const format::Safetensors& file, const std::string& name) {
    const format::SafetensorsEntry* entry = file.find(name);
    if (entry == nullptr) fail_with(ErrorCode::kInvalidFile, file.path(), ": ", name, " is missing");
    std::vector<T> values(entry->bytes.size() / sizeof(T));
    std::memcpy(values.data(), entry->bytes.data(), entry->bytes.size());
    return values;
  }

 private:
  std::string folder_;
  format::Safetensors golden_;
  system::Json facts_;
  std::shared_ptr<const models::Model> model_;
};

template <class T>
double largest_difference(std::span<const T> got, std::span<const float> want) {
  EXPECT_EQ(got.size(), want.size());
  double largest = 0;
  for (size_t i = 0; i < std::min(got.size(), want.size()); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i])));
  }
  return largest;
}

double log_probability(std::span<const float> logits, int32_t token) {
  double sum = 0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x));
  return static_cast<double>(logits[static_cast<size_t>(token)]) - std::log(sum);
}

/// Logits of all rows by the graph as it is described: attention over the rows of the batch, no cache, no lowering.
template <class Real>
std::vector<Real> described_logits(const models::Model& model, std::span<const int32_t> ids,
                                   const kernels::KernelTable& table, ThreadPool& pool) {
  models::Description description = model.describe();
  const std::array outputs{description.logits};
  graph::remove_unused(description.graph, outputs);
  graph::Plan::Options options{.max_rows = {ids.size(), ids.size(), 1}, .real_bytes = sizeof(Real)};
  const ops::RowCounts rows = options.max_rows;
  graph::Executor<Real> executor(
      std::make_shared<const graph::Plan>(std::move(description.graph), outputs, options, table), table, pool);
  for (size_t i = 0; i < ids.size(); ++i) {
    executor.input(ir::Input::kTokenIds)[i] = ids[i];
    executor.input(ir::Input::kPositions)[i] = static_cast<int32_t>(i);
    executor.input(ir::Input::kLogitRows)[i] = static_cast<int32_t>(i);
  }
  const ops::SequenceRows sequence{0, ids.size()};
  executor.run(rows, {{&sequence, 1}, kernels::KvType::kF32});
  const Real* logits = executor.output(description.logits);
  return {logits, logits + ids.size() * model.config().vocab_size};
}

class Families : public testing::TestWithParam<FamilyCase> {
 protected:
  void SetUp() override { KINGLET_NEED_KIT(); }
  InlinePool pool;  // tests/architectures shows that the number of threads changes no bit
};

TEST_P(Families, Logits) {
  const Family family(GetParam().name);
  for (const kernels::KernelTable& table : tables()) {
    for (const int length : kLengths) {
      const std::vector<int32_t> ids = family.ids(str("ids", length));
      engine::Scorer scorer(family.model(), ids.size(), table, pool);
      std::vector<float> got;
      double total = 0;
      scorer.logits(ids, 0, [&](size_t i, std::span<const float> logits) {
        got.insert(got.end(), logits.begin(), logits.end());
        if (i + 1 < ids.size()) total += log_probability(logits, ids[i + 1]);
      });
      EXPECT_LE(largest_difference<float>(got, family.logits(length)), GetParam().tolerance)
          << table.name << ", " << length;
      if (length != 33) continue;
      EXPECT_NEAR(total, family.facts().at("seq_logprob33").as_number("seq_logprob33"), 1e-4) << table.name;
    }
  }
}

// Under sanitizers scalar kernels take the shortest sequence alone, and double leaves the middle one out.
TEST_P(Families, LogitsOfTheGraphAsDescribed) {
  const Family family(GetParam().name);
  const kernels::KernelTable scalar = tables().front();
  const kernels::KernelTable fastest = tables().back();
  for (const int length : kLengths) {
    const std::vector<int32_t> ids = family.ids(str("ids", length));
    const std::vector<float> want = family.logits(length);
    const auto got = described_logits<float>(family.model(), ids, fastest, pool);
    EXPECT_LE(largest_difference<float>(got, want), GetParam().tolerance) << length;
    if (KINGLET_SANITIZED && length == 33) continue;
    if (!KINGLET_SANITIZED || length == 5) {
      const auto got_scalar = described_logits<float>(family.model(), ids, scalar, pool);
      EXPECT_LE(largest_difference<float>(got_scalar, want), GetParam().tolerance) << length;
    }
    // Half of it because the goldens are stored in f32, half for a frequency that torch's f32 power rounds another way.
    const auto exact = described_logits<double>(family.model(), ids, scalar, pool);
    EXPECT_LE(largest_difference<double>(exact, want), GetParam().exact) << length;
  }
}

TEST_P(Families, GreedyIdsAreEqual) {
  const Family family(GetParam().name);
  const std::vector<int32_t> want = family.ids("greedy5");
  for (const kernels::KernelTable& table : tables()) {
    // A context below each border at which a rope variant changes, as the goldens have it.
    engine::Engine engine(family.shared_model(), {.context_len = 40, .kv_type = kernels::KvType::kF32}, table, pool);
    engine::Request request;
    request.prompt = family.ids("ids5");
    request.max_tokens = want.size();
    const auto generation = engine.submit(std::move(request));
    std::vector<int32_t> got;
    for (engine::Event event = generation->next(); !event.finish; event = generation->next())
      got.push_back(event.token);
    EXPECT_EQ(got, want) << table.name;
  }
}

// What the embedding gives, then each layer, the last one normed: the place where a family first differs.
TEST_P(Families, StatesOfEachLayer) {
  const Family family(GetParam().name);
  if (!family.has("states5")) GTEST_SKIP() << "no golden states";
  const std::vector<int32_t> ids = family.ids("ids5");
  const kernels::KernelTable table = tables().back();
  models::Description description = family.model().describe();
  std::vector<ir::Value> outputs = description.states;
  outputs.back() = description.hidden;
  graph::remove_unused(description.graph, outputs);
  const size_t cols = family.model().config().hidden_dim;
  const std::vector<float> want = family.floats("states5");
  ASSERT_EQ(want.size(), outputs.size() * ids.size() * cols);
  const graph::Plan::Options options{.max_rows = {ids.size(), ids.size(), 1}};
  graph::Executor<float> executor(
      std::make_shared<const graph::Plan>(std::move(description.graph), outputs, options, table), table, pool);
  for (size_t i = 0; i < ids.size(); ++i) {
    executor.input(ir::Input::kTokenIds)[i] = ids[i];
    executor.input(ir::Input::kPositions)[i] = static_cast<int32_t>(i);
  }
  const ops::SequenceRows sequence{0, ids.size()};
  executor.run(options.max_rows, {{&sequence, 1}, kernels::KvType::kF32});
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::span<const float> of_layer(want.data() + i * ids.size() * cols, ids.size() * cols);
    EXPECT_LE(largest_difference<float>({executor.output(outputs[i]), of_layer.size()}, of_layer), 1e-4) << i;
  }
}

// The file that convert writes: rows in another order, fused and stacked tensors, keys of GGUF alone.
TEST_P(Families, LogitsOfTheConvertedFile) {
  const Family family(GetParam().name);
  const auto folder = format::open_hf_folder(family.folder(), models::hf_families(), {.as_file = true});
  std::vector<std::byte> bytes;
  convert::convert(*folder, *quant::find_by_name("F32"), pool,
                   [&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
  const auto model = models::Model::load(format::read_gguf(bytes, "converted"));
  for (const kernels::KernelTable& table : tables()) {
    for (const int length : kLengths) {
      if (KINGLET_SANITIZED && length != 33) continue;
      const std::vector<int32_t> ids = family.ids(str("ids", length));
      engine::Scorer scorer(*model, ids.size(), table, pool);
      std::vector<float> got;
      scorer.logits(
          ids, 0, [&](size_t, std::span<const float> logits) { got.insert(got.end(), logits.begin(), logits.end()); });
      EXPECT_LE(largest_difference<float>(got, family.logits(length)), GetParam().tolerance)
          << table.name << ", " << length;
    }
  }
}

// transformers' newer spelling of the settings means the same.
TEST_P(Families, NewerConfigGivesTheSameBits) {
  const Family older(GetParam().name);
  const Family newer(GetParam().name, "config.v5.json");
  const std::vector<int32_t> ids = older.ids("ids80");
  const kernels::KernelTable table = tables().back();
  EXPECT_EQ(described_logits<float>(older.model(), ids, table, pool),
            described_logits<float>(newer.model(), ids, table, pool));
}

INSTANTIATE_TEST_SUITE_P(OfKit, Families, testing::ValuesIn(kFamilies), name_of);

class Training : public testing::TestWithParam<FamilyCase> {
 protected:
  void SetUp() override {
    KINGLET_NEED_KIT();
    family = std::make_unique<Family>(GetParam().name);
    training =
        std::make_unique<format::Safetensors>(format::Safetensors::open(family->folder() + "/training.safetensors"));
    const auto ids = Family::values<int32_t>(*training, "input_ids");
    const auto mask = Family::values<int32_t>(*training, "attention_mask");
    const auto labels = Family::values<int32_t>(*training, "labels");
    const bool has_types = training->find("token_type_ids") != nullptr;
    const auto types = has_types ? Family::values<int32_t>(*training, "token_type_ids") : std::vector<int32_t>();
    const size_t n_cols = training->find("input_ids")->shape[1];
    const size_t n_rows = ids.size() / n_cols;
    const bool is_by_text = labels.size() == n_rows;
    for (size_t row = 0; row < n_rows; ++row) {
      batch.ids.emplace_back();
      batch.labels.emplace_back();
      if (has_types) batch.types.emplace_back();
      if (is_by_text) batch.labels.back().push_back(labels[row]);
      for (size_t i = row * n_cols; i < (row + 1) * n_cols && mask[i] != 0; ++i) {
        batch.ids.back().push_back(ids[i]);
        if (!is_by_text) batch.labels.back().push_back(labels[i]);
        if (has_types) batch.types.back().push_back(types[i]);
      }
    }
  }

  /// Compares with everything that the golden files say of the first step. Whole gradients where they are small, 64
  /// entries of larger ones, and norm and sum of each.
  template <class Real>
  void check(const engine::Gradients<Real>& got, double loss_tolerance, double tolerance) const {
    const system::Json& facts = family->facts().at("training");
    EXPECT_NEAR(static_cast<double>(got.loss), facts.at("losses").as_array("losses")[0].as_number("loss"),
                loss_tolerance);
    const auto samples = Family::values<float>(*training, "grad_samples");
    const auto& sampled = facts.at("grad_samples_rows").as_array("rows");
    size_t n_checked = 0;
    for (const auto& [hf_name, of_tensor] : facts.at("tensors").as_object("tensors")) {
      const std::vector<Real> gradient = of_folder_tensor(got, hf_name);
      const double norm = of_tensor.at("norm").as_number("norm");
      double square = 0;
      double sum = 0;
      for (const Real x : gradient) {
        square += static_cast<double>(x) * static_cast<double>(x);
        sum += static_cast<double>(x);
      }
      if (norm < 1e-6) {  // an expert that no token of the batch went to
        EXPECT_LT(std::sqrt(square), 1e-6) << hf_name;
        ++n_checked;
        continue;
      }
      EXPECT_NEAR(std::sqrt(square), norm, tolerance * norm) << hf_name;
      // |sum of the errors| <= sqrt(n) times their norm.
      EXPECT_NEAR(sum, of_tensor.at("sum").as_number("sum"),
                  tolerance * norm * std::sqrt(static_cast<double>(gradient.size())))
          << hf_name;
      std::vector<double> want;
      std::vector<double> have;
      if (training->find("grad." + hf_name) != nullptr) {
        for (const float x : Family::values<float>(*training, "grad." + hf_name))
          want.push_back(static_cast<double>(x));
        for (const Real x : gradient) have.push_back(static_cast<double>(x));
      } else {
        const auto row =
            std::ranges::find_if(sampled, [&](const auto& name) { return name.as_string("row") == hf_name; });
        ASSERT_NE(row, sampled.end()) << hf_name;
        for (size_t i = 0; i < 64; ++i) {
          want.push_back(static_cast<double>(samples[static_cast<size_t>(row - sampled.begin()) * 64 + i]));
          have.push_back(static_cast<double>(gradient[(13 + 7919 * i) % gradient.size()]));
        }
      }
      ASSERT_EQ(have.size(), want.size()) << hf_name;
      double off = 0;
      double of_want = 0;
      for (size_t i = 0; i < want.size(); ++i) {
        off += (have[i] - want[i]) * (have[i] - want[i]);
        of_want += want[i] * want[i];
      }
      EXPECT_LE(std::sqrt(off), tolerance * std::sqrt(of_want)) << hf_name;
      ++n_checked;
    }
    EXPECT_GE(n_checked, got.by_name.size()) << "every parameter has a golden gradient";
  }

  /// The gradient of a tensor of the folder, by its name there; of stacked experts that of one.
  template <class Real>
  std::vector<Real> of_folder_tensor(const engine::Gradients<Real>& got, const std::string& hf_name) const {
    const auto mapped = format::to_gguf_name(family->names(), hf_name);
    const std::vector<Real>& whole = got.by_name.at(mapped->name);
    if (!mapped->expert_idx) return whole;
    const size_t n = whole.size() / family->model().config().layers.back().n_experts;
    return {whole.begin() + static_cast<std::ptrdiff_t>(*mapped->expert_idx * n),
            whole.begin() + static_cast<std::ptrdiff_t>((*mapped->expert_idx + 1) * n)};
  }

  std::unique_ptr<Family> family;
  std::unique_ptr<format::Safetensors> training;
  engine::LabelledBatch batch;
  InlinePool pool;  // tests/architectures shows that the number of threads changes no bit
};

TEST_P(Training, LossAndGradients) {
  for (const kernels::KernelTable& table : tables()) {
    SCOPED_TRACE(table.name);
    check(engine::gradients<float>(family->model(), batch, table, pool), 1e-5, 1e-4);
  }
}

TEST_P(Training, LossAndGradientsInDouble) {
  // The goldens' gradients are stored in f32; settings (eps, scales of embeddings and queries) are the f32 nearest to
  // what the folder says, 6e-8 relative. Seen: 2.5e-8.
  check(engine::gradients<double>(family->model(), batch, tables()[0], pool), 1e-7, 1e-6);
}

// Switch's loss (Fedus et al., arXiv 2101.03961) from what the routers of all layers give, over the batch's tokens.
TEST_P(Training, LoadIsBalancedAsTheGoldenSays) {
  const auto* want = family->facts().at("training").find("load_balancing_loss_before_coefficient");
  if (want == nullptr) GTEST_SKIP() << "no golden balance";
  models::Description description = family->model().describe();
  std::vector<ir::Value> outputs;
  for (const ops::Routed& of_layer : description.routed) {
    outputs.push_back(of_layer.ids);
    outputs.push_back(of_layer.probabilities);
  }
  graph::remove_unused(description.graph, outputs);
  std::vector<int32_t> ids;
  std::vector<ops::SequenceRows> sequences;
  for (const std::vector<int32_t>& row : batch.ids) {
    sequences.push_back({ids.size(), row.size()});
    ids.insert(ids.end(), row.begin(), row.end());
  }
  const graph::Plan::Options options{
      .max_rows = {ids.size(), 1, sequences.size()}, .max_sequences = sequences.size(), .real_bytes = sizeof(double)};
  const kernels::KernelTable table = tables()[0];
  graph::Executor<double> executor(
      std::make_shared<const graph::Plan>(std::move(description.graph), outputs, options, table), table, pool);
  for (const ops::SequenceRows& sequence : sequences) {
    for (size_t i = 0; i < sequence.n_rows; ++i) {
      executor.input(ir::Input::kTokenIds)[sequence.first_row + i] = ids[sequence.first_row + i];
      executor.input(ir::Input::kPositions)[sequence.first_row + i] = static_cast<int32_t>(i);
    }
  }
  executor.run(options.max_rows, {sequences, kernels::KvType::kF32});
  const size_t n_experts = family->model().config().layers[0].n_experts;
  const size_t n_used = family->model().config().experts.n_used;
  std::vector<double> share(n_experts);
  std::vector<double> probability(n_experts);
  const auto n = static_cast<double>(ids.size() * description.routed.size());
  for (const ops::Routed& of_layer : description.routed) {
    const auto* chosen = reinterpret_cast<const int32_t*>(executor.output(of_layer.ids));
    for (size_t i = 0; i < ids.size() * n_used; ++i) share[static_cast<size_t>(chosen[i])] += 1.0 / n;
    const double* p = executor.output(of_layer.probabilities);
    for (size_t i = 0; i < ids.size() * n_experts; ++i) probability[i % n_experts] += p[i] / n;
  }
  double balance = 0;
  for (size_t e = 0; e < n_experts; ++e) balance += static_cast<double>(n_experts) * share[e] * probability[e];
  EXPECT_NEAR(balance, want->as_number("balance"), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(OfKit, Training, testing::ValuesIn(families_with_training()), name_of);

}  // namespace
}  // namespace kinglet::tests
