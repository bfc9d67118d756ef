// Ctrl-C, as a question that work in progress asks.
#pragma once

#include <memory>

namespace kinglet::cli {

/// While one lives, Ctrl-C is remembered instead of ending the program, and wakes calls that wait. When it ends, what
/// was before is so again: one may live inside another.
class InterruptWatch {
 public:
  enum class Second {
    kEndsProgram,  ///< Somebody who presses twice before clear() does not want to wait.
    kIsLikeFirst,
  };
  explicit InterruptWatch(Second second = Second::kEndsProgram);
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  [[nodiscard]] bool requested() const noexcept;
  /// Forgets it: the work goes on.
  void clear() noexcept;
  /// Throws Error{kCancelled} where it was pressed.
  void check() const;

 private:
  struct Before;
  std::unique_ptr<Before> before_;
};

}  // namespace kinglet::cli
