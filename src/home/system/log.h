// A log: lines that a thread of its own writes, so that whoever has something to say never waits for a disk.
//
// A line is a JSON object with time, level, event and what belongs to it, or the same as words. What cannot be written,
// because the disk is full or nobody reads the pipe, is dropped and counted, and the next line that can be written says
// how much is missing.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <thread>

#include "core/base/mutex.h"
#include "home/system/file.h"
#include "home/system/json.h"

namespace kinglet::system {

enum class LogLevel { kError, kWarning, kInfo, kDebug };

/// Reads "error", "warning", "info" or "debug". Throws Error{kInvalidArgument}.
LogLevel parse_log_level(std::string_view text);

struct LogOptions {
  std::string path = {};  ///< A file that lines are added to; empty: standard error.
  bool json = true;       ///< Else words: TIME LEVEL EVENT NAME=VALUE ...
  LogLevel level = LogLevel::kInfo;
  size_t max_waiting = 10'000;  ///< Lines that wait to be written; more are dropped.
};

/// Any thread.
class Log {
 public:
  /// Throws Error{kIo or kNoSpace} for a file that cannot be opened.
  explicit Log(LogOptions options);
  /// Writes what waits, as far as it goes without waiting.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  [[nodiscard]] bool wants(LogLevel level) const noexcept { return level <= options_.level; }
  /// Adds a line if the level is wanted. `event` says what happened in one word or two; fields are values, no
  /// containers.
  void write(LogLevel level, std::string_view event, JsonObject fields = {});
  /// Opens the file anew, as it may have been moved away. Throws as the constructor; then the old one stays.
  void reopen();
  /// Lines that are lost so far.
  [[nodiscard]] uint64_t n_dropped() const noexcept { return n_dropped_; }

 private:
  [[nodiscard]] FileDescriptor open() const;
  [[nodiscard]] std::string line(int64_t time_us, LogLevel level, std::string_view event, JsonObject fields) const;
  void run();
  bool put(std::string_view bytes);
  void put_line(std::string_view text);

  const LogOptions options_;
  std::atomic<uint64_t> n_dropped_{0};
  Mutex mutex_;
  Condition changed_;
  std::deque<std::string> waiting_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  Mutex file_mutex_;
  FileDescriptor file_ GUARDED_BY(file_mutex_);
  std::atomic<bool> in_a_hurry_{false};  ///< Its end: what does not go now is lost.
  uint64_t n_told_ = 0;                  ///< Of n_dropped_, in lines; the thread's own, like what follows.
  bool torn_ = false;                    ///< The last line was cut off.
  std::thread thread_;
};

/// "2026-11-25T15:04:05.123Z", of microseconds since 1970.
std::string utc_text(int64_t time_us);

}  // namespace kinglet::system
