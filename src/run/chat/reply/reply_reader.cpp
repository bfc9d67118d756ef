#include "run/chat/reply/reply_reader.h"

#include <algorithm>

#include "core/base/base.h"

namespace kinglet::chat {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr size_t kMaxSpace = 4096;  // bytes

}  // namespace

ReplyReader::ReplyReader(const ReplyFormat& format, const ToolSet& tools, const ReplyReaderOptions& options)
    : format_(format), tools_(tools), ids_(format.ids, options.id_seed), buffer_(options.opened) {}

void ReplyReader::add(std::string_view piece, std::vector<ReplyEvent>& events) {
  buffer_ += piece;
  run(false, events);
}

void ReplyReader::finish(std::vector<ReplyEvent>& events) {
  run(true, events);
  if (!trims_) give_space(events);
}

void ReplyReader::run(bool at_end, std::vector<ReplyEvent>& events) {
  while (true) {
    if (call_ && !run_call(at_end, events)) return;
    const Found found = find(at_end);
    const size_t n_text = std::min(found.at, buffer_.size());
    give(std::string_view(buffer_).substr(0, n_text), events);
    buffer_.erase(0, n_text);
    if (found.mark == nullptr && found.call == nullptr) return;
    if (found.call != nullptr) {
      begin_call(*found.call);
    } else {
      buffer_.erase(0, found.size);
      channel_ = found.mark->to;
      pass_mark();
    }
  }
}

void ReplyReader::begin_call(const CallSyntax& syntax) {
  syntax_ = &syntax;
  call_.emplace(syntax, tools_, ids_, n_calls_);
}

// Lets the call that is being read have the buffer. False: it needs more.
bool ReplyReader::run_call(bool at_end, std::vector<ReplyEvent>& events) {
  const std::string text = std::exchange(buffer_, {});
  call_->add(text, at_end, events);
  if (call_->state() == Reading::kMore) return false;
  buffer_ = call_->rest();
  const bool has_calls = call_->has_calls();
  call_.reset();
  if (has_calls) {
    pass_mark();
    return true;
  }
  const CallSyntax* const end = format_.calls.data() + format_.calls.size();
  const CallSyntax* const next = std::ranges::find(syntax_ + 1, end, syntax_->trigger, &CallSyntax::trigger);
  if (next != end) {
    begin_call(*next);  // another spelling that begins alike
    return run_call(at_end, events);
  }
  // No call: its first character is text, and what follows may still hold one.
  give(std::string_view(buffer_).substr(0, 1), events);
  buffer_.erase(0, 1);
  return true;
}

bool ReplyReader::is_active(Mark::From from, bool is_start) const {
  switch (from) {
    case Mark::From::kText:
      return channel_ == Channel::kText;
    case Mark::From::kThinking:
      return channel_ == Channel::kThinking;
    case Mark::From::kStart:
      return channel_ == Channel::kText && is_start;
    case Mark::From::kAnywhere:
      break;
  }
  return true;
}

// The longest mark or trigger that stands here. Where a longer one may still come, its size is not known.
ReplyReader::Found ReplyReader::match_at(size_t at, bool is_start, bool at_end) const {
  const std::string_view text = std::string_view(buffer_).substr(at);
  Found found{.at = at};
  bool may_grow = false;
  const auto look = [&](std::string_view spelling, const Mark* mark, const CallSyntax* call) {
    if (text.starts_with(spelling)) {
      if (spelling.size() > found.size) found = {at, spelling.size(), mark, call};
    } else if (!at_end && spelling.starts_with(text)) {
      may_grow = true;
    }
  };
  for (const Mark& mark : format_.marks) {
    if (is_active(mark.from, is_start)) look(mark.spelling, &mark, nullptr);
  }
  if (!tools_.empty()) {
    for (const CallSyntax& call : format_.calls) {
      if ((channel_ == Channel::kText || call.in_thinking) && (!call.at_start || is_start))
        look(call.trigger, nullptr, &call);
    }
  }
  if (may_grow) return {.at = at};
  if (found.size == 0) found.at = std::string::npos;
  return found;
}

ReplyReader::Found ReplyReader::find(bool at_end) const {
  bool is_start = is_start_;
  for (size_t at = 0; at < buffer_.size(); ++at) {
    const Found found = match_at(at, is_start, at_end);
    if (found.at != std::string::npos) return found;
    if (kSpace.find(buffer_[at]) == std::string_view::npos) is_start = false;
  }
  return {};
}

void ReplyReader::pass_mark() {
  space_.clear();
  trims_ = is_start_ = true;
}

void ReplyReader::give(std::string_view text, std::vector<ReplyEvent>& events) {
  if (trims_) text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  if (text.empty()) return;
  const size_t n = text.find_last_not_of(kSpace) + 1;
  if (n > 0) {
    trims_ = is_start_ = false;
    give_space(events);
    space_ = text.substr(0, n);
    give_space(events);
  }
  space_ += text.substr(n);
  if (space_.size() > kMaxSpace) give_space(events);
}

void ReplyReader::give_space(std::vector<ReplyEvent>& events) {
  if (space_.empty()) return;
  const auto kind = channel_ == Channel::kText ? ReplyEvent::Kind::kText : ReplyEvent::Kind::kThinking;
  if (!events.empty() && events.back().kind == kind) {
    events.back().text += space_;
  } else {
    events.push_back({.kind = kind, .text = space_});
  }
  space_.clear();
}

}  // namespace kinglet::chat
