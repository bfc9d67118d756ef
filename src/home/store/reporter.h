// Progress told to the caller, and the caller's wish to stop.
#pragma once

#include <chrono>
#include <string>

#include "home/store/store.h"

namespace kinglet::store {

/// One call's progress. One thread.
class Reporter {
 public:
  /// The callback outlives it; it may be empty.
  explicit Reporter(const ProgressCallback& callback) : callback_(callback) {}

  /// Begins a step. Throws Error{kCancelled}.
  void begin(Step step, std::string item = "", uint64_t total_bytes = 0);
  /// Tells how far the step is, not more often than anybody can see. Throws Error{kCancelled}.
  void advance_to(uint64_t done_bytes);
  /// Lets the caller look; false once it wants to stop. Cheap to ask.
  [[nodiscard]] bool keep_going();

 private:
  void tell();

  const ProgressCallback& callback_;
  Progress progress_;
  std::chrono::steady_clock::time_point told_;
  bool stopped_ = false;
};

}  // namespace kinglet::store
