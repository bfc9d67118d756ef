// Chooses the next token of one sequence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
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

/// The chain of one request: its settings, its own random draws, what it has seen. Not thread-safe.
class Sampler {
 public:
  /// `params` have been checked for this vocabulary.
  Sampler(SamplingParams params, size_t vocab_size);

  /// Tokens that are in the context already (the prompt); penalties count them.
  void observe(std::span<const int32_t> tokens);
  /// Takes one token into the history; the caller passes the tokens that sample() gave.
  void observe(int32_t token);

  /// The next token for these logits [vocab_size]. A vocabulary of which all tokens are banned gives the last one left
  /// by bias, or -1 when there is none.
  int32_t sample(std::span<const float> logits);

  /// The draws taken so far: saved and restored with a sequence.
  [[nodiscard]] uint64_t draws() const noexcept { return random_.index(); }

 private:
  void fill(std::span<const float> logits);
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
  [[nodiscard]] bool plain_greedy() const noexcept;

  SamplingParams params_;
  size_t vocab_size_;
  Philox random_;
  std::vector<int32_t> history_;
  std::unordered_map<int32_t, uint32_t> counts_;  // of the last penalty_last_n tokens
  std::vector<Candidate> candidates_;
  bool sorted_ = false;
  float mirostat_mu_;
};

}  // namespace kinglet::engine
