// Chooses the next token of one sequence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/base/base.h"
#include "run/engine/sampling.h"

namespace kinglet::engine {

/// A token that may still be chosen.
struct Candidate {
  int32_t id;
  float logit;
  float p;  ///< Filled by stages that need probabilities.
};

/// The chain of one request: its settings, its own random draws, what it has seen. Not thread-safe. Memory is taken
/// when it is made and by reserve(); choosing takes none.
class Sampler {
 public:
  /// `params` have been checked for this vocabulary.
  Sampler(SamplingParams params, size_t vocab_size);

  /// Room for a history of so many tokens.
  void reserve(size_t n_tokens);

  /// Tokens that are in the context already (the prompt); penalties count them.
  void observe(std::span<const int32_t> tokens);
  /// Takes one token into the history; the caller passes the tokens that sample() gave.
  void observe(int32_t token);

  /// The next token for these logits [vocab_size] among those that the mask allows (constraint.h; none: all). -1 where
  /// all are banned, by the mask, by bias or because their logits are -infinity or no numbers.
  int32_t sample(std::span<const float> logits, std::optional<std::span<const uint32_t>> mask = std::nullopt);

  /// The draws taken so far: saved and restored with a sequence.
  [[nodiscard]] uint64_t draws() const noexcept { return random_.index(); }

 private:
  void fill(std::span<const float> logits);
  void apply_mask(std::span<const uint32_t> mask);
  void apply_bias();
  void apply_penalties();
  void apply_dry();
  void keep_top_k(size_t k);
  void keep_typical();
  void keep_top_p();
  void keep_min_p();
  void exclude_top_choices();
  int32_t draw_mirostat();
  int32_t draw();
  void sort_candidates();
  void softmax_candidates(float temperature);
  [[nodiscard]] bool has_penalties() const noexcept;
  [[nodiscard]] bool plain_greedy() const noexcept;

  SamplingParams params_;
  Philox random_;
  std::vector<int32_t> history_;
  std::vector<uint32_t> counts_;  // by token, in the last penalty_last_n of history_; empty without penalties
  std::vector<size_t> matches_;   // DRY's, by distance from the newest token; empty without it
  std::vector<size_t> longest_;   // DRY's, by token
  std::vector<Candidate> candidates_;
  bool sorted_ = false;
  float mirostat_mu_;
};

}  // namespace kinglet::engine
