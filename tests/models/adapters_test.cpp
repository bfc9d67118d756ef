// Adapters of tiny checkpoints against float64 references (families/*/lora and others of the kit): logits with the
// adapter on every instruction set, over the folder and over the file that convert writes, as PEFT folder and as GGUF
// adapter; merged weights; the loss and gradients of A and B in both precisions.
#include <algorithm>
#include <array>
#include <cmath>
#include <deque>

#include "core/base/thread_pool.h"
#include "home/system/file.h"
#include "home/system/scratch_folder.h"
#include "kit.h"
#include "model/convert/merge.h"
#include "model/format/hf_folder.h"
#include "run/engine/gradients.h"
#include "run/engine/scoring.h"

namespace kinglet::tests {
namespace {

struct AdapterCase {
  const char* family;
  const char* kind;
};

constexpr AdapterCase kAdapters[] = {
    {"smollm2", "lora"}, {"smollm2", "rslora"}, {"smollm2", "dora"}, {"qwen2", "lora"}};

// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest looks for this name
void PrintTo(const AdapterCase& of, std::ostream* out) { *out << of.family << '_' << of.kind; }

template <class T>
std::vector<T> values(const format::Safetensors& file, const std::string& name) {
  const format::SafetensorsEntry* entry = file.find(name);
  if (entry == nullptr) fail_with(ErrorCode::kInvalidFile, file.path(), ": ", name, " is missing");
  std::vector<T> found(entry->bytes.size() / sizeof(T));
  std::memcpy(found.data(), entry->bytes.data(), entry->bytes.size());
  return found;
}

double largest_difference(std::span<const float> got, std::span<const float> want) {
  EXPECT_EQ(got.size(), want.size());
  double largest = 0;
  for (size_t i = 0; i < std::min(got.size(), want.size()); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i])));
  return largest;
}

using AdapterPaths = std::vector<models::Model::AdapterPath>;

class Adapters : public testing::TestWithParam<AdapterCase> {
 protected:
  void SetUp() override {
    KINGLET_NEED_KIT();
    model_folder = str(kit(), "/families/", GetParam().family);
    adapter = str(model_folder, "/", GetParam().kind);
    golden = std::make_unique<format::Safetensors>(format::Safetensors::open(str(adapter, "/golden.safetensors")));
    ids = values<int32_t>(*golden, "ids33");
    want = values<float>(*golden, "logits33");
  }

