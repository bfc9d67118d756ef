// A line that a person types, with editing and history. The library behind it (libedit) is not seen.
#pragma once

#include <memory>
#include <string>

namespace kinglet::cli {

/// One terminal. Not thread-safe; one at a time.
class LineEditor {
 public:
  enum class Event {
    kLine,
    kInterrupt,  ///< Ctrl-C: the line is dropped.
    kEnd,        ///< Ctrl-D on an empty line, or the terminal is gone.
  };

  /// Reads the history from this file where it is there; each line that is remembered is written to it.
  explicit LineEditor(std::string history_path);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  /// Shows the prompt and reads a line, without its end. Pasted text may hold line breaks.
  Event read(const std::string& prompt, std::string& line);
  /// Remembers a line; where history is off does nothing.
  void remember(const std::string& line);
  void keep_history(bool on) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kinglet::cli
