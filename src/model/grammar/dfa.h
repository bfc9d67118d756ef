// Sets of byte strings as deterministic automata, minimal and closed under the operations of sets.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::grammar {

/// A minimal deterministic automaton over bytes. Constant once made. Every state but kDead can still reach acceptance.
class Dfa {
 public:
  static constexpr uint32_t kDead = 0;
  /// More states than this end in Error{kInvalidArgument}.
  static constexpr size_t kMaxStates = 40'000;

  /// The empty set.
  Dfa() : Dfa(std::array<uint8_t, 256>{}, 1, {kDead}, {0}, kDead) {}

  [[nodiscard]] uint32_t start() const noexcept { return start_; }
  [[nodiscard]] uint32_t next(uint32_t state, uint8_t byte) const noexcept {
    return table_[size_t{state} * n_classes_ + class_of_[byte]];
  }
  [[nodiscard]] bool accepts(uint32_t state) const noexcept { return accepts_[state] != 0; }
  /// Whether any byte leads on.
  [[nodiscard]] bool goes_on(uint32_t state) const noexcept { return goes_on_[state] != 0; }
  /// States, the dead one too; those alive are 1 ... size() - 1.
  [[nodiscard]] uint32_t size() const noexcept { return static_cast<uint32_t>(accepts_.size()); }
  [[nodiscard]] bool is_empty() const noexcept { return start_ == kDead; }
  [[nodiscard]] bool is_finite() const;
  [[nodiscard]] bool contains(std::string_view text) const noexcept;
  /// A digest of the content: equal sets have equal ones.
  [[nodiscard]] uint64_t fingerprint() const noexcept { return fingerprint_; }

  static Dfa intersection(const Dfa& a, const Dfa& b);
  static Dfa union_of(const Dfa& a, const Dfa& b);
  /// What is in `a` and not in `b`.
  static Dfa difference(const Dfa& a, const Dfa& b);
  /// Exactly these texts.
  static Dfa of_texts(const std::vector<std::string>& texts);

  /// The minimal automaton of any deterministic one: `table` [n_states, n_classes] with kDead = 0 for no way on.
  static Dfa minimal(const std::array<uint8_t, 256>& class_of, size_t n_classes, const std::vector<uint32_t>& table,
                     const std::vector<uint8_t>& accepts, uint32_t start);

 private:
  Dfa(const std::array<uint8_t, 256>& class_of, size_t n_classes, std::vector<uint32_t> table,
      std::vector<uint8_t> accepts, uint32_t start);
  template <class Accepts>
  static Dfa product(const Dfa& a, const Dfa& b, const Accepts& accepts);

  std::array<uint8_t, 256> class_of_;
  size_t n_classes_;
  std::vector<uint32_t> table_;
  std::vector<uint8_t> accepts_;
  std::vector<uint8_t> goes_on_;
  uint32_t start_;
  uint64_t fingerprint_ = 0;
};

/// A nondeterministic automaton under construction. States are added one by one and never taken away.
class Nfa {
 public:
  static constexpr size_t kMaxStates = 400'000;

  /// Throws Error{kInvalidArgument} over kMaxStates.
  uint32_t add_state();
  void add_bytes(uint32_t from, uint8_t low, uint8_t high, uint32_t to) {
    states_[from].edges.push_back({low, high, to});
  }
  void add_epsilon(uint32_t from, uint32_t to) { states_[from].epsilons.push_back(to); }
  /// Leads from `from` over the bytes of the text to the state that is returned.
  uint32_t add_text(uint32_t from, std::string_view text);
  /// The UTF-8 of the characters `low` to `high`, which are not surrogates.
  void add_characters(uint32_t from, uint32_t low, uint32_t high, uint32_t to);
  /// Between `from` and `to` whatever the automaton accepts.
  void add_dfa(uint32_t from, const Dfa& dfa, uint32_t to);
  [[nodiscard]] size_t size() const noexcept { return states_.size(); }

  /// Throws Error{kInvalidArgument} where it takes more than Dfa::kMaxStates states.
  [[nodiscard]] Dfa determinized(uint32_t start, uint32_t accepting) const;

 private:
  struct Edge {
    uint8_t low;
    uint8_t high;
    uint32_t to;
  };
  struct State {
    std::vector<Edge> edges;
    std::vector<uint32_t> epsilons;
  };
  std::vector<State> states_;
};

/// Calls use(bytes, n) for sequences of at most 4 ranges {low, high} that together are the UTF-8 of `low` to `high`.
/// Surrogates in between are left out.
template <class Use>
void for_each_utf8_range(uint32_t low, uint32_t high, const Use& use) {
  struct Range {
    uint8_t low;
    uint8_t high;
  };
  const auto split = [&](const auto& self, uint32_t from, uint32_t to) -> void {
    if (from > to) return;
    if (from < 0xD800 && to > 0xDFFF) {
      self(self, from, 0xD7FF);
      return self(self, 0xE000, to);
    }
    if (from >= 0xD800 && from <= 0xDFFF) return self(self, 0xE000, to);
    if (to >= 0xD800 && to <= 0xDFFF) return self(self, from, 0xD7FF);
    for (const uint32_t limit : {0x7FU, 0x7FFU, 0xFFFFU}) {
      if (from <= limit && to > limit) {
        self(self, from, limit);
        return self(self, limit + 1, to);
      }
    }
    const int length = to < 0x80 ? 1 : to < 0x800 ? 2 : to < 0x10000 ? 3 : 4;
    for (int i = 1; i < length; ++i) {
      const uint32_t mask = (1U << (6U * static_cast<uint32_t>(i))) - 1;
      if ((from & ~mask) == (to & ~mask)) continue;
      if ((from & mask) != 0) {
        self(self, from, from | mask);
        return self(self, (from | mask) + 1, to);
      }
      if ((to & mask) != mask) {
        self(self, from, (to & ~mask) - 1);
        return self(self, to & ~mask, to);
      }
    }
    constexpr uint32_t kFirst[] = {0, 0, 0xC0, 0xE0, 0xF0};
    std::array<Range, 4> ranges;
    for (int i = 0; i < length; ++i) {
      const auto shift = static_cast<uint32_t>(6 * (length - 1 - i));
      const uint32_t base = i == 0 ? kFirst[length] : 0x80;
      const uint32_t bits = i == 0 ? 0xFF : 0x3F;
      ranges[static_cast<size_t>(i)] = {static_cast<uint8_t>(base | ((from >> shift) & bits)),
                                        static_cast<uint8_t>(base | ((to >> shift) & bits))};
    }
    use(ranges.data(), static_cast<size_t>(length));
  };
  split(split, low, high);
}

/// Adds states and bytes to an automaton that is being built, so that this text leads from `from` to what is returned.
template <class Builder>
uint32_t add_text_to(Builder& builder, uint32_t from, std::string_view text) {
  for (const char c : text) {
    const uint32_t to = builder.add_state();
    builder.add_bytes(from, static_cast<uint8_t>(c), static_cast<uint8_t>(c), to);
    from = to;
  }
  return from;
}

/// The same for any one of these characters, from `from` to `to`.
template <class Builder>
void add_characters_to(Builder& builder, uint32_t from, uint32_t low, uint32_t high, uint32_t to) {
  for_each_utf8_range(low, high, [&](const auto* ranges, size_t n) {
    uint32_t at = from;
    for (size_t i = 0; i < n; ++i) {
      const uint32_t next = i + 1 == n ? to : builder.add_state();
      builder.add_bytes(at, ranges[i].low, ranges[i].high, next);
      at = next;
    }
  });
}

}  // namespace kinglet::grammar
