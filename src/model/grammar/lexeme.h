// A set of texts that grammars read as one unit: an automaton, with a count of characters where a string is bounded.
// Internal to model/grammar.
#pragma once

#include <cstdint>
#include <memory>

#include "model/grammar/dfa.h"

namespace kinglet::grammar {

/// The states of the automaton; of a counted one a copy of them for each count, numbered one after the other, so that a
/// limit of 65,535 characters costs numbers and no memory.
struct Lexeme {
  static constexpr uint32_t kNoLimit = UINT32_MAX;
  static constexpr uint32_t kDead = Dfa::kDead;

  std::shared_ptr<const Dfa> dfa;
  /// The state between two characters of a quoted string, whose one accepting state is entered by the last quote; kDead
  /// where nothing is counted.
  uint32_t body = Dfa::kDead;
  uint32_t least = 0;
  uint32_t most = kNoLimit;

  [[nodiscard]] bool is_counted() const noexcept { return body != Dfa::kDead; }
  [[nodiscard]] uint32_t last_count() const noexcept { return most == kNoLimit ? least : most; }
  /// States.
  [[nodiscard]] uint32_t size() const noexcept { return is_counted() ? dfa->size() * (last_count() + 1) : dfa->size(); }
  [[nodiscard]] uint32_t start() const noexcept { return dfa->start(); }
  [[nodiscard]] uint32_t count_of(uint32_t state) const noexcept { return is_counted() ? state / dfa->size() : 0; }
  [[nodiscard]] uint32_t dfa_state(uint32_t state) const noexcept { return is_counted() ? state % dfa->size() : state; }
  [[nodiscard]] bool accepts(uint32_t state) const noexcept { return dfa->accepts(dfa_state(state)); }
  [[nodiscard]] bool goes_on(uint32_t state) const noexcept { return dfa->goes_on(dfa_state(state)); }
  [[nodiscard]] uint32_t next(uint32_t state, uint8_t byte) const noexcept {
    if (!is_counted()) return dfa->next(state, byte);
    uint32_t count = state / dfa->size();
    const uint32_t from = state % dfa->size();
    const uint32_t to = dfa->next(from, byte);
    if (to == kDead) return kDead;
    if (from == body) {
      const bool may = dfa->accepts(to) ? count >= least : count < most;
      if (!may) return kDead;
    }
    if (to == body && from != dfa->start() && count < last_count()) ++count;
    return count * dfa->size() + to;
  }
  /// Equal for equal sets.
  [[nodiscard]] uint64_t fingerprint() const noexcept {
    return dfa->fingerprint() ^ (is_counted() ? (uint64_t{least} << 32U | most) * 0x9E3779B97F4A7C15U : 0);
  }
};

}  // namespace kinglet::grammar
