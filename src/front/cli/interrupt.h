// Ctrl-C, as a question that work in progress asks.
#pragma once

namespace kinglet::cli {

/// While one lives, the first Ctrl-C is remembered instead of ending the program, and wakes calls that wait; a second
/// one that comes before clear() ends the program at once. One at a time.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  [[nodiscard]] bool requested() const noexcept;
  /// Forgets it: the work goes on.
  void clear() noexcept;
  /// Throws Error{kCancelled} where it was pressed.
  void check() const;
};

}  // namespace kinglet::cli
