// Perplexity: the exponential of the mean negative log-likelihood (nats) of a text's tokens.
//
// By windows, as llama.cpp's tool defines it (tools/perplexity): the text's tokens, begin token included where the
// model's rule adds one, are cut into windows of `context` tokens; a rest is left out. In each window the first token
// is replaced by the begin token where there is one, and the tokens behind the middle are scored: those at context / 2
// + 1 and later, so that each has some context. Whole: every token is scored once, but for the very first of a model
// without a begin token. A window takes context - 1 new tokens behind the begin token (behind the last token of the
// window before, where there is none).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "model/models/models.h"

namespace kinglet::eval {

struct PerplexityOptions {
  size_t context_len = 512;         ///< At least 4, at most what the model was trained for.
  std::optional<size_t> n_windows;  ///< Only so many of the first windows.
  bool whole = false;
  std::optional<int32_t> begin;  ///< The begin token, where the model's rule adds one.
  /// A model of the same vocabulary whose predictions the model's are compared with; null: none. Outlives the call.
  const models::Model* against = nullptr;
};

/// How far a model's predictions are from another's, over the scored tokens. The Kullback-Leibler divergence is the sum
/// over tokens of p (log p - log q), p the other model's probability and q the model's, in nats.
struct Divergence {
  double mean = 0;
  double median = 0;
  double p99 = 0;  ///< Percentiles are interpolated between values.
  double max = 0;
  double top_1_agreement = 0;  ///< The part of tokens where both find the same one most likely.
};

struct Perplexity {
  double perplexity = 0;
  double nll_per_token = 0;  ///< Nats.
  size_t n_tokens = 0;       ///< Scored.
  size_t n_run = 0;          ///< Run through the model.
  double seconds = 0;
  std::optional<Divergence> divergence;  ///< Where `against` was given.
};

/// Scores ids (`begin`, where there is one, is their first). Calls `progress` (may be empty) with windows done and all
/// of them. Throws Error{kInvalidArgument} for a text shorter than one window (whole: than two tokens).
Perplexity perplexity(const models::Model& model, std::span<const int32_t> ids, const PerplexityOptions& options,
                      const kernels::KernelTable& table, ThreadPool& pool,
                      const std::function<void(size_t, size_t)>& progress = {});

}  // namespace kinglet::eval
