#include "run/engine/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "run/engine/constraint.h"

namespace kinglet::engine {
namespace {

constexpr float kBanned = -std::numeric_limits<float>::infinity();
constexpr float kMost = std::numeric_limits<float>::max();

// Of equal logits the token with the lower id comes first, so that ties do not depend on the path taken.
bool is_better(const Candidate& a, const Candidate& b) noexcept {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

// The most likely token; NaN is never chosen. -1 where nothing may be.
int32_t most_likely(std::span<const float> logits) noexcept {
  int32_t best = -1;
  float top = kBanned;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i] > top)) continue;
    top = logits[i];
    best = static_cast<int32_t>(i);
  }
  return best;
}

// The same of those that the mask allows, read word by word: few are.
int32_t most_likely(std::span<const float> logits, std::span<const uint32_t> mask) noexcept {
  int32_t best = -1;
  float top = kBanned;
  for (size_t word = 0; word < mask.size(); ++word) {
    for (uint32_t bits = mask[word]; bits != 0; bits &= bits - 1) {
      const size_t token = word * 32 + static_cast<size_t>(std::countr_zero(bits));
      if (token >= logits.size() || !(logits[token] > top)) continue;
      top = logits[token];
      best = static_cast<int32_t>(token);
    }
  }
  return best;
}

}  // namespace

Sampler::Sampler(SamplingParams params, size_t vocab_size)
    : params_(std::move(params)), random_(params_.seed), mirostat_mu_(2.0F * params_.mirostat_tau) {
  if (!plain_greedy()) candidates_.reserve(vocab_size);
  if (has_penalties()) counts_.resize(vocab_size);
  if (params_.dry_multiplier > 0.0F) longest_.resize(vocab_size);
}

void Sampler::reserve(size_t n_tokens) {
  history_.reserve(n_tokens);
  if (params_.dry_multiplier > 0.0F) matches_.reserve(n_tokens);
}

bool Sampler::has_penalties() const noexcept {
  return params_.penalty_last_n != 0 &&
         (params_.repetition_penalty != 1.0F || params_.frequency_penalty != 0.0F || params_.presence_penalty != 0.0F);
}

bool Sampler::plain_greedy() const noexcept {
  return params_.temperature <= 0.0F && !has_penalties() && params_.dry_multiplier <= 0.0F &&
         params_.logit_bias.empty() && !params_.mirostat;
}

void Sampler::observe(std::span<const int32_t> tokens) {
  for (const int32_t token : tokens) observe(token);
}

void Sampler::observe(int32_t token) {
  history_.push_back(token);
  if (!has_penalties()) return;
  ++counts_[static_cast<size_t>(token)];
  const size_t n = history_.size();
  if (params_.penalty_last_n < 0 || n <= static_cast<size_t>(params_.penalty_last_n)) return;
  --counts_[static_cast<size_t>(history_[n - 1 - static_cast<size_t>(params_.penalty_last_n)])];
}

int32_t Sampler::sample(std::span<const float> logits, std::optional<std::span<const uint32_t>> mask) {
  if (plain_greedy()) return mask ? most_likely(logits, *mask) : most_likely(logits);
  fill(logits);
  apply_bias();
  apply_penalties();
  apply_dry();
  if (mask) apply_mask(*mask);
  // A damaged model may give NaN, which no order would hold with.
  std::erase_if(candidates_, [](const Candidate& candidate) { return !(candidate.logit > kBanned); });
  if (candidates_.empty()) return -1;
  if (params_.temperature <= 0.0F) return std::ranges::min_element(candidates_, is_better)->id;
  if (params_.mirostat) return draw_mirostat();
  if (params_.top_k > 0) keep_top_k(params_.top_k);
  if (params_.typical_p < 1.0F) keep_typical();
  if (params_.top_p < 1.0F) keep_top_p();
  if (params_.min_p > 0.0F) keep_min_p();
  if (params_.xtc_probability > 0.0F && params_.xtc_threshold <= 0.5F) exclude_top_choices();
  return draw();
}

