// Standard output: the result and nothing else.
#pragma once

#include <string>
#include <string_view>

namespace kinglet::cli {

/// Thrown where the reader of our output has gone (`kinglet ... | head`): no failure, only the end of the work.
struct OutputClosed {};

/// Collects what is written and hands it on in large pieces. Not thread-safe.
class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}

  /// Throws OutputClosed, or Error{kNoSpace, kIo}.
  void write(std::string_view text);
  /// Hands on what is there: after each piece of an answer, and at the end of the program.
  void flush();

 private:
  int fd_;
  std::string held_;
};

}  // namespace kinglet::cli
