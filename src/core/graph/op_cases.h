// Small graphs for tests, at least one for each operation: what op_gradient_test.cpp and lower_test.cpp go through.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph/graph.h"
#include "core/ops/ops.h"

namespace kinglet::graph {

/// Builds the graph of a case and owns its weights. Values come from a counter-based generator: the same in every run.
class CaseBuilder {
 public:
  CaseBuilder() : b(graph), random_(7) {}
  CaseBuilder(const CaseBuilder&) = delete;
  CaseBuilder& operator=(const CaseBuilder&) = delete;

  ir::Graph graph;
  ir::Builder b;

  /// Weights in [middle - spread, middle + spread]; those of F32 are multiples of 2^-12, so that steps of finite
  /// differences are exact.
  ir::WeightId weight(size_t rows, size_t cols, std::string_view format = "F32", float middle = 0.0F,
                      float spread = 1.0F);
  /// A vector that takes no gradient, around `middle`.
  ir::WeightId constant(size_t cols, float middle, float spread);
  /// Rows [T, cols] with values of their own, as a table that is looked up by token id.
  ir::Value rows(size_t cols) { return ops::embed(b, b.input(ir::Input::kTokenIds), weight(kMaxIds, cols)); }

  /// Values of F32 weights, to be changed by finite differences; empty for other formats and for
  /// constants.
  [[nodiscard]] std::span<float> values(uint32_t weight_id);

  static constexpr size_t kMaxIds = 48;

 private:
  Philox random_;
  std::deque<std::string> names_;
  std::deque<std::vector<std::byte>> bytes_;
  std::set<uint32_t> constants_;
};

struct OpCase {
  std::string name;
  std::vector<size_t> sequences;                  ///< Rows of each.
  std::vector<int32_t> ids;                       ///< Token ids of the rows; empty: 0, 1, 2, ...
  std::vector<int32_t> logit_rows;                ///< Empty: all.
  double tolerance = 0.0;                         ///< Of f32 beside double, relative to the norm.
  std::function<ir::Value(CaseBuilder&)> build;   ///< Gives the output, of rows T or L.
  std::vector<std::vector<float>> adapters = {};  ///< Factors of adapters, of each sequence.

  [[nodiscard]] size_t n_rows() const;
  [[nodiscard]] ops::RowCounts counts() const;
  /// The sequences as a batch has them.
  [[nodiscard]] std::vector<ops::SequenceRows> batch_rows() const;

  /// Writes token ids, positions (from 0 in each sequence), logit rows and labels.
  template <class Real>
  void fill_inputs(Executor<Real>& executor, size_t n_labels) const;
};

const std::vector<OpCase>& op_cases();

template <class Real>
void OpCase::fill_inputs(Executor<Real>& executor, size_t n_labels) const {
  const auto put = [&](ir::Input input, size_t n, const auto& value_of) {
    const std::span<int32_t> place = executor.input(input);
    for (size_t i = 0; i < n && i < place.size(); ++i) place[i] = static_cast<int32_t>(value_of(i));
  };
  const auto batch = batch_rows();
  put(ir::Input::kTokenIds, counts()[0], [&](size_t i) { return ids.empty() ? static_cast<int32_t>(i) : ids[i]; });
  put(ir::Input::kPositions, counts()[0], [&](size_t i) {
    size_t s = batch.size() - 1;
    while (batch[s].first_row > i) --s;
    return i - batch[s].first_row;
  });
  put(ir::Input::kLogitRows, counts()[1],
      [&](size_t i) { return logit_rows.empty() ? static_cast<int32_t>(i) : logit_rows[i]; });
  put(ir::Input::kLabels, counts()[1], [&](size_t i) { return (i * 7 + 1) % n_labels; });
}

}  // namespace kinglet::graph
