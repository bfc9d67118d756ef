// engine::Embedder on tiny random models: pooling beside sums by hand, lengths, what it refuses, and its memory.
#include "run/engine/embedding.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "core/kernels/select.h"
#include "model/models/tiny_model.h"
#include "run/engine/scoring.h"

namespace kinglet::tests {
namespace {

using engine::Embedder;
using engine::TypedTokens;
using models::Pooling;
using models::TinyModel;

class Embedders : public testing::TestWithParam<std::string_view> {
 protected:
  std::vector<std::vector<float>> run(const Embedder::Options& options, std::span<const TypedTokens> of) {
    Embedder embedder(*model, options, table, pool);
    std::vector<std::vector<float>> rows;
    embedder.run(of, [&](size_t /*idx*/, std::span<const float> row) { rows.emplace_back(row.begin(), row.end()); });
    return rows;
  }

  /// The message of what a text is refused with.
  std::string refusal(ErrorCode code, const TypedTokens& text, const Embedder::Options& options = {}) {
    try {
      run(options, std::vector<TypedTokens>{{{1, 2}}, text});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "is taken";
    return {};
  }

  const TinyModel model{{.context_len = 24}, *models::find_architecture(GetParam())};
  const kernels::KernelTable table = *kernels::select(kernels::detect());
  InlinePool pool;
  const std::vector<TypedTokens> texts{{{4, 9, 1, 33, 2}}, {{7}}, {{5, 5, 6, 20, 21, 22, 3, 0, 11}}};
};

TEST_P(Embedders, PoolAsByHand) {
  const auto hidden = run({.output = Embedder::Output::kHidden}, texts);
  for (const Pooling pooling : {Pooling::kMean, Pooling::kCls, Pooling::kLast}) {
    const auto plain = run({.pooling = pooling, .normalize = false}, texts);
    const auto unit = run({.pooling = pooling}, texts);
    for (size_t s = 0; s < texts.size(); ++s) {
      const size_t n_rows = texts[s].ids.size();
      const size_t n = hidden[s].size() / n_rows;
      double squares = 0;
      for (size_t i = 0; i < n; ++i) {
        double mean = 0;
        for (size_t r = 0; r < n_rows; ++r) mean += static_cast<double>(hidden[s][r * n + i]);
        mean /= static_cast<double>(n_rows);
        const double want = pooling == Pooling::kMean  ? mean
                            : pooling == Pooling::kCls ? static_cast<double>(hidden[s][i])
                                                       : static_cast<double>(hidden[s][(n_rows - 1) * n + i]);
        EXPECT_NEAR(static_cast<double>(plain[s][i]), want, 1e-6);
        squares += want * want;
      }
      for (size_t i = 0; i < n; ++i)
        EXPECT_NEAR(static_cast<double>(unit[s][i]), static_cast<double>(plain[s][i]) / std::sqrt(squares), 1e-6);
    }
  }
}

TEST_P(Embedders, TakeTheModelsOwnPooling) {
  const Pooling own = model->config().is_causal ? Pooling::kLast : Pooling::kMean;
  EXPECT_EQ(run({}, texts), run({.pooling = own}, texts));
}

TEST_P(Embedders, ManyTextsAndLongOnesTakeSeveralRuns) {
  const TinyModel long_model({.context_len = 2000}, *models::find_architecture(GetParam()));
  Embedder embedder(*long_model, {}, table, pool);
  std::vector<TypedTokens> many(300, {{3, 4}});
  many[150].ids.assign(1100, 8);
  many[151].ids.assign(600, 9);
  std::vector<std::vector<float>> rows;
  embedder.run(many, [&](size_t idx, std::span<const float> row) {
    EXPECT_EQ(idx, rows.size());
    rows.emplace_back(row.begin(), row.end());
  });
  ASSERT_EQ(rows.size(), many.size());
  EXPECT_EQ(rows[0], rows[299]);
  EXPECT_NE(rows[150], rows[151]);
}

TEST_P(Embedders, RefuseWhatTheModelDoesNotHave) {
  EXPECT_EQ(refusal(ErrorCode::kInvalidArgument, {}), "text 1: has no tokens");
  const TypedTokens full{std::vector<int32_t>(24, 1)};
  EXPECT_EQ(run({}, {&full, 1}).size(), 1U);
  const TypedTokens over{std::vector<int32_t>(25, 1)};
  EXPECT_NE(refusal(ErrorCode::kContextFull, over).find("has 25 tokens, the model's context 24"), std::string::npos);
  EXPECT_NE(refusal(ErrorCode::kInvalidArgument, {{1, 40}}).find("text 1: "), std::string::npos);
  EXPECT_NE(refusal(ErrorCode::kInvalidArgument, {{1, -1}}).find("text 1: "), std::string::npos);
  EXPECT_NE(refusal(ErrorCode::kInvalidArgument, {{1, 2}, {0}}).find("2 ids and 1 types"), std::string::npos);
  EXPECT_NE(refusal(ErrorCode::kInvalidArgument, {{1, 2}, {0, 9}}).find("token type 9"), std::string::npos);
  EXPECT_NE(refusal(ErrorCode::kUnsupported, {{1}}, {.output = Embedder::Output::kScores}).find("no classifier"),
            std::string::npos);
}

TEST_P(Embedders, SayHowMuchMemoryALongTextWants) {
  const TinyModel long_model({.context_len = 100'000}, *models::find_architecture(GetParam()));
  const Embedder::Options options{.memory_limit = 4'000'000};
  Embedder embedder(*long_model, options, table, pool);
  const auto ignore = [](size_t /*idx*/, std::span<const float> /*row*/) {};
  const std::vector<TypedTokens> short_ones{{{1, 2, 3}}};
  embedder.run(short_ones, ignore);
  const std::vector<TypedTokens> long_ones{{std::vector<int32_t>(100'000, 5)}};
  try {
    embedder.run(long_ones, ignore);
    ADD_FAILURE() << "takes more than it may";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
    EXPECT_NE(std::string(error.what()).find("of 100000 tokens"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("4000000"), std::string::npos) << error.what();
  }
  embedder.run(short_ones, ignore);  // goes on
}

// A reranker of llama.cpp's converter: rows of the embedding that stand for two words, in place of the head.
TEST(Rerankers, OfDecodersScoreByTheirLastRow) {
  const models::Architecture& qwen3 = *models::find_architecture("qwen3");
  const TinyModel plain({.has_optional = false}, qwen3);
  constexpr size_t kWords[] = {7, 21};
  const quant::Weight embedding = plain->file().find("token_embd.weight")->weight();
  std::vector<std::byte> rows;
  for (const size_t word : kWords) {
    const size_t n_bytes = embedding.cols * sizeof(float);
    rows.insert(rows.end(), embedding.data + word * n_bytes, embedding.data + (word + 1) * n_bytes);
  }
  format::Metadata settings("reranker");
  format::GgufWriter writer;
  writer.add_values(plain->file().metadata());
  settings.set("qwen3.pooling_type", uint32_t{4});
  writer.add_values(settings);
  for (const format::TensorEntry& tensor : plain->file().tensors()) {
    writer.add_tensor(tensor.name, *tensor.format, {tensor.dims.data(), tensor.n_dims},
                      {tensor.data, static_cast<size_t>(tensor.size_bytes)});
  }
  const std::array<uint64_t, 2> dims{embedding.cols, 2};
  writer.add_tensor("cls.output.weight", *quant::find_by_name("F32"), dims, rows);
  std::vector<std::byte> bytes;
  writer.write([&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
  const auto reranker = models::Model::load(format::read_gguf(bytes, "reranker"));

  const kernels::KernelTable table = *kernels::select(kernels::detect());
  InlinePool pool;
  const std::vector<TypedTokens> texts{{{4, 9, 1, 33, 2}}, {{7}}, {{5, 5, 6, 20, 21, 22, 3, 0, 11}}};
  Embedder embedder(*reranker, {.output = Embedder::Output::kScores}, table, pool);
  engine::Scorer scorer(*plain, 16, table, pool);
  embedder.run(texts, [&](size_t idx, std::span<const float> scores) {
    ASSERT_EQ(scores.size(), 2U);
    scorer.logits(texts[idx].ids, texts[idx].ids.size() - 1, [&](size_t /*row*/, std::span<const float> logits) {
      for (size_t i = 0; i < 2; ++i) EXPECT_NEAR(scores[i], logits[kWords[i]], 1e-5F);
    });
  });
  // It generates nothing.
  EXPECT_FALSE(reranker->gives_logits());
  EXPECT_THROW(engine::Scorer(*reranker, 16, table, pool), Error);
}

INSTANTIATE_TEST_SUITE_P(Architectures, Embedders, testing::Values("bert", "llama"),
                         [](const auto& architecture) { return std::string(architecture.param); });

}  // namespace
}  // namespace kinglet::tests
