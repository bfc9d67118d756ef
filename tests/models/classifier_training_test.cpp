// Loss and gradients of a classifier of texts against a float64 reference (families/bert_classify of the kit): rows
// without their padding, token types, one label a row.
#include <algorithm>
#include <cmath>

#include "core/base/thread_pool.h"
#include "home/system/file.h"
#include "home/system/json.h"
#include "kit.h"
#include "model/format/hf_folder.h"
#include "model/format/safetensors.h"
#include "model/models/models.h"
#include "run/engine/gradients.h"

namespace kinglet::tests {
namespace {

template <class T>
std::vector<T> values(const format::Safetensors& file, const std::string& name) {
  const format::SafetensorsEntry* entry = file.find(name);
  if (entry == nullptr) fail_with(ErrorCode::kInvalidFile, file.path(), ": ", name, " is missing");
  std::vector<T> values(entry->bytes.size() / sizeof(T));
  std::memcpy(values.data(), entry->bytes.data(), entry->bytes.size());
  return values;
}

class ClassifierTraining : public testing::Test {
 protected:
  void SetUp() override {
    KINGLET_NEED_KIT();
    const std::string folder = kit() + "/families/bert_classify";
    training = std::make_unique<format::Safetensors>(format::Safetensors::open(folder + "/training.safetensors"));
    facts = system::Json::parse(system::read_file(folder + "/golden.json", 1 << 24), "golden.json").at("training");
    model = models::Model::load(format::open_hf_folder(folder, models::hf_families()));
    const auto ids = values<int32_t>(*training, "input_ids");
    const auto types = values<int32_t>(*training, "token_type_ids");
    const auto mask = values<int32_t>(*training, "attention_mask");
    const auto labels = values<int32_t>(*training, "labels");
    const size_t n_cols = training->find("input_ids")->shape[1];
    for (size_t row = 0; row < labels.size(); ++row) {
      batch.ids.emplace_back();
      batch.types.emplace_back();
      batch.labels.push_back({labels[row]});
      for (size_t i = row * n_cols; i < (row + 1) * n_cols && mask[i] != 0; ++i) {
        batch.ids.back().push_back(ids[i]);
        batch.types.back().push_back(types[i]);
      }
    }
  }

  /// Norm and sum of each tensor, and the whole gradient where the file has it.
  template <class Real>
  void check(const kernels::KernelTable& table, double tolerance) {
    const auto got = engine::gradients<Real>(*model, batch, table, pool);
    EXPECT_NEAR(static_cast<double>(got.loss), facts.at("losses").as_array("losses")[0].as_number("loss"), tolerance);
    size_t n_checked = 0;
    for (const auto& [name, gradient] : got.by_name) {
      const std::string source(model->file().find(name)->source);
      const system::Json& want = facts.at("tensors").at(source);
      const double want_norm = want.at("norm").as_number("norm");
      double squares = 0;
      double sum = 0;
      for (const Real x : gradient) {
        squares += static_cast<double>(x) * static_cast<double>(x);
        sum += static_cast<double>(x);
      }
      const double limit = tolerance * want_norm + 1e-6;
      EXPECT_NEAR(std::sqrt(squares), want_norm, limit) << source;
      EXPECT_NEAR(sum, want.at("sum").as_number("sum"), limit * std::sqrt(static_cast<double>(gradient.size())))
          << source;
      ++n_checked;
      if (training->find("grad." + source) == nullptr) continue;
      const auto whole = values<float>(*training, "grad." + source);
      ASSERT_EQ(whole.size(), gradient.size()) << source;
      for (size_t i = 0; i < whole.size(); ++i)
        ASSERT_NEAR(static_cast<double>(gradient[i]), static_cast<double>(whole[i]), limit) << source << " " << i;
    }
    EXPECT_EQ(n_checked, facts.at("tensors").as_object("tensors").size());
  }

  std::unique_ptr<format::Safetensors> training;
  system::Json facts;
  std::shared_ptr<const models::Model> model;
  engine::LabelledBatch batch;
  InlinePool pool;
};

TEST_F(ClassifierTraining, LossAndGradients) {
  for (const kernels::KernelTable& table : tables()) {
    SCOPED_TRACE(table.name);
    check<float>(table, 1e-5);
  }
}

TEST_F(ClassifierTraining, InDouble) { check<double>(tables().front(), 1e-6); }

}  // namespace
}  // namespace kinglet::tests
