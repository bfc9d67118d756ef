// Log-probabilities of the model's own distribution: in front of bias, penalties, masks and temperature.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kinglet::engine {

struct TokenLogProb {
  int32_t token = -1;
  float log_prob = 0;  ///< Natural logarithm.
};

/// The log-probability of `token` by logits [vocab_size], which are finite; fills `top` with the most likely tokens,
/// most likely first, of equal ones the lower id. Summed in double precision. `top` is no longer than the vocabulary.
float log_probs(std::span<const float> logits, int32_t token, std::span<TokenLogProb> top) noexcept;

}  // namespace kinglet::engine
