// Something that turns while nothing is to be seen yet.
#pragma once

#include <cstddef>

namespace kinglet::cli {

class Spinner {
 public:
  /// Does nothing where `shown` is false.
  explicit Spinner(bool shown) noexcept : shown_(shown) {}
  ~Spinner() { stop(); }
  Spinner(const Spinner&) = delete;
  Spinner& operator=(const Spinner&) = delete;

  /// The next picture.
  void turn() noexcept;
  /// Wipes it away, for good.
  void stop() noexcept;

 private:
  bool shown_;
  size_t n_turns_ = 0;
};

}  // namespace kinglet::cli
