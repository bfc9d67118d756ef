// Reads a reply while it comes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "run/chat/reply/call_reader.h"
#include "run/chat/reply/reply_format.h"
#include "run/chat/reply/tool_set.h"

namespace kinglet::chat {

struct ReplyReaderOptions {
  std::string opened = {};  ///< ReplyFormat::opened_by of the prompt.
  uint64_t id_seed = 0;     ///< For the ids of calls.
};

/// Takes pieces of a reply, cut anywhere, with the spellings of ReplyFormat::shown_tokens in them, and gives events.
/// However it is cut, the events are the same once deltas are joined. Nothing is lost: what is no call after all is
/// text. What is held back is bounded (CallReader::kMaxHeld; kMaxHeldArguments). Not thread-safe.
class ReplyReader {
 public:
  /// Without tools nothing is a call. Both outlive the reader.
  ReplyReader(const ReplyFormat& format, const ToolSet& tools, const ReplyReaderOptions& options = {});

  /// Appends what is known now.
  void add(std::string_view piece, std::vector<ReplyEvent>& events);
  /// The reply is over.
  void finish(std::vector<ReplyEvent>& events);

  /// Calls that began.
  [[nodiscard]] size_t n_calls() const noexcept { return n_calls_; }

 private:
  struct Found {
    size_t at = std::string::npos;  // of a mark, of a trigger, or of what may become one
    size_t size = 0;                // 0: not known yet
    const Mark* mark = nullptr;
    const CallSyntax* call = nullptr;
  };
  void run(bool at_end, std::vector<ReplyEvent>& events);
  void begin_call(const CallSyntax& syntax);
  bool run_call(bool at_end, std::vector<ReplyEvent>& events);
  [[nodiscard]] Found find(bool at_end) const;
  [[nodiscard]] Found match_at(size_t at, bool is_start, bool at_end) const;
  [[nodiscard]] bool is_active(Mark::From from, bool is_start) const;
  void give(std::string_view text, std::vector<ReplyEvent>& events);
  void give_space(std::vector<ReplyEvent>& events);
  void pass_mark();

  const ReplyFormat& format_;
  const ToolSet& tools_;
  CallIds ids_;
  size_t n_calls_ = 0;
  Channel channel_ = Channel::kText;
  const CallSyntax* syntax_ = nullptr;  // of call_
  std::optional<CallReader> call_;
  std::string buffer_;
  std::string space_;     // at the end of what was given, until more of the same follows
  bool is_start_ = true;  // only blanks since the start, or since a mark
  bool trims_ = false;    // behind a mark blanks do not count
};

}  // namespace kinglet::chat
