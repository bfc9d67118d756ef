// What a request says about choosing tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace kinglet::engine {

/// Settings of the sampler chain. Stages run in this order; each is off at the value named, which is its default here
/// (callers set the defaults of their dialect):
///   logit bias, repetition / frequency / presence penalty, DRY, [mirostat v2, which replaces all that follow] or
///   top-k, typical, top-p, min-p, XTC, temperature, draw.
/// Sources: top-p Holtzman et al. arXiv 1904.09751; typical Meister et al. arXiv 2202.00666; min-p Nguyen et al.
/// arXiv 2407.01082; mirostat Basu et al. arXiv 2007.14966; DRY and XTC as described by their author (p-e-w).
struct SamplingParams {
  float temperature = 0.0F;  ///< 0: the most likely token, no draw.
  uint32_t top_k = 0;        ///< 0: off.
  float top_p = 1.0F;        ///< 1: off.
  float min_p = 0.0F;        ///< 0: off.
  float typical_p = 1.0F;    ///< 1: off.

  float repetition_penalty = 1.0F;  ///< 1: off. Divides positive logits of seen tokens, multiplies negative ones.
  float frequency_penalty = 0.0F;   ///< Subtracted for each time that a token was seen.
  float presence_penalty = 0.0F;    ///< Subtracted once for a token that was seen.
  int32_t penalty_last_n = 64;      ///< How many of the last tokens count; -1: all; 0: off.

  float dry_multiplier = 0.0F;  ///< 0: off.
  float dry_base = 1.75F;
  uint32_t dry_allowed_length = 2;
  int32_t dry_last_n = -1;
  std::vector<int32_t> dry_breakers = {};  ///< Tokens at which a repetition ends.

  float xtc_probability = 0.0F;  ///< 0: off.
  float xtc_threshold = 0.1F;    ///< Above 0.5: off.

  bool mirostat = false;  ///< Version 2.
  float mirostat_tau = 5.0F;
  float mirostat_eta = 0.1F;

  std::vector<std::pair<int32_t, float>> logit_bias = {};  ///< Added to the logits of these tokens; -infinity bans.
  uint64_t seed = 0;                                       ///< The same seed gives the same tokens.
};

/// Throws Error{kInvalidArgument} with name, value and limit where a setting makes no sense (NaN, negative, ...) or a
/// token is not in a vocabulary of this size.
void check(const SamplingParams& params, size_t vocab_size);

}  // namespace kinglet::engine
