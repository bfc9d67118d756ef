// Families that the data kit has no folder of (tests/golden/families, made by tools/make_family_goldens on
// transformers' own classes in float64): logits, greedy ids, rows, vectors and scores, on every instruction set.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "../usable_tables.h"
#include "core/base/thread_pool.h"
#include "home/system/file.h"
#include "home/system/scratch_folder.h"
#include "model/convert/convert.h"
#include "model/format/gguf.h"
#include "model/format/hf_folder.h"
#include "model/format/safetensors.h"
#include "model/models/models.h"
#include "run/engine/embedding.h"
#include "run/engine/scoring.h"

namespace kinglet::tests {
namespace {

using engine::Embedder;
using models::Pooling;

constexpr double kTolerance = 1e-4;       // of f32, as the data kit's README has it
constexpr double kPackedTolerance = 0.2;  // of weights in blocks, which meet activations of eight bits; seen: 0.1
constexpr double kUnitTolerance = 1e-5;   // of vectors of length one

std::string golden_folder(const std::string& name) {
  const char* source = std::getenv("KINGLET_SOURCE");
  return std::string(source == nullptr ? "." : source) + "/tests/golden/families/" + name;
}

class GoldenFamilies : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string folder = golden_folder(GetParam());
    path = folder;
    model = models::Model::load(format::open_hf_folder(folder, models::hf_families()));
    golden = std::make_unique<format::Safetensors>(format::Safetensors::open(folder + "/golden.safetensors"));
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

  void expect_near(std::span<const float> got, const std::string& name, double tolerance) {
    const auto want = values<float>(name);
    if (want.empty()) return;
    ASSERT_EQ(got.size(), want.size()) << name;
    double largest = 0;
    for (size_t i = 0; i < want.size(); ++i)
      largest = std::max(largest, std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i])));
    EXPECT_LE(largest, tolerance) << name;
    ++n_checked;
  }

  void check_decoder(const kernels::KernelTable& table, const std::vector<int32_t>& ids, const std::string& name) {
    engine::Scorer scorer(*model, ids.size(), table, pool);
    std::vector<float> logits;
    scorer.logits(ids, 0,
                  [&](size_t, std::span<const float> row) { logits.insert(logits.end(), row.begin(), row.end()); });
    expect_near(logits, name, is_packed() ? kPackedTolerance : kTolerance);
  }

  [[nodiscard]] bool is_packed() const {
    return std::ranges::any_of(model->weights(), [](const auto& weight) { return weight.format->block_len > 1; });
  }

  /// The model of the file that convert writes.
  void convert_to_f32() {
    const auto folder = format::open_hf_folder(path, models::hf_families(), {.as_file = true});
    convert::convert(*folder, *quant::find_by_name("F32"), pool,
                     [&](std::span<const std::byte> piece) { file.insert(file.end(), piece.begin(), piece.end()); });
    model = models::Model::load(format::read_gguf(file, "converted"));
  }

  void check_vectors(const kernels::KernelTable& table, const std::vector<int32_t>& ids, int length) {
    const auto check = [&](const Embedder::Options& options, const std::string& name, double tolerance) {
      if (golden->find(name) == nullptr) return;
      Embedder embedder(*model, options, table, pool);
      const engine::TypedTokens text{ids};
      embedder.run({&text, 1}, [&](size_t, std::span<const float> rows) { expect_near(rows, name, tolerance); });
    };
    check({.output = Embedder::Output::kHidden}, str("hidden", length), kTolerance);
    check({.pooling = Pooling::kMean}, str("mean", length), kUnitTolerance);
    check({.pooling = Pooling::kCls}, str("cls", length), kUnitTolerance);
    check({}, str("last", length), kUnitTolerance);  // by the folder's own modules
    if (model->config().n_labels > 0) check({.output = Embedder::Output::kScores}, str("logits", length), kTolerance);
  }

  std::string path;
  std::vector<std::byte> file;
  std::shared_ptr<const models::Model> model;
  std::unique_ptr<format::Safetensors> golden;
  InlinePool pool;
  size_t n_checked = 0;
};

TEST_P(GoldenFamilies, GiveTheirNumbers) {
  for (const kernels::KernelTable& table : tables()) {
    SCOPED_TRACE(table.name);
    for (const int length : {5, 33}) {
      const auto ids = values<int32_t>(str("ids", length));
      if (model->gives_logits()) check_decoder(table, ids, str("logits", length));
      check_vectors(table, ids, length);
    }
  }
  EXPECT_GE(n_checked, 2U);
}

TEST_P(GoldenFamilies, GoOnGreedily) {
  const auto greedy = values<int32_t>("greedy5");
  if (greedy.empty()) {
    EXPECT_FALSE(model->gives_logits());
    return;
  }
  if (is_packed()) convert_to_f32();
  std::vector<int32_t> ids = values<int32_t>("ids5");
  const kernels::KernelTable table = tables().back();
  for (const int32_t want : greedy) {
    engine::Scorer scorer(*model, ids.size(), table, pool);
    int32_t best = -1;
    scorer.logits(ids, ids.size() - 1, [&](size_t, std::span<const float> row) {
      best = static_cast<int32_t>(std::ranges::max_element(row) - row.begin());
    });
    ASSERT_EQ(best, want);
    ids.push_back(best);
  }
}

