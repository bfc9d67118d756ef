// Follows one spelling of calls through the text of a reply.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "run/chat/reply/argument_readers.h"
#include "run/chat/reply/call_ids.h"
#include "run/chat/reply/call_pattern.h"
#include "run/chat/reply/reply_event.h"

namespace kinglet::chat {

/// Reads what begins with a syntax's trigger: a call, or a section of them. All that is given to it outlives it.
class CallReader : private CallSink {
 public:
  /// What is kept of a text until it is known to be a call, in bytes.
  static constexpr size_t kMaxHeld = size_t{16} << 10;

  /// `n_calls`: calls that the reply has so far; counts on.
  CallReader(const CallSyntax& syntax, const ToolSet& tools, CallIds& ids, size_t& n_calls);

  /// Takes all of the text and adds events. `at_end`: nothing will follow.
  void add(std::string_view text, bool at_end, std::vector<ReplyEvent>& events);
  [[nodiscard]] Reading state() const noexcept { return state_; }
  /// Behind kDone or kFailed: the text that belongs to no call. All of it where no call began.
  [[nodiscard]] const std::string& rest() const noexcept { return rest_; }
  [[nodiscard]] bool has_calls() const noexcept { return has_calls_; }

 private:
  struct Frame {
    const Patterns* parts;
    size_t next = 0;
    const Pattern* repeat = nullptr;  // whose parts these are
  };
  enum class Match : uint8_t { kYes, kNo, kMore };

  const Tool* set_name(std::string_view name) override;
  void begin() override;
  void arguments(std::string_view json) override;
  void end(bool complete) override;

  Match step(bool at_end);
  Match step_round(bool at_end);
  Match step_literal(std::string_view text, bool at_end);
  Match step_word(const Pattern& pattern, bool at_end);
  Match step_skip(std::string_view text);
  Match step_arguments(const Pattern& pattern, bool at_end);
  [[nodiscard]] Match begins(const Pattern& pattern, size_t at, bool at_end) const;
  [[nodiscard]] size_t skip_space(size_t at) const;
  [[nodiscard]] std::string_view left() const { return std::string_view(buffer_).substr(at_); }
  void stop(Reading state);

  const CallSyntax& syntax_;
  const ToolSet& tools_;
  CallIds& ids_;
  size_t& n_calls_;
  std::vector<ReplyEvent>* events_ = nullptr;
  Reading state_ = Reading::kMore;
  std::vector<Frame> frames_;
  std::unique_ptr<ArgumentsReader> reader_;
  std::string buffer_;
  size_t at_ = 0;    // of what was not taken yet
  size_t kept_ = 0;  // where the trigger, or what is behind the last call, begins
  std::string rest_;
  bool has_calls_ = false;
  bool in_call_ = false;  // began and did not end
  const Tool* tool_ = nullptr;
  std::string id_;  // the model's
};

}  // namespace kinglet::chat
