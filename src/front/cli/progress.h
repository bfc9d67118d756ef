// How far a pull or an import is: a line on a terminal that is written over.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "home/store/store.h"

namespace kinglet::cli {

class ProgressLine {
 public:
  /// Does nothing where `shown` is false.
  explicit ProgressLine(bool shown) : shown_(shown) {}
  /// Leaves a line as it is and goes to the next one.
  ~ProgressLine() { finish(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const store::Progress& progress);
  /// Any work: what is done and how much there is of it, in bytes.
  void show(std::string_view what, uint64_t done_bytes, uint64_t total_bytes);
  /// Work that is counted: "windows 3/32".
  void show_count(std::string_view what, size_t done, size_t total);
  /// The same where nobody knows how much there will be: "texts 300".
  void show_count(std::string_view what, size_t done);
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] double bytes_per_second() const;

  bool shown_;
  bool open_ = false;  // a line is there without its end
  std::string what_;
  Clock::time_point last_shown_;
  std::vector<std::pair<Clock::time_point, uint64_t>> samples_;  // the last seconds
};

}  // namespace kinglet::cli
