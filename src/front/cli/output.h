// Standard output: the result and nothing else.
#pragma once

#include <string>
#include <string_view>

namespace kinglet::cli {

/// Thrown where the reader of our output has gone (`kinglet ... | head`): no failure, only the end of the work.
struct OutputClosed {};

/// Collects what is written and hands it on in large pieces. A terminal gets no control characters but line breaks and
/// tabs: what models and their files say may not move its cursor or change its settings. Not thread-safe.
class Output {
 public:
  explicit Output(int fd);

  /// Throws OutputClosed, or Error{kNoSpace, kIo}.
  void write(std::string_view text);
  /// Hands on what is there: after each piece of an answer, and at the end of the program.
  void flush();

 private:
  int fd_;
  bool is_terminal_;
  std::string held_;
};

/// The text with U+FFFD in place of each control character but \n and \t. Text that is UTF-8 stays so.
std::string without_controls(std::string_view text);

}  // namespace kinglet::cli
