// Property 2 of ENGINE.md for every architecture: the bits of a row's logits alone, in batches of 2, 9 and 33, with 1,
// 2 and 3 threads, with the prompt cut at every position, over pages that another sequence has filled; on every
// instruction set of this machine, for llama with every weight format and type of key-value cache, for the other
// families with one plain and one encoded of each. Under sanitizers llama takes three formats, the others the fastest
// table, the prompt is cut at every third position, each batch has one number of threads, and scalar kernels take each
// format with one type of cache; other builds take all.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>

#include "batch_runner.h"
#include "core/kernels/select.h"
#include "home/system/thread_pool.h"
#include "model/models/tiny_model.h"

namespace kinglet::tests {
namespace {

using kernels::KvType;
using models::TinyModel;

constexpr size_t kLength = 44;  // over a page's border

std::vector<int32_t> tokens(uint64_t seed, size_t n) {
  Philox random(seed);
  std::vector<int32_t> ids(n);
  for (int32_t& id : ids) id = static_cast<int32_t>(random.next_u32() % models::TinySizes{}.vocab);
  return ids;
}

bool is_same(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

struct Setup {
  std::string_view architecture;
  std::string_view format;
  KvType kv_type;
  kernels::KernelTable table;
};

/// Of llama every format with one cache type, and every cache type with one format of each kind, on every table. Scalar
/// kernels are slow: they take a part of the formats, and sanitizers make them slower.
std::vector<Setup> setups() {
  constexpr KvType kTypes[] = {KvType::kF32, KvType::kF16, KvType::kQ8_0, KvType::kQ4_0};
  std::vector<Setup> all;
  for (const models::Architecture& architecture : models::architectures()) {
    if (architecture.blocks.head == nullptr) continue;  // encoders have rows, no logits
    for (const auto isa : {kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx512, kernels::Isa::kNeon}) {
      const auto table = kernels::select(kernels::detect(), isa);
      if (!table) continue;
      size_t i = 0;
      if (architecture.family != "llama") {
        // What differs between families is the graph; scalar kernels do nothing else with it.
        if (isa == kernels::Isa::kScalar) continue;
        if (KINGLET_SANITIZED && isa != kernels::select(kernels::detect())->isa) continue;
        all.push_back({architecture.family, "F32", KvType::kF32, *table});
        all.push_back({architecture.family, "Q8_0", KvType::kF16, *table});
        continue;
      }
      for (const quant::Format& format : quant::formats()) {
        if (format.activation == quant::Activation::kNone) continue;
        const bool is_of_all = format.name == "F32" || format.name == "Q4_1" || format.name == "Q4_K";
        if ((isa == kernels::Isa::kScalar || KINGLET_SANITIZED) && !is_of_all) continue;
        for (const KvType type : kTypes) {
          const bool is_slow = isa == kernels::Isa::kScalar && (format.block_len == 256 || KINGLET_SANITIZED);
          if (type == kTypes[i % 4] || (is_of_all && !is_slow)) {
            all.push_back({architecture.family, format.name, type, *table});
          }
        }
        ++i;
      }
    }
  }
  return all;
}

std::string name_of(const testing::TestParamInfo<Setup>& setup) {
  constexpr std::string_view kCaches[] = {"F32", "F16", "Q8_0", "Q4_0"};
  const auto& of = setup.param;
  return str(of.architecture, "_", of.format, "_kv", kCaches[static_cast<size_t>(of.kv_type)], "_",
             kernels::name_of(of.table.isa));
}

class Bits : public testing::TestWithParam<Setup> {
 protected:
  /// The logits of one sequence, a token a step, by one thread.
  [[nodiscard]] std::vector<float> alone(const std::vector<int32_t>& of) const {
    InlinePool pool;
    BatchRunner runner(*model, GetParam().kv_type, GetParam().table, pool);
    const size_t sequence = runner.add_sequence(of);
    for (size_t i = 0; i < of.size(); ++i) runner.step({{sequence, 1}});
    return runner.logits(sequence);
  }

  /// Made once for all tests.
  static const TinyModel& model_of(std::string_view architecture, std::string_view format) {
    static std::map<std::pair<std::string_view, std::string_view>, std::unique_ptr<const TinyModel>> models;
    auto& place = models[{architecture, format}];
    if (place == nullptr) {
      place = std::make_unique<const TinyModel>(models::TinyOptions{.format = format}, architecture_of(architecture));
    }
    return *place;
  }

  /// What all three tests of a setup compare with, made once.
  [[nodiscard]] const std::vector<float>& wanted() const {
    static std::map<std::string, std::vector<float>> by_setup;
    auto& logits = by_setup[name_of({GetParam(), 0})];
    if (logits.empty()) logits = alone(ids);
    return logits;
  }

  const TinyModel& model = model_of(GetParam().architecture, GetParam().format);
  const std::vector<int32_t> ids = tokens(1, kLength);
  const std::vector<float>& want = wanted();
};

TEST_P(Bits, CutAtEveryPosition) {
  InlinePool pool;
  const bool is_slow = GetParam().table.isa == kernels::Isa::kScalar;
  for (size_t cut = 0; cut < kLength; cut += (is_slow ? 11 : 1) * (KINGLET_SANITIZED ? 3 : 1)) {
    BatchRunner runner(*model, GetParam().kv_type, GetParam().table, pool);
    const size_t sequence = runner.add_sequence(ids);
    if (cut > 0) runner.step({{sequence, cut}});
    runner.step({{sequence, kLength - cut}});
    ASSERT_TRUE(is_same(runner.logits(sequence), want)) << cut;
  }
}

TEST_P(Bits, InBatchesWithThreads) {
  const bool is_slow = GetParam().table.isa == kernels::Isa::kScalar;
  for (const int n_threads : {1, 2, 3}) {
    system::SpinPool pool(n_threads);
    for (const size_t n_sequences : {2U, 9U, 33U}) {
      // All together for an f32 cache; elsewhere each batch with one number of threads.
      const bool is_paired = n_sequences == std::array<size_t, 4>{0, 33, 9, 2}[static_cast<size_t>(n_threads)];
      if ((is_slow || KINGLET_SANITIZED || GetParam().kv_type != KvType::kF32) && !is_paired) continue;
      BatchRunner runner(*model, GetParam().kv_type, GetParam().table, pool);
      const size_t place = n_sequences / 2;
      for (size_t s = 0; s < n_sequences; ++s) runner.add_sequence(s == place ? ids : tokens(100 + s, kLength));
      // A prompt among others that have one, some or all of their rows in the same step; then one row each.
      std::vector<BatchRunner::Part> parts;
      for (size_t s = 0; s < n_sequences; ++s)
        parts.push_back({s, s == place ? kLength - 4 : 1 + s * 5 % (is_slow ? 3 : 30)});
      runner.step(parts);
      for (size_t i = 0; i < 4; ++i) {
        for (auto& part : parts) part.n_rows = 1;
        runner.step(parts);
      }
      ASSERT_TRUE(is_same(runner.logits(place), want)) << n_sequences << " sequences, " << n_threads << " threads";
    }
  }
}

TEST_P(Bits, OverPagesOfAnother) {
  InlinePool pool;
  BatchRunner runner(*model, GetParam().kv_type, GetParam().table, pool);
  std::vector<int32_t> other = tokens(7, kLength);
  std::ranges::copy_n(ids.begin(), kernels::kPageTokens, other.begin());
  const size_t first = runner.add_sequence(other);
  runner.step({{first, kernels::kPageTokens}});
  const size_t second = runner.add_sequence(ids, static_cast<int>(first), 1);
  runner.step({{first, kLength - kernels::kPageTokens}});
  runner.step({{second, kLength - kernels::kPageTokens}});
  const std::span<const float> tail = std::span(want).subspan(kernels::kPageTokens * runner.vocab_size());
  EXPECT_TRUE(is_same(runner.logits(second), tail));
  EXPECT_TRUE(is_same(std::span(runner.logits(first)).first(kernels::kPageTokens * runner.vocab_size()),
                      std::span(want).first(kernels::kPageTokens * runner.vocab_size())));
}

INSTANTIATE_TEST_SUITE_P(Architectures, Bits, testing::ValuesIn(setups()), name_of);

}  // namespace
}  // namespace kinglet::tests