  [[nodiscard]] std::shared_ptr<const format::ModelFile> folder() const {
    return format::open_hf_folder(model_folder, models::hf_families());
  }
  /// As convert writes it in f32; with adapters merged.
  std::shared_ptr<const format::ModelFile> file(const AdapterPaths& merged = {}) {
    const auto as_file = format::open_hf_folder(model_folder, models::hf_families(), {.as_file = true});
    const auto plain = models::Model::load(folder());
    std::vector<models::AdapterUse> uses;
    for (const auto& [path, factor] : merged)
      uses.push_back({format::open_adapter(path, {*as_file, plain->architecture().folder}), factor});
    std::vector<std::byte>& bytes = files.emplace_back();
    convert::merge(*as_file, uses, quant::find_by_name("F32"), pool,
                   [&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
    return format::read_gguf(bytes, "converted");
  }
  std::vector<float> logits(const models::Model& model, const kernels::KernelTable& table) {
    engine::Scorer scorer(model, ids.size(), table, pool);
    std::vector<float> got;
    scorer.logits(ids, 0, [&](size_t, std::span<const float> row) { got.insert(got.end(), row.begin(), row.end()); });
    return got;
  }

  std::string model_folder;
  std::string adapter;
  std::unique_ptr<format::Safetensors> golden;
  std::vector<int32_t> ids;
  std::vector<float> want;
  std::deque<std::vector<std::byte>> files;
  system::ScratchFolder scratch{"adapters"};
  InlinePool pool;
};

TEST_P(Adapters, LogitsOfFolderAndFile) {
  const auto of_folder = models::Model::load(folder(), {{adapter}});
  const auto of_file = models::Model::load(file(), {{adapter}});
  // The same adapter as a GGUF file, written for the folder and for the file: one and the same.
  std::array<std::vector<std::byte>, 2> written;
  for (size_t i = 0; i < 2; ++i) {
    const models::Model& model = i == 0 ? *of_folder : *of_file;
    format::write_gguf_adapter(
        model.adapters()[0].adapter, model.adapter_target(),
        [&](std::span<const std::byte> piece) { written[i].insert(written[i].end(), piece.begin(), piece.end()); });
  }
  EXPECT_EQ(written[0], written[1]);
  const std::string gguf = scratch.put("adapter.gguf", std::span<const std::byte>(written[0]));
  const auto by_gguf = models::Model::load(file(), {{gguf}});
  const auto folder_by_gguf = models::Model::load(folder(), {{gguf}});
  for (const kernels::KernelTable& table : tables()) {
    for (const auto& model : {of_folder, of_file, by_gguf, folder_by_gguf})
      EXPECT_LE(largest_difference(logits(*model, table), want), 1e-4) << table.name;
  }
}

TEST_P(Adapters, MergedWeightsGiveTheSameLogits) {
  const auto merged = models::Model::load(file({{adapter}}));
  EXPECT_LE(largest_difference(logits(*merged, tables().back()), want), 1e-4);
}

TEST_P(Adapters, SeveralAddUp) {
  const AdapterPaths both{{adapter, 0.5F}, {str(model_folder, "/lora"), -0.75F}};
  const auto merged = models::Model::load(file(both));
  const auto running = models::Model::load(file(), both);
  const std::vector<float> got = logits(*running, tables().back());
  EXPECT_LE(largest_difference(got, logits(*merged, tables().back())), 1e-4);
  EXPECT_GT(largest_difference(got, want), 0.1);
  // A factor of 0 is no adapter, to the bit.
  const auto off = models::Model::load(file(), {{adapter, 0.0F}});
  EXPECT_EQ(logits(*off, tables().back()), logits(*models::Model::load(file()), tables().back()));
}

TEST_P(Adapters, LossAndGradients) {
  if (golden->find("labels") == nullptr) GTEST_SKIP() << "no golden gradients";
  engine::LabelledBatch batch;
  const auto all_ids = values<int32_t>(*golden, "input_ids");
  const auto labels = values<int32_t>(*golden, "labels");
  const auto mask = values<int32_t>(*golden, "attention_mask");
  const size_t n_cols = golden->find("input_ids")->shape[1];
  for (size_t row = 0; row < all_ids.size() / n_cols; ++row) {
    batch.ids.emplace_back();
    batch.labels.emplace_back();
    for (size_t i = row * n_cols; i < (row + 1) * n_cols && mask[i] != 0; ++i) {
      batch.ids.back().push_back(all_ids[i]);
      batch.labels.back().push_back(labels[i]);
    }
  }
  const std::string facts_path = adapter + "/golden.json";
  const auto facts = system::Json::parse(system::read_file(facts_path, 1 << 24), facts_path);
  const double loss = facts.at("training").at("losses").as_array("losses")[0].as_number("loss");
  const auto model = models::Model::load(folder(), {{adapter}});
  const auto check = [&](const auto& got, double loss_tolerance, double tolerance) {
    EXPECT_NEAR(static_cast<double>(got.loss), loss, loss_tolerance);
    EXPECT_EQ(got.by_name.size(), 2 * model->adapters()[0].adapter.weights.size());
    for (const format::AdapterWeight& weight : model->adapters()[0].adapter.weights) {
      for (const auto& [ours, theirs] :
           {std::pair(".lora_a", ".lora_A.weight"), std::pair(".lora_b", ".lora_B.weight")}) {
        const auto& gradient = got.by_name.at(weight.name + ours);
        const auto of_golden = values<float>(*golden, str("grad.", weight.module, theirs));
        ASSERT_EQ(gradient.size(), of_golden.size()) << weight.name;
        double off = 0;
        double norm = 0;
        for (size_t i = 0; i < gradient.size(); ++i) {
          const double right = static_cast<double>(of_golden[i]);
          off += (static_cast<double>(gradient[i]) - right) * (static_cast<double>(gradient[i]) - right);
          norm += right * right;
        }
        EXPECT_LE(std::sqrt(off), tolerance * std::sqrt(norm)) << weight.name << ours;
      }
    }
  };
  for (const kernels::KernelTable& table : tables()) {
    SCOPED_TRACE(table.name);
    check(engine::gradients<float>(*model, batch, table, pool), 1e-5, 1e-4);
  }
  check(engine::gradients<double>(*model, batch, tables()[0], pool), 1e-7, 1e-6);
}

INSTANTIATE_TEST_SUITE_P(OfKit, Adapters, testing::ValuesIn(kAdapters),
                         [](const auto& of) { return str(of.param.family, "_", of.param.kind); });

}  // namespace
}  // namespace kinglet::tests
