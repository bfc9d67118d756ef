// Requests that wait for a place, taken so that no client's many hold up another one's few.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "run/engine/generation.h"

namespace kinglet::engine {

/// Whose turn it is: of the clients that wait, that one's that has been given least, in the order in which its requests
/// came. What counts is rows that the engine computed, not requests: a prompt when it is taken, generated tokens as
/// they come. One that comes back is set level with the others, so that nobody saves up turns. (Virtual token counters:
/// Sheng et al., arXiv 2401.00588; round robin by prompts alone would not see long answers.)
///
/// Not thread-safe.
class FairQueue {
 public:
  /// A generated token takes a place of the batch for a whole step beside its row.
  static constexpr uint64_t kTokenCost = 2;

  void push(std::shared_ptr<Generation> generation);
  /// Takes the next one and charges its prompt to its client, which counts as served until leave(). Not empty.
  std::shared_ptr<Generation> pop();
  /// More that a client was given, or less: what needed no computing.
  void charge(std::string_view client, int64_t cost);
  /// One of the client's that were taken has ended.
  void leave(std::string_view client);
  /// Takes out those of which `is_unwanted` is true.
  void remove_if(const std::function<bool(Generation&)>& is_unwanted);
  /// Takes out all.
  std::vector<std::shared_ptr<Generation>> take_all();

  [[nodiscard]] size_t size() const noexcept { return n_waiting_; }
  [[nodiscard]] bool empty() const noexcept { return n_waiting_ == 0; }

 private:
  struct Waiting {
    uint64_t number;  // in the order in which all came
    std::shared_ptr<Generation> generation;
  };
  struct Client {
    int64_t given = 0;
    size_t n_served = 0;
    std::deque<Waiting> waiting = {};

    [[nodiscard]] bool is_active() const noexcept { return n_served > 0 || !waiting.empty(); }
  };

  [[nodiscard]] int64_t least_given() const noexcept;
  void forget_level();

  std::map<std::string, Client, std::less<>> clients_;
  uint64_t n_pushed_ = 0;
  size_t n_waiting_ = 0;
};

}  // namespace kinglet::engine
