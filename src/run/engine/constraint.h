// What a request may say about which token can follow: a grammar, from the engine's side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kinglet::engine {

/// Where one answer stands in what it may become. It belongs to one request; the engine calls it from its own thread
/// and, for masks, from another one, never from two at once. What a call throws ends the request alone.
class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;

  /// Which tokens may follow: bit i % 32 of word i / 32 is token i, tokens that end the answer among them; those beyond
  /// the last word may not. Called while the model runs. Valid until the next call.
  virtual std::span<const uint32_t> mask() = 0;

  /// Goes on behind a token that was chosen, or was forced. Not called for one that ended the answer.
  virtual void accept(int32_t token) = 0;

  /// Appends the tokens that must follow one after the other, if what may follow is one text only and its spelling in
  /// tokens is sure, and says how many. Nothing is accepted by it: the engine does that with each. They take no run of
  /// the model each but are rows of the next one together.
  virtual size_t forced(std::vector<int32_t>& tokens) = 0;
};

/// Whether a mask has the bit of a token.
inline bool allows(std::span<const uint32_t> mask, size_t token) noexcept {
  return token / 32 < mask.size() && (mask[token / 32] >> (token % 32) & 1U) != 0;
}

}  // namespace kinglet::engine
