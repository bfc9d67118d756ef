// Whole texts of every architecture, encoders and decoders, on tiny random models: a text's rows and vector have the
// bits that it has alone, whatever texts of other lengths run beside it, with 1, 2 and 3 threads, on every instruction
// set; rows of decoders depend on those before them, those of encoders on both sides.
#include "run/engine/embedding.h"

#include <gtest/gtest.h>

#include "batch_runner.h"
#include "core/kernels/select.h"
#include "home/system/thread_pool.h"
#include "model/models/tiny_model.h"

namespace kinglet::tests {
namespace {

using engine::Embedder;
using engine::TypedTokens;
using Rows = std::vector<std::vector<float>>;

// Lengths of one row, of few, over the 8 of the small products, and over what one run takes.
constexpr size_t kLengths[] = {3, 1, 44, 9, 8, 17, 1, 64, 2, 33, 100, 5, 120, 7, 90, 1, 60, 24};

std::vector<TypedTokens> texts_of(const models::Model& model) {
  Philox random(7);
  std::vector<TypedTokens> texts;
  for (const size_t length : kLengths) {
    TypedTokens& text = texts.emplace_back();
    for (size_t i = 0; i < length; ++i) {
      text.ids.push_back(static_cast<int32_t>(random.next_u32() % models::TinySizes{}.vocab));
      if (model.config().n_token_types > 1) text.types.push_back(i * 2 < length ? 0 : 1);
    }
  }
  return texts;
}

Rows run(Embedder& embedder, std::span<const TypedTokens> texts) {
  Rows rows;
  embedder.run(texts, [&](size_t idx, std::span<const float> values) {
    EXPECT_EQ(idx, rows.size());
    rows.emplace_back(values.begin(), values.end());
  });
  return rows;
}

class Texts : public testing::TestWithParam<std::string_view> {};

TEST_P(Texts, HaveTheBitsThatTheyHaveAlone) {
  for (const std::string_view format : {"F32", "Q8_0"}) {
    const models::TinyModel model({.format = format}, architecture_of(GetParam()));
    const std::vector<TypedTokens> texts = texts_of(*model);
    for (const auto isa : {kernels::Isa::kAvx2, kernels::Isa::kAvx512, kernels::Isa::kNeon}) {
      const auto table = kernels::select(kernels::detect(), isa);
      if (!table) continue;
      for (const auto output : {Embedder::Output::kPooled, Embedder::Output::kHidden}) {
        InlinePool one;
        Embedder embedder(*model, {.output = output}, *table, one);
        Rows alone;
        for (const TypedTokens& text : texts) alone.push_back(run(embedder, {&text, 1}).front());
        for (const int n_threads : {1, 2, 3}) {
          if (KINGLET_SANITIZED && n_threads != 2) continue;
          system::SpinPool pool(n_threads);
          Embedder together(*model, {.output = output}, *table, pool);
          EXPECT_EQ(run(together, texts), alone) << format << " " << table->name << " " << n_threads;
        }
      }
    }
  }
}

TEST_P(Texts, SeeWhatTheirModelSees) {
  const models::TinyModel model({}, architecture_of(GetParam()));
  InlinePool pool;
  const kernels::KernelTable table = *kernels::select(kernels::detect());
  Embedder embedder(*model, {.output = Embedder::Output::kHidden}, table, pool);
  const std::vector<TypedTokens> texts{{{1, 2, 3, 4}}, {{1, 2, 3, 5}}, {{6, 2, 3, 4}}};
  const Rows rows = run(embedder, texts);
  const size_t n = embedder.n_cols();
  const auto is_same = [&](size_t a, size_t b, size_t row) {
    return std::equal(rows[a].begin() + static_cast<ptrdiff_t>(row * n),
                      rows[a].begin() + static_cast<ptrdiff_t>((row + 1) * n),
                      rows[b].begin() + static_cast<ptrdiff_t>(row * n));
  };
  EXPECT_EQ(is_same(0, 1, 0), model->config().is_causal);  // the last token differs
  EXPECT_FALSE(is_same(0, 1, 3));
  EXPECT_FALSE(is_same(0, 2, 3));  // the first one
}

std::vector<std::string_view> all() {
  std::vector<std::string_view> names;
  for (const models::Architecture& architecture : models::architectures()) names.push_back(architecture.family);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Architectures, Texts, testing::ValuesIn(all()),
                         [](const auto& architecture) { return std::string(architecture.param); });

}  // namespace
}  // namespace kinglet::tests
