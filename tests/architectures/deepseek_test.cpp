// DeepSeek files of before April 2025, whose keys and values come of one matrix: the same numbers as those of a file
// with two. Goldens of the latter are in tests/models and tests/engine.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "batch_runner.h"
#include "core/kernels/select.h"
#include "model/models/tiny_model.h"

namespace kinglet::tests {
namespace {

using models::Model;

constexpr uint32_t kHeads = 2;
constexpr uint32_t kRank = 32;
constexpr uint32_t kPlain = 32;
constexpr uint32_t kRope = 32;
constexpr uint32_t kValue = 32;

void fill_older(format::Metadata& metadata) {
  const auto count = [&](std::string_view key, uint32_t n) { metadata.set(str("deepseek2.", key), n); };
  count("attention.head_count_kv", kHeads);
  count("attention.kv_lora_rank", kRank);
  count("attention.key_length", kPlain + kRope);
  count("attention.value_length", kValue);
  count("rope.dimension_count", kRope);
  count("leading_dense_block_count", 1);
  count("expert_count", 4);
  count("expert_used_count", 2);
  count("expert_feed_forward_length", 32);
  count("expert_shared_count", 1);
}

std::vector<std::byte> older_file(std::vector<std::pair<std::string, uint32_t>> counts = {}) {
  models::Architecture older = architecture_of("deepseek_v2");
  older.fill_tiny = fill_older;
  return models::tiny_gguf(older, {.counts = std::move(counts)});
}

std::vector<std::byte> newer_file(const format::ModelFile& older) {
  format::GgufWriter writer;
  const std::set<std::string_view> changed{"deepseek2.attention.head_count_kv", "deepseek2.attention.key_length",
                                           "deepseek2.attention.value_length"};
  for (const auto& [key, value] : older.metadata().entries()) {
    if (!changed.contains(key)) writer.add_value(key, value);
  }
  writer.add_u32("deepseek2.attention.head_count_kv", 1);
  writer.add_u32("deepseek2.attention.key_length", kRank + kRope);
  writer.add_u32("deepseek2.attention.value_length", kRank);
  writer.add_u32("deepseek2.attention.key_length_mla", kPlain + kRope);
  writer.add_u32("deepseek2.attention.value_length_mla", kValue);
  std::deque<std::vector<float>> parts;
  const auto add = [&](const std::string& name, uint64_t rows, uint64_t cols, const std::vector<float>& values) {
    writer.add_tensor(name, *quant::find_by_name("F32"), {{cols, rows}}, std::as_bytes(std::span(values)));
  };
  for (const format::TensorEntry& tensor : older.tensors()) {
    if (!tensor.name.ends_with("attn_kv_b.weight")) {
      writer.add_tensor(tensor.name, *tensor.format, {tensor.dims.data(), tensor.n_dims},
                        {tensor.data, static_cast<size_t>(tensor.size_bytes)});
      continue;
    }
    const auto* both = reinterpret_cast<const float*>(tensor.data);
    std::vector<float>& keys = parts.emplace_back();
    std::vector<float>& values = parts.emplace_back();
    for (size_t h = 0; h < kHeads; ++h) {
      const float* of_head = both + h * (kPlain + kValue) * kRank;
      for (size_t r = 0; r < kRank; ++r) {
        for (size_t p = 0; p < kPlain; ++p) keys.push_back(of_head[p * kRank + r]);
      }
      values.insert(values.end(), of_head + kPlain * kRank, of_head + (kPlain + kValue) * kRank);
    }
    const std::string layer(tensor.name.substr(0, tensor.name.size() - std::strlen("attn_kv_b.weight")));
    add(layer + "attn_k_b.weight", kHeads * kRank, kPlain, keys);
    add(layer + "attn_v_b.weight", kHeads * kValue, kRank, values);
  }
  std::vector<std::byte> bytes;
  writer.write([&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
  return bytes;
}

/// All logits of nine tokens, that many at a time.
std::vector<float> logits_of(const Model& model, size_t n_at_once) {
  const kernels::KernelTable table = *kernels::select(kernels::detect());
  InlinePool pool;
  BatchRunner runner(model, kernels::KvType::kF32, table, pool);
  const size_t sequence = runner.add_sequence({3, 1, 4, 1, 5, 9, 2, 6, 5});
  for (size_t i = 0; i < 9; i += n_at_once) runner.step({{sequence, n_at_once}});
  return runner.logits(sequence);
}

TEST(DeepSeek, OneMatrixOfKeysAndValuesGivesTheSame) {
  const std::vector<std::byte> older_bytes = older_file();
  const auto older = Model::load(format::read_gguf(older_bytes, "older"));
  const std::vector<std::byte> newer_bytes = newer_file(older->file());
  const auto newer = Model::load(format::read_gguf(newer_bytes, "newer"));
  const std::vector<float> got = logits_of(*older, 9);
  const std::vector<float> want = logits_of(*newer, 9);
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], 1e-4F) << i;
  EXPECT_EQ(logits_of(*older, 1), got) << "the same bits token by token";
  EXPECT_EQ(logits_of(*older, 3), got);
}

std::string refusal(std::vector<std::pair<std::string, uint32_t>> counts) {
  try {
    const std::vector<std::byte> bytes = older_file(std::move(counts));
    static_cast<void>(Model::load(format::read_gguf(bytes, "older")));
    return "none";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidFile) << error.message();
    return error.message();
  }
}

TEST(DeepSeek, SettingsMustMakeSense) {
  const auto expect = [](std::vector<std::pair<std::string, uint32_t>> counts, std::string_view part) {
    const std::string got = refusal(std::move(counts));
    EXPECT_NE(got.find(part), std::string::npos) << got;
  };
  expect({{"attention.value_length", 80}}, "deepseek2.attention.value_length is 80, more than the 64 of a key");
  expect({{"attention.key_length", 32}}, "deepseek2.attention.key_length is 32, expected more than the 32");
  expect({{"expert_group_count", 3}}, "deepseek2.expert_group_count is 3, expected a divisor of 4 experts");
  expect({{"expert_group_count", 2}}, "deepseek2.expert_group_used_count is missing");
  expect({{"expert_group_count", 2}, {"expert_group_used_count", 3}}, "deepseek2.expert_group_used_count is 3");
  expect({{"expert_group_count", 4}, {"expert_group_used_count", 1}},
         "deepseek2.expert_group_used_count is 1: these groups have 1 experts, 2 are used");
}

}  // namespace
}  // namespace kinglet::tests
