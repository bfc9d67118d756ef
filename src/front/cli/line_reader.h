// Texts of standard input, a line each, as they come: answers go out while more is read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "front/cli/interrupt.h"

namespace kinglet::cli {

class LineReader {
 public:
  struct Line {
    std::string text;
    size_t number;  ///< Of the line, from 1.
  };

  /// Of JSON lines each is a string, and empty ones are none. `interrupt` outlives it.
  LineReader(bool is_json, const InterruptWatch& interrupt) : is_json_(is_json), interrupt_(interrupt) {}

  /// Waits for a line and takes those that have come, `max_lines` at most; none: the input has ended. Throws
  /// Error{kInvalidArgument} "line N: ..." for one that is no UTF-8, no JSON string, or longer than kMaxInputBytes,
  /// kIo, and kCancelled at Ctrl-C.
  std::vector<Line> next(size_t max_lines);

 private:
  /// Reads more; false at the end.
  bool read_more();
  void take(std::string_view line, std::vector<Line>& lines);

  const bool is_json_;
  const InterruptWatch& interrupt_;
  std::string held_;  // what has come and is not taken, from done_ on
  size_t done_ = 0;
  size_t seen_ = 0;  // there is no line break before it
  size_t n_lines_ = 0;
  bool has_ended_ = false;
};

}  // namespace kinglet::cli