void Sampler::fill(std::span<const float> logits) {
  candidates_.resize(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    // Not infinite, so that differences are numbers.
    const float logit = logits[i] > kMost ? kMost : logits[i];
    candidates_[i] = {static_cast<int32_t>(i), logit, 0.0F};
  }
  sorted_ = false;
}

void Sampler::apply_mask(std::span<const uint32_t> mask) {
  std::erase_if(candidates_, [&](const Candidate& of) { return !allows(mask, static_cast<size_t>(of.id)); });
}

void Sampler::apply_bias() {
  for (const auto& [token, bias] : params_.logit_bias) candidates_[static_cast<size_t>(token)].logit += bias;
}

void Sampler::apply_penalties() {
  for (size_t token = 0; token < counts_.size(); ++token) {
    if (counts_[token] == 0) continue;
    float& logit = candidates_[token].logit;
    logit = logit > 0.0F ? logit / params_.repetition_penalty : logit * params_.repetition_penalty;
    logit -= static_cast<float>(counts_[token]) * params_.frequency_penalty + params_.presence_penalty;
  }
}

// A token that would lengthen a repetition of the last tokens to n > allowed length loses multiplier * base^(n -
// allowed). matches_[i] is how far the text that ends i tokens before the newest one agrees with the text that ends at
// it: the Z-function of the reversed history, in linear time.
void Sampler::apply_dry() {
  if (params_.dry_multiplier <= 0.0F) return;
  size_t n = history_.size();
  if (params_.dry_last_n >= 0) n = std::min(n, static_cast<size_t>(params_.dry_last_n));
  const auto back = [&](size_t i) { return history_[history_.size() - 1 - i]; };
  const auto is_breaker = [&](int32_t token) {
    return std::ranges::find(params_.dry_breakers, token) != params_.dry_breakers.end();
  };
  // A match never reaches past the newest breaker.
  size_t limit = 0;
  while (limit < n && !is_breaker(back(limit))) ++limit;
  matches_.assign(n, 0);
  size_t left = 0;
  size_t right = 0;
  for (size_t i = 1; i < n; ++i) {
    if (i < right) matches_[i] = std::min(right - i, matches_[i - left]);
    while (i + matches_[i] < n && back(matches_[i]) == back(i + matches_[i])) ++matches_[i];
    if (i + matches_[i] > right) {
      left = i;
      right = i + matches_[i];
    }
  }
  // Of what followed an earlier occurrence, the longest one counts.
  for (size_t i = 1; i < n; ++i) {
    const size_t length = std::min(matches_[i], limit);
    if (length < params_.dry_allowed_length) continue;
    size_t& longest = longest_[static_cast<size_t>(back(i - 1))];
    longest = std::max(longest, length);
  }
  for (size_t i = 1; i < n; ++i) {
    const int32_t token = back(i - 1);
    size_t& longest = longest_[static_cast<size_t>(token)];
    if (longest > 0 && !is_breaker(token)) {
      const auto exponent = static_cast<float>(longest - params_.dry_allowed_length);
      // However long the repetition is, it does not ban.
      const float penalty = std::min(params_.dry_multiplier * std::pow(params_.dry_base, exponent), 1e30F);
      candidates_[static_cast<size_t>(token)].logit -= penalty;
    }
    longest = 0;  // once for each token, and ready for the next time
  }
}

void Sampler::keep_top_k(size_t k) {
  if (k >= candidates_.size()) return;
  const auto kth = candidates_.begin() + static_cast<std::ptrdiff_t>(k);
  if (!sorted_) std::nth_element(candidates_.begin(), kth, candidates_.end(), is_better);
  candidates_.resize(k);
}

void Sampler::sort_candidates() {
  if (!sorted_) std::ranges::sort(candidates_, is_better);
  sorted_ = true;
}

