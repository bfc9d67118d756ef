// What a model makes of whole texts: a vector for each, or rows, or the scores of a classifier.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/graph/graph.h"
#include "model/models/models.h"

namespace kinglet::engine {

/// A text as tokens. `types` are as many as ids, or none (all 0).
struct TypedTokens {
  std::vector<int32_t> ids;
  std::vector<int32_t> types = {};
};

/// Puts what a model reads of a text into the inputs of a run, from `row` on: ids, types and positions.
template <class Real>
void put_tokens(graph::Executor<Real>& executor, const models::DecoderConfig& config, std::span<const int32_t> ids,
                std::span<const int32_t> types, size_t row) {
  std::ranges::copy(ids, executor.input(ir::Input::kTokenIds).begin() + static_cast<ptrdiff_t>(row));
  for (size_t i = 0; i < ids.size(); ++i)
    executor.input(ir::Input::kTokenTypes)[row + i] = types.empty() ? 0 : types[i];
  config.place(ids, executor.input(ir::Input::kPositions).subspan(row));
}

/// Runs texts side by side, without padding: a batch costs what its tokens cost, and its bits are those of each text
/// alone. Of decoders, rows see those before them. One thread at a time.
class Embedder {
 public:
  enum class Output : uint8_t {
    kPooled,  ///< A vector for each text.
    kHidden,  ///< A row for each token, as the last layer leaves it, normed.
    kScores,  ///< Of a classifier: a row for each text, or for each token where it classifies tokens.
  };
  struct Options {
    Output output = Output::kPooled;
    std::optional<models::Pooling> pooling = std::nullopt;  ///< In place of the model's own.
    bool normalize = true;                                  ///< Vectors have length one.
    size_t memory_limit = 0;                                ///< Bytes that rows in work may take; 0: no limit.
    /// Told the bytes that rows in work will take in all, before they are; throws to refuse them. Empty: nobody asks.
    std::function<void(size_t n_bytes)> admit = {};
  };

  /// Throws Error{kUnsupported} for scores of a model without a classifier. `model`, `table` and `pool` outlive it.
  Embedder(const models::Model& model, const Options& options, const kernels::KernelTable& table, ThreadPool& pool);

  /// Numbers of a row.
  [[nodiscard]] size_t n_cols() const noexcept { return n_cols_; }
  /// Bytes that rows in work take.
  [[nodiscard]] size_t size_bytes() const noexcept { return executor_->size_bytes(); }

  /// Calls use(i, rows) for each text in order; rows are one or one for each token, row-major. Throws
  /// Error{kInvalidArgument} for an empty text and for ids and types that the model does not have, kContextFull for a
  /// text over its context (both numbers are said), kOutOfMemory for one whose rows need more than the limit. The
  /// embedder stays usable.
  void run(std::span<const TypedTokens> texts, const std::function<void(size_t, std::span<const float>)>& use);

 private:
  void check(const TypedTokens& text, size_t idx) const;
  void run_some(std::span<const TypedTokens> texts, size_t first,
                const std::function<void(size_t, std::span<const float>)>& use);
  /// An executor for so many rows.
  void make_room(size_t n_rows);

  const models::Model& model_;
  const Options options_;
  const kernels::KernelTable& table_;
  ThreadPool& pool_;
  bool is_by_token_ = false;
  size_t n_cols_ = 0;
  ir::Value output_;
  std::unique_ptr<graph::Executor<float>> executor_;
  std::vector<ops::SequenceRows> sequences_;
};

}  // namespace kinglet::engine
