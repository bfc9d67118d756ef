#include "run/engine/metrics.h"

#include <algorithm>

namespace kinglet::engine {

void Histogram::add(double seconds) noexcept {
  const auto bucket = std::ranges::lower_bound(kBucketSeconds, seconds) - kBucketSeconds.begin();
  counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(seconds, std::memory_order_relaxed);
}

HistogramView Histogram::view() const noexcept {
  HistogramView view;
  for (size_t i = 0; i < counts_.size(); ++i) {
    view.counts[i] = counts_[i].load(std::memory_order_relaxed);
    view.n += view.counts[i];
  }
  view.sum_seconds = sum_.load(std::memory_order_relaxed);
  return view;
}

EngineStats Metrics::view() const noexcept {
  const auto now = [](const Count& count) { return count.load(std::memory_order_relaxed); };
  EngineStats stats{.n_waiting = now(n_waiting),
                    .n_running = now(n_running),
                    .kv_pages_used = now(kv_pages_used),
                    .kv_pages_total = now(kv_pages_total),
                    .cached_pages = now(cached_pages),
                    .n_submitted = now(n_submitted),
                    .n_refused = now(n_refused),
                    .n_failed = now(n_failed),
                    .prompt_tokens = now(prompt_tokens),
                    .cached_tokens = now(cached_tokens),
                    .n_cache_hits = now(n_cache_hits),
                    .n_evicted_pages = now(n_evicted_pages),
                    .completion_tokens = now(completion_tokens),
                    .n_steps = now(n_steps),
                    .n_step_sequences = now(n_step_sequences),
                    .n_step_rows = now(n_step_rows),
                    .queue = queue.view(),
                    .first_token = first_token.view(),
                    .between_tokens = between_tokens.view(),
                    .steps = steps.view()};
  std::ranges::transform(n_finished, stats.n_finished.begin(), now);
  return stats;
}

}  // namespace kinglet::engine
