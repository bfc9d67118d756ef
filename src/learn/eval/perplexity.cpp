#include "learn/eval/perplexity.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "run/engine/scoring.h"

namespace kinglet::eval {
namespace {

// The tokens of a window and the first of them that is scored.
struct Window {
  std::vector<int32_t> ids;
  size_t first;
};

std::vector<Window> cut_windows(std::span<const int32_t> ids, const PerplexityOptions& options) {
  std::vector<Window> windows;
  const size_t limit = options.n_windows.value_or(SIZE_MAX);
  for (size_t start = 0; start + options.context_len <= ids.size() && windows.size() < limit;
       start += options.context_len) {
    Window window{{ids.begin() + static_cast<ptrdiff_t>(start),
                   ids.begin() + static_cast<ptrdiff_t>(start + options.context_len)},
                  options.context_len / 2 + 1};
    if (options.begin) window.ids[0] = *options.begin;
    windows.push_back(std::move(window));
  }
  return windows;
}

std::vector<Window> cut_whole(std::span<const int32_t> ids, const PerplexityOptions& options) {
  std::vector<Window> windows;
  const size_t limit = options.n_windows.value_or(SIZE_MAX);
  for (size_t done = 1; done < ids.size() && windows.size() < limit;) {
    const size_t n = std::min(options.context_len - 1, ids.size() - done);
    Window window{{ids.begin() + static_cast<ptrdiff_t>(done - 1), ids.begin() + static_cast<ptrdiff_t>(done + n)}, 1};
    if (options.begin) window.ids[0] = *options.begin;
    windows.push_back(std::move(window));
    done += n;
  }
  return windows;
}

}  // namespace

Perplexity perplexity(const models::Model& model, std::span<const int32_t> ids, const PerplexityOptions& options,
                      const kernels::KernelTable& table, ThreadPool& pool,
                      const std::function<void(size_t, size_t)>& progress) {
  if (options.context_len < 4 || options.context_len > model.config().context_len) {
    fail_with(ErrorCode::kInvalidArgument, "context: ", options.context_len, " is not between 4 and ",
              model.config().context_len, ", which the model was trained for");
  }
  const std::vector<Window> windows = options.whole ? cut_whole(ids, options) : cut_windows(ids, options);
  if (windows.empty()) {
    fail_with(ErrorCode::kInvalidArgument, "text: its ", ids.size(), " tokens are fewer than ",
              options.whole ? str("two") : str("one window of ", options.context_len));
  }
  engine::Scorer scorer(model, windows.front().ids.size(), table, pool);
  const auto started = std::chrono::steady_clock::now();
  Perplexity result;
  double nll = 0;
  for (size_t i = 0; i < windows.size(); ++i) {
    const Window& window = windows[i];
    if (progress) progress(i, windows.size());
    // Row t predicts token t + 1; the last row predicts nothing that is known.
    const std::span<const int32_t> rows(window.ids.data(), window.ids.size() - 1);
    scorer.logits(rows, window.first - 1, [&](size_t row, std::span<const float> logits) {
      const auto target = static_cast<size_t>(window.ids[row + 1]);
      nll += static_cast<double>(table.real.log_sum_exp(logits.data(), logits.size())) -
             static_cast<double>(logits[target]);
      ++result.n_tokens;
    });
    result.n_run += rows.size();
  }
  if (progress) progress(windows.size(), windows.size());
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  result.nll_per_token = nll / static_cast<double>(result.n_tokens);
  result.perplexity = std::exp(result.nll_per_token);
  return result;
}

}  // namespace kinglet::eval
