// Another program, whose standard input and output are ours.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::system {

struct ChildOptions {
  std::vector<std::string> command = {};      ///< The program, looked for in PATH, and its arguments.
  std::vector<std::string> environment = {};  ///< NAME=VALUE: all that it sees.
  bool shows_errors = false;                  ///< Its standard error is ours; else it goes nowhere.
};

/// Runs from construction on. The destructor closes its input, gives it a moment to leave, and ends it otherwise: it
/// and the processes of its group. Used by one thread.
class ChildProcess {
 public:
  using Clock = std::chrono::steady_clock;

  /// Throws Error{kNotFound} for a program that is not there, kIo where it cannot be started.
  explicit ChildProcess(const ChildOptions& options);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Writes all of it. Throws Error{kIo} where the program does not read until then, or has ended.
  void write(std::string_view text, Clock::time_point deadline);
  /// Appends what has come, waiting for it until the deadline. False: its output has ended. Nothing is appended where
  /// nothing came. Throws Error{kIo}.
  bool read(std::string& text, Clock::time_point deadline);

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

 private:
  bool wait_until(Clock::time_point deadline) noexcept;
  void end() noexcept;

  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
};

}  // namespace kinglet::system