// The file that convert writes.
TEST_P(GoldenFamilies, GiveTheirNumbersConverted) {
  convert_to_f32();
  const auto ids = values<int32_t>("ids33");
  if (model->gives_logits()) check_decoder(tables().back(), ids, "logits33");
  check_vectors(tables().back(), ids, 33);
  EXPECT_GE(n_checked, 1U);
}

// A file of before the key: the table's first rows are not there, and padding stands where other tokens do.
TEST_P(GoldenFamilies, FilesWithoutTheRowsOfPaddingLoad) {
  convert_to_f32();
  const auto whole = format::read_gguf(file, "converted");
  if (whole->metadata().find("bert.position.first_rows") == nullptr) GTEST_SKIP() << "a table without such rows";
  const auto rewritten = [&](bool says_where, std::span<const float> first_rows) {
    format::GgufWriter writer;
    for (const auto& [key, value] : whole->metadata().entries()) {
      if (!key.starts_with("bert.position.")) writer.add_value(key, value);
    }
    format::Metadata keys("keys");
    if (says_where) keys.set("bert.position.first", uint32_t{2});
    if (!first_rows.empty()) keys.set_array("bert.position.first_rows", first_rows);
    for (const auto& [key, value] : keys.entries()) writer.add_value(key, value);
    for (const format::TensorEntry& tensor : whole->tensors())
      writer.add_tensor(tensor.name, *tensor.format, {tensor.dims.data(), tensor.n_dims},
                        {tensor.data, static_cast<size_t>(tensor.size_bytes)});
    std::vector<std::byte> bytes;
    writer.write([&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
    return bytes;
  };
  const auto refusal = [&](bool says_where, std::span<const float> first_rows) -> std::string {
    const auto bytes = rewritten(says_where, first_rows);
    try {
      static_cast<void>(models::Model::load(format::read_gguf(bytes, "rewritten")));
    } catch (const Error& error) {
      return error.message();
    }
    return "none";
  };
  EXPECT_EQ(refusal(false, {}), "none");
  const std::vector<float> few(3);
  EXPECT_NE(refusal(true, few).find("bert.position.first_rows has 3 numbers, expected 64"), std::string::npos)
      << refusal(true, few);
  const std::vector<float> senseless(2 * model->config().hidden_dim, std::numeric_limits<float>::infinity());
  EXPECT_NE(refusal(true, senseless).find("not finite"), std::string::npos) << refusal(true, senseless);
}

// Experts in MXFP4 are not made larger by a type that says no more of them.
TEST(GoldenFolders, WhatIsInBlocksStaysSo) {
  const auto folder = format::open_hf_folder(golden_folder("gpt_oss_mxfp4"), models::hf_families(), {.as_file = true});
  InlinePool pool;
  std::vector<std::byte> bytes;
  convert::convert(*folder, *quant::find_by_name("BF16"), pool,
                   [&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
  const auto file = format::read_gguf(bytes, "converted");
  size_t n_packed = 0;
  for (const format::TensorEntry& tensor : folder->tensors()) {
    const format::TensorEntry* written = file->find(tensor.name);
    ASSERT_NE(written, nullptr) << tensor.name;
    if (tensor.format->block_len == 1) continue;
    EXPECT_EQ(written->format->name, "MXFP4") << tensor.name;
    folder->read(tensor, [&](std::span<const std::byte> packed) {
      EXPECT_TRUE(std::ranges::equal(packed, std::span(written->data, written->size_bytes))) << tensor.name;
    });
    ++n_packed;
  }
  EXPECT_EQ(n_packed, 6U);
}

// Files of gpt-oss do not say that yarn's ramp is not cut to whole numbers; a folder that wants it cut says so.
TEST(GoldenFolders, YarnOfGptOssIsTruncatedWhereTheFolderSaysSo) {
  const system::ScratchFolder scratch("gpt_oss_truncated");
  const std::string copy = scratch.path() + "/folder";
  std::filesystem::copy(golden_folder("gpt_oss_mxfp4"), copy);
  std::string config = system::read_file(copy + "/config.json", 1 << 20);
  for (const bool is_truncated : {false, true}) {
    if (is_truncated) config.replace(config.find("\"truncate\": false"), 17, "\"truncate\": true");
    std::ofstream(copy + "/config.json") << config;
    const auto model = models::Model::load(format::open_hf_folder(copy, models::hf_families()));
    EXPECT_EQ(model->config().ropes[0].truncate, is_truncated);
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenFamilies,
                         testing::Values("deepseek_v2_groups", "deepseek_v3", "gpt_oss_mxfp4", "granitemoe",
                                         "granitemoeshared", "olmoe", "qwen3_5_moe", "qwen3_embedding",
                                         "qwen3_reranker", "bert_dense", "roberta", "roberta_rerank"),
                         [](const auto& family) { return std::string(family.param); });

}  // namespace
}  // namespace kinglet::tests
