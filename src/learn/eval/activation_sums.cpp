#include "learn/eval/activation_sums.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "core/graph/graph.h"
#include "core/ops/ops.h"
#include "run/engine/sequence_memory.h"

namespace kinglet::eval {
namespace {

constexpr size_t kRows = 128;  // of one run: bounds the memory that the tapped values take

// A value that products read, and its columns' sums.
struct Tap {
  std::vector<std::string> matrices;
  std::vector<double> squares;
  double count = 0;
};

// The inputs of all linears of layers. A matrix that is a part of a fused one counts as the whole.
std::map<ir::Value, Tap> taps_of(const ir::Graph& graph) {
  std::map<ir::Value, Tap> taps;
  for (const ir::Node& node : graph.nodes()) {
    if (!ops::is_linear(node)) continue;
    const std::string_view name = graph.weight(graph.part(node.weights[0]).whole).name;
    if (!name.starts_with("blk.")) continue;
    Tap& tap = taps[node.inputs[0]];
    tap.squares.resize(graph.type(node.inputs[0]).cols);
    if (std::ranges::find(tap.matrices, name) == tap.matrices.end()) tap.matrices.emplace_back(name);
  }
  return taps;
}

}  // namespace

convert::ImportanceMatrix activation_sums(const models::Model& model, std::span<const int32_t> ids,
                                          const ActivationOptions& options, const kernels::KernelTable& table,
                                          ThreadPool& pool, const std::function<void(size_t, size_t)>& progress) {
  const size_t context = options.context_len;
  if (context < 2 || context > model.config().context_len) {
    fail_with(ErrorCode::kInvalidArgument, "context: ", context, " is not between 2 and ", model.config().context_len,
              ", which the model was trained for");
  }
  const size_t n_windows = std::min(ids.size() / context, options.n_windows.value_or(SIZE_MAX));
  if (n_windows == 0) {
    fail_with(ErrorCode::kInvalidArgument, "text: its ", ids.size(), " tokens are fewer than one window of ", context);
  }
  models::Description description = model.describe();
  std::map<ir::Value, Tap> taps = taps_of(description.graph);
  std::vector<ir::Value> outputs;
  for (const auto& [value, tap] : taps) outputs.push_back(value);
  const graph::SequenceLayout layout = graph::lower_for_inference(description.graph, outputs, kernels::KvType::kF32);
  const size_t rows = std::min(kRows, context);
  auto plan = std::make_shared<const graph::Plan>(std::move(description.graph), outputs,
                                                  graph::Plan::Options{.max_rows = {rows, rows, 1}}, table);
  graph::Executor<float> executor(std::move(plan), table, pool);
  engine::SequenceMemory memory(layout, context);
  for (size_t window = 0; window < n_windows; ++window) {
    if (progress) progress(window, n_windows);
    memory.restart();
    for (size_t done = 0; done < context; done += rows) {
      const size_t n = std::min(rows, context - done);
      for (size_t i = 0; i < n; ++i) {
        const bool is_begin = done + i == 0 && options.begin;
        executor.input(ir::Input::kTokenIds)[i] = is_begin ? *options.begin : ids[window * context + done + i];
        executor.input(ir::Input::kPositions)[i] = static_cast<int32_t>(done + i);
        executor.input(ir::Input::kLogitRows)[i] = static_cast<int32_t>(i);
      }
      const ops::SequenceRows sequence{0, n, done, memory.pages(), memory.state(), context};
      executor.run({n, n, 1}, {{&sequence, 1}, kernels::KvType::kF32});
      for (auto& [value, tap] : taps) {
        const float* x = executor.output(value);
        const size_t n_cols = tap.squares.size();
        for (size_t i = 0; i < n * n_cols; ++i) tap.squares[i % n_cols] += static_cast<double>(x[i]) * x[i];
        tap.count += static_cast<double>(n);
      }
    }
  }
  if (progress) progress(n_windows, n_windows);
  convert::ImportanceMatrix matrix;
  matrix.n_chunks = static_cast<uint32_t>(n_windows);
  matrix.chunk_len = static_cast<uint32_t>(context);
  for (const auto& [value, tap] : taps) {
    for (const std::string& name : tap.matrices) {
      convert::ColumnSums sums;
      for (const double square : tap.squares) sums.squares.push_back(static_cast<float>(square));
      sums.counts = {static_cast<float>(tap.count)};
      matrix.by_name.emplace(name, std::move(sums));
    }
  }
  return matrix;
}

}  // namespace kinglet::eval
