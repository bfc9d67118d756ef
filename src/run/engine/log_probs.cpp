#include "run/engine/log_probs.h"

#include <algorithm>
#include <cmath>

namespace kinglet::engine {

float log_probs(std::span<const float> logits, int32_t token, std::span<TokenLogProb> top) noexcept {
  const double most = static_cast<double>(*std::ranges::max_element(logits));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - most);
  const double log_sum = most + std::log(sum);
  const auto of = [&](float logit) { return static_cast<float>(static_cast<double>(logit) - log_sum); };
  // In `top` stand logits at first, sorted; few enough to be moved by hand.
  size_t n = 0;
  for (size_t i = 0; i < logits.size() && !top.empty(); ++i) {
    if (n == top.size() && !(logits[i] > top[n - 1].log_prob)) continue;
    if (n < top.size()) ++n;
    size_t place = n - 1;
    for (; place > 0 && logits[i] > top[place - 1].log_prob; --place) top[place] = top[place - 1];
    top[place] = {static_cast<int32_t>(i), logits[i]};
  }
  for (TokenLogProb& entry : top) entry.log_prob = of(entry.log_prob);
  return of(logits[static_cast<size_t>(token)]);
}

}  // namespace kinglet::engine