// Fills p from the logits divided by the temperature.
void Sampler::softmax_candidates(float temperature) {
  const float top = std::ranges::min_element(candidates_, is_better)->logit;
  double sum = 0;
  for (Candidate& candidate : candidates_) {
    candidate.p = std::exp((candidate.logit - top) / temperature);
    sum += static_cast<double>(candidate.p);
  }
  for (Candidate& candidate : candidates_) candidate.p = static_cast<float>(static_cast<double>(candidate.p) / sum);
}

// Keeps the tokens whose surprise is nearest to the expected one, up to the given mass.
void Sampler::keep_typical() {
  softmax_candidates(1.0F);
  double entropy = 0;
  for (const Candidate& candidate : candidates_) {
    if (candidate.p > 0.0F) entropy -= static_cast<double>(candidate.p) * std::log(static_cast<double>(candidate.p));
  }
  const auto distance = [&](const Candidate& candidate) {
    return std::abs(-std::log(static_cast<double>(candidate.p)) - entropy);
  };
  std::ranges::sort(candidates_, [&](const Candidate& a, const Candidate& b) {
    const double of_a = distance(a);
    const double of_b = distance(b);
    return of_a != of_b ? of_a < of_b : is_better(a, b);
  });
  sorted_ = false;
  double mass = 0;
  size_t kept = 0;
  while (kept < candidates_.size() && (kept == 0 || mass <= static_cast<double>(params_.typical_p))) {
    mass += static_cast<double>(candidates_[kept++].p);
  }
  candidates_.resize(kept);
}

// Keeps the fewest most likely tokens whose mass reaches top_p.
void Sampler::keep_top_p() {
  softmax_candidates(1.0F);
  sort_candidates();
  double mass = 0;
  size_t kept = 0;
  while (kept < candidates_.size() && (kept == 0 || mass < static_cast<double>(params_.top_p))) {
    mass += static_cast<double>(candidates_[kept++].p);
  }
  candidates_.resize(kept);
}

// Keeps tokens that are at least min_p times as likely as the best one.
void Sampler::keep_min_p() {
  const float least = std::ranges::min_element(candidates_, is_better)->logit + std::log(params_.min_p);
  std::erase_if(candidates_, [&](const Candidate& candidate) { return candidate.logit < least; });
}

// XTC: with the given chance, of the tokens above the threshold only the least likely stays.
void Sampler::exclude_top_choices() {
  const float chance = random_.next_float();
  if (chance >= params_.xtc_probability) return;
  softmax_candidates(1.0F);
  sort_candidates();
  size_t above = 0;
  while (above < candidates_.size() && candidates_[above].p >= params_.xtc_threshold) ++above;
  if (above > 1) candidates_.erase(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(above - 1));
}

// Mirostat 2: keeps tokens whose surprise (in bits) is at most mu, and moves mu towards the target after each draw.
int32_t Sampler::draw_mirostat() {
  softmax_candidates(params_.temperature);
  sort_candidates();
  size_t kept = 0;
  while (kept < candidates_.size() && -std::log2(candidates_[kept].p) <= mirostat_mu_) ++kept;
  candidates_.resize(std::max<size_t>(1, kept));
  const int32_t token = draw();
  const auto chosen = std::ranges::find(candidates_, token, &Candidate::id);
  mirostat_mu_ -= params_.mirostat_eta * (-std::log2(chosen->p) - params_.mirostat_tau);
  return token;
}

// The inverse of the cumulative distribution, most likely first: one random number for each token.
int32_t Sampler::draw() {
  sort_candidates();
  softmax_candidates(params_.temperature);
  const double target = random_.next_double();
  double mass = 0;
  for (const Candidate& candidate : candidates_) {
    mass += static_cast<double>(candidate.p);
    if (target < mass) return candidate.id;
  }
  return candidates_.back().id;
}

}  // namespace kinglet::engine
