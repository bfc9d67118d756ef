// What an engine has done and does, as numbers that anyone may read while it works.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "run/engine/generation.h"

namespace kinglet::engine {

/// Seconds up to which the buckets of histograms reach, as Prometheus has them; one more bucket holds the rest.
inline constexpr std::array<double, 16> kBucketSeconds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                          0.5,   1,      2.5,   5,    10,    30,   60,  120};

/// Times that were seen.
struct HistogramView {
  std::array<uint64_t, kBucketSeconds.size() + 1> counts = {};  ///< In each bucket, not summed up.
  uint64_t n = 0;
  double sum_seconds = 0;
};

/// One writer, any number of readers.
class Histogram {
 public:
  void add(double seconds) noexcept;
  [[nodiscard]] HistogramView view() const noexcept;

 private:
  std::array<std::atomic<uint64_t>, kBucketSeconds.size() + 1> counts_ = {};
  std::atomic<double> sum_ = 0;
};

/// The numbers at one moment; counters since the engine began.
struct EngineStats {
  size_t n_waiting = 0;
  size_t n_running = 0;
  size_t kv_pages_used = 0;  ///< By sequences and the cache of prefixes, of all groups of layers.
  size_t kv_pages_total = 0;
  size_t cached_pages = 0;  ///< Pages of tokens that the cache of prefixes knows.

  uint64_t n_submitted = 0;
  uint64_t n_refused = 0;                                ///< As too many waited.
  std::array<uint64_t, kFinishReasons> n_finished = {};  ///< By FinishReason.
  uint64_t n_failed = 0;                                 ///< Ended by an error.
  uint64_t prompt_tokens = 0;                            ///< Of requests that got a place.
  uint64_t cached_tokens = 0;                            ///< Of them, not computed again.
  uint64_t n_cache_hits = 0;                             ///< Requests that had any.
  uint64_t n_evicted_pages = 0;
  uint64_t completion_tokens = 0;
  uint64_t n_steps = 0;
  uint64_t n_step_sequences = 0;  ///< Summed over steps: the mean size of a batch is this by n_steps.
  uint64_t n_step_rows = 0;

  HistogramView queue;           ///< From submit to a place.
  HistogramView first_token;     ///< From submit to the first token of the answer.
  HistogramView between_tokens;  ///< Between two tokens of an answer.
  HistogramView steps;
};

/// Written by the engine's thread, but for what is said otherwise. Readers take no lock; numbers of one view may be of
/// different moments.
struct Metrics {
  using Count = std::atomic<uint64_t>;

  Count n_waiting{0}, n_running{0}, kv_pages_used{0}, kv_pages_total{0}, cached_pages{0};
  Count n_submitted{0}, n_refused{0};  // written by those who submit
  std::array<Count, kFinishReasons> n_finished = {};
  Count n_failed{0}, prompt_tokens{0}, cached_tokens{0}, n_cache_hits{0}, n_evicted_pages{0}, completion_tokens{0};
  Count n_steps{0}, n_step_sequences{0}, n_step_rows{0};
  Histogram queue, first_token, between_tokens, steps;

  [[nodiscard]] EngineStats view() const noexcept;
};

}  // namespace kinglet::engine
