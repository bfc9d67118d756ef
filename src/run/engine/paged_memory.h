// What sequences of an engine keep between steps: pages of keys and values by group of layers, and states. Pools hold
// all of it, sized when the engine begins; each sequence has its part.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/graph/graph.h"
#include "run/engine/page_pool.h"

namespace kinglet::engine {

/// Memory of all sequences and of the cache of prefixes. Used by the engine's thread alone.
struct Pools {
  struct Sizes {
    size_t context_len;
    size_t max_sequences;
    size_t step;  ///< Most rows that a step adds to a sequence.
  };

  /// Room for max_sequences of context_len tokens each, whatever the cache holds, and for prefixes beside them: of
  /// groups without a window what the sequences leave, of those with one kKept windows a sequence (all of the context
  /// at most), and as many states. Throws Error{kOutOfMemory}.
  Pools(const graph::SequenceLayout& of, const Sizes& sizes);

  /// Windows and states for each sequence that the cache of prefixes may keep: one where its prompt ends, one where it
  /// ends itself, and those of another one before it.
  static constexpr size_t kKept = 4;

  [[nodiscard]] size_t size_bytes() const noexcept;

  graph::SequenceLayout layout;
  std::vector<PagePool> groups;    ///< A page: keys of kernels::kPageTokens tokens, then their values.
  std::optional<PagePool> states;  ///< A page: the state of one sequence. None where the model has none.
};

/// A beginning of a text, whole pages of tokens only: where its keys and values are. Whoever has it holds a reference
/// to each of its pages.
struct Prefix {
  size_t n_pages = 0;
  std::vector<std::vector<PageId>> pages = {};  ///< By group; kNoPage for those that no later row sees.
  PageId state = kNoPage;                       ///< After its last token; kNoPage: not known.
};

class PrefixCache;

/// One sequence's part of the pools; all is given back at its end.
class PagedMemory {
 public:
  /// Begins with what the cache knows of `tokens`. Throws std::bad_alloc; later only where the cache does.
  PagedMemory(Pools& pools, PrefixCache& cache, size_t variant, std::span<const int32_t> tokens, size_t max_tokens);
  ~PagedMemory();
  PagedMemory(const PagedMemory&) = delete;
  PagedMemory& operator=(const PagedMemory&) = delete;

  /// Tokens that were known.
  [[nodiscard]] size_t n_known() const noexcept { return n_known_; }

  /// Before a step of n_rows behind n_past tokens: gives back pages that no row sees any more, not even from the last
  /// whole page of tokens on (where a prefix may end), and takes pages for the new rows: where pools have none that is
  /// free the cache gives some up. There are always enough, as Pools says.
  void advance(size_t n_past, size_t n_rows);
  /// Of one that begins with nothing: takes the pages that a row behind so many tokens sees, whole pages of them, and a
  /// state, to be filled through page() and kept_state().
  void begin_at(size_t n_tokens);
  /// Copies the state, which is that after n_tokens, a whole number of pages.
  void keep_state(size_t n_tokens);
  /// Makes what begins the text known to the cache, up to its last whole page (with states: up to where the last one
  /// was kept); pages that it knows already are exchanged for those.
  void share(size_t variant, std::span<const int32_t> tokens);

  /// One that it holds: keys, then values. Readable by any thread as long as it lives.
  [[nodiscard]] std::span<std::byte> page(size_t group_idx, size_t page_idx) noexcept;
  /// The state that it keeps; empty: none.
  [[nodiscard]] std::span<std::byte> kept_state() noexcept;

  /// As rows of a batch want them (ops::SequenceRows).
  [[nodiscard]] const ops::KvPages* pages() const noexcept { return views_.data(); }
  [[nodiscard]] std::byte* state() noexcept { return state_ == kNoPage ? nullptr : pools_.states->bytes(state_); }
  /// Pages of a group that it holds now.
  [[nodiscard]] size_t n_held(size_t group_idx) const noexcept;

 private:
  PagedMemory(Pools& pools, PrefixCache& cache) noexcept : pools_(pools), cache_(cache) {}
  PageId new_state();
  void take_pages(size_t group_idx, size_t n_pages);
  void place(size_t group_idx, size_t page_idx) noexcept;

  Pools& pools_;
  PrefixCache& cache_;
  std::vector<std::vector<PageId>> held_;      // by group; kNoPage for those given back
  std::vector<size_t> first_;                  // of each group the first page that is held
  std::vector<std::vector<std::byte*>> keys_;  // by group
  std::vector<std::vector<std::byte*>> values_;
  std::vector<ops::KvPages> views_;
  size_t n_known_ = 0;
  PageId state_ = kNoPage;
  PageId kept_state_ = kNoPage;
  size_t kept_at_ = 0;  // tokens
};

}  // namespace kinglet::engine
