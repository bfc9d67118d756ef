// The state of one sequence over a grammar.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/grammar/grammar.h"

namespace kinglet::grammar {

/// Belongs to one thread at a time. A copy costs a few words and goes on by itself; both share what is computed.
class Matcher {
 public:
  /// Tokens that rollback can take back.
  static constexpr size_t kMaxRollback = 256;

  Matcher(Grammar grammar, std::shared_ptr<const TokenTrie> trie);

  /// Bit i % 32 of word i / 32 says whether token i may come next; the end tokens where the text may end, and they
  /// alone where it has ended. Valid until the next call of a function of this matcher that is not const. All zero only
  /// where the vocabulary has no token for any byte that the grammar asks for. Throws Error{kInvalidArgument} over a
  /// limit of the text (named).
  std::span<const uint32_t> mask();
  [[nodiscard]] bool allows(int32_t token);

  /// Takes a token. False, and nothing is changed, where the grammar does not allow it.
  bool accept(int32_t token);
  /// Takes bytes, which count as one step for rollback.
  bool accept_bytes(std::string_view bytes);
  /// Whether the text so far may be all of it.
  [[nodiscard]] bool can_end();
  /// Whether an end token was taken.
  [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }

  /// The bytes that must follow, whatever is drawn; at most `most`. Takes nothing.
  [[nodiscard]] std::string forced_bytes(size_t most = 4096);
  /// The tokens that `encode` makes of the forced bytes, without the last ones, which may become another token together
  /// with what follows. Takes nothing: accept them, then evaluate them together.
  [[nodiscard]] std::vector<int32_t> forced(const std::function<std::vector<int32_t>(std::string_view)>& encode,
                                            size_t most_bytes = 4096);

  /// Takes back the last n steps. False, and nothing is changed, where fewer are remembered.
  bool rollback(size_t n);
  /// Steps that rollback can take back now.
  [[nodiscard]] size_t n_steps() const noexcept { return n_steps_; }

 private:
  void remember();
  void move_where_full();

  Grammar grammar_;
  std::shared_ptr<const TokenTrie> trie_;
  std::shared_ptr<SharedReadings> readings_;
  uint32_t position_ = 0;
  bool has_ended_ = false;
  std::shared_ptr<const std::vector<uint32_t>> mask_;
  std::vector<uint32_t> own_mask_;  // where end tokens are added
  struct Step {
    uint32_t position;
    bool has_ended;
  };
  std::vector<Step> history_;  // a ring
  size_t n_steps_ = 0;
  size_t next_step_ = 0;
};

}  // namespace kinglet::grammar
