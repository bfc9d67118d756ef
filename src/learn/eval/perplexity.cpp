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

// The value below which a part of sorted values is, between two of them in proportion.
double percentile(std::span<const double> sorted, double part) {
  const double place = part * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// Collects the divergence of a model's rows from another model's.
class Comparison {
 public:
  Comparison(const models::Model& against, size_t max_tokens, const kernels::KernelTable& table, ThreadPool& pool)
      : table_(table), vocab_size_(against.config().vocab_size), scorer_(against, max_tokens, table, pool) {}

  /// Runs the other model over a window.
  void begin_window(std::span<const int32_t> rows, size_t first) {
    first_ = first;
    logits_.clear();
    scorer_.logits(rows, first, [&](size_t, std::span<const float> logits) {
      logits_.insert(logits_.end(), logits.begin(), logits.end());
    });
  }

  void add(size_t row, std::span<const float> logits) {
    const std::span<const float> others(logits_.data() + (row - first_) * vocab_size_, vocab_size_);
    const auto own_total = static_cast<double>(table_.real.log_sum_exp(logits.data(), logits.size()));
    const auto other_total = static_cast<double>(table_.real.log_sum_exp(others.data(), others.size()));
    double divergence = 0;
    for (size_t i = 0; i < vocab_size_; ++i) {
      const double log_p = static_cast<double>(others[i]) - other_total;
      divergence += std::exp(log_p) * (log_p - (static_cast<double>(logits[i]) - own_total));
    }
    values_.push_back(divergence);
    if (std::ranges::max_element(logits) - logits.begin() == std::ranges::max_element(others) - others.begin())
      ++n_same_;
  }

  Divergence result() {
    std::ranges::sort(values_);
    Divergence divergence;
    for (const double value : values_) divergence.mean += value / static_cast<double>(values_.size());
    divergence.median = percentile(values_, 0.5);
    divergence.p99 = percentile(values_, 0.99);
    divergence.max = values_.back();
    divergence.top_1_agreement = static_cast<double>(n_same_) / static_cast<double>(values_.size());
    return divergence;
  }

 private:
  const kernels::KernelTable& table_;
  const size_t vocab_size_;
  engine::Scorer scorer_;
  size_t first_ = 0;
  std::vector<float> logits_;  // the other model's, of the scored rows of a window
  std::vector<double> values_;
  size_t n_same_ = 0;
};

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
  std::optional<Comparison> comparison;
  if (options.against != nullptr) {
    KINGLET_CHECK(options.against->config().vocab_size == model.config().vocab_size, "both have one vocabulary");
    comparison.emplace(*options.against, windows.front().ids.size(), table, pool);
  }
  const auto started = std::chrono::steady_clock::now();
  Perplexity result;
  double nll = 0;
  for (size_t i = 0; i < windows.size(); ++i) {
    const Window& window = windows[i];
    if (progress) progress(i, windows.size());
    // Row t predicts token t + 1; the last row predicts nothing that is known.
    const std::span<const int32_t> rows(window.ids.data(), window.ids.size() - 1);
    if (comparison) comparison->begin_window(rows, window.first - 1);
    scorer.logits(rows, window.first - 1, [&](size_t row, std::span<const float> logits) {
      const auto target = static_cast<size_t>(window.ids[row + 1]);
      nll += static_cast<double>(table.real.log_sum_exp(logits.data(), logits.size())) -
             static_cast<double>(logits[target]);
      if (comparison) comparison->add(row, logits);
      ++result.n_tokens;
    });
    result.n_run += rows.size();
  }
  if (progress) progress(windows.size(), windows.size());
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  result.nll_per_token = nll / static_cast<double>(result.n_tokens);
  result.perplexity = std::exp(result.nll_per_token);
  if (comparison) result.divergence = comparison->result();
  return result;
}

}  // namespace kinglet::eval
