// Where the readers of calls put what they read.
#pragma once

#include <string>
#include <string_view>

#include "run/chat/reply/tool_set.h"
#include "run/chat/reply/value_reader.h"

namespace kinglet::chat {

/// Takes the parts of one call after another: name, begin, arguments, end.
class CallSink {
 public:
  virtual ~CallSink() = default;
  /// Names the tool of the next call. Null: there is no such tool, so this is no call.
  virtual const Tool* set_name(std::string_view name) = 0;
  virtual void begin() = 0;
  virtual void arguments(std::string_view json) = 0;
  virtual void end(bool complete) = 0;
};

/// Reads a piece of a call that holds arguments. Text that is not taken comes again with more behind it.
class ArgumentsReader {
 public:
  virtual ~ArgumentsReader() = default;
  /// Gives how many bytes it took. `at_end`: nothing will follow.
  virtual size_t take(std::string_view text, bool at_end) = 0;
  [[nodiscard]] Reading state() const noexcept { return state_; }
  /// What it took without having given it on.
  [[nodiscard]] virtual std::string held() const { return {}; }

 protected:
  Reading state_ = Reading::kMore;
};

}  // namespace kinglet::chat
