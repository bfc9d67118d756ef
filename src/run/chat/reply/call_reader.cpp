#include "run/chat/reply/call_reader.h"

#include <algorithm>

#include "core/base/base.h"

namespace kinglet::chat {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr size_t kMaxName = 256;  // bytes
constexpr size_t kMaxSkip = 512;

// Whether a character may be part of a tool's name or of an id. Names are free in Unicode, but no family's marks are
// made of these alone.
bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_-./$@#+").find(c) != std::string_view::npos || static_cast<unsigned char>(c) >= 0x80;
}

std::string_view core_of(std::string_view literal) {
  literal.remove_prefix(std::min(literal.find_first_not_of(kSpace), literal.size()));
  return literal.substr(0, literal.find_last_not_of(kSpace) + 1);
}

}  // namespace

CallReader::CallReader(const CallSyntax& syntax, const ToolSet& tools, CallIds& ids, size_t& n_calls)
    : syntax_(syntax), tools_(tools), ids_(ids), n_calls_(n_calls), frames_{{&syntax.pattern}} {}

void CallReader::add(std::string_view text, bool at_end, std::vector<ReplyEvent>& events) {
  events_ = &events;
  const size_t n_done = in_call_ ? at_ : kept_;
  buffer_.erase(0, n_done);
  at_ -= n_done;
  kept_ = 0;
  buffer_ += text;
  Match match = Match::kYes;
  while (state_ == Reading::kMore && match == Match::kYes) match = step(at_end);
  if (state_ == Reading::kDone) {
    rest_ = left();
  } else if (match == Match::kNo || (!in_call_ && at_ - kept_ > kMaxHeld)) {
    stop(Reading::kFailed);
  } else if (at_end) {
    stop(has_calls_ ? Reading::kDone : Reading::kFailed);
  }
}

// Text of a call that began was given on; of one that did not begin, all of it is left, and so is what was to follow.
void CallReader::stop(Reading state) {
  state_ = state;
  if (in_call_) {
    rest_ = str(reader_ == nullptr ? std::string() : reader_->held(), left());
    end(false);
  } else {
    const bool is_cut_mark = state == Reading::kDone && reader_ == nullptr;
    rest_ = is_cut_mark ? left() : std::string_view(buffer_).substr(kept_);
  }
}

// kYes: there was progress.
CallReader::Match CallReader::step(bool at_end) {
  if (frames_.empty()) {
    state_ = Reading::kDone;
    return Match::kYes;
  }
  Frame& frame = frames_.back();
  if (frame.next == frame.parts->size()) {
    if (frame.repeat != nullptr) return step_round(at_end);
    frames_.pop_back();
    return Match::kYes;
  }
  const Pattern& pattern = (*frame.parts)[frame.next];
  Match match = Match::kYes;
  switch (pattern.kind) {
    case Pattern::Kind::kLiteral:
      match = step_literal(pattern.text, at_end);
      break;
    case Pattern::Kind::kTolerated:
      match = step_literal(pattern.text, at_end);
      if (match == Match::kNo) match = Match::kYes;
      break;
    case Pattern::Kind::kName:
    case Pattern::Kind::kId:
    case Pattern::Kind::kIndexedName:
      match = step_word(pattern, at_end);
      break;
    case Pattern::Kind::kSkip:
      match = step_skip(pattern.text);
      break;
    case Pattern::Kind::kRepeat:
      ++frame.next;
      frames_.push_back({&pattern.parts, 0, &pattern});
      return Match::kYes;
    case Pattern::Kind::kArguments:
    case Pattern::Kind::kCallObject:
    case Pattern::Kind::kTags:
    case Pattern::Kind::kNested:
    case Pattern::Kind::kKeywords:
      match = step_arguments(pattern, at_end);
      break;
  }
  if (match == Match::kYes) ++frames_.back().next;
  return match;
}

// Behind one round of parts that repeat: another one, or what follows.
CallReader::Match CallReader::step_round(bool at_end) {
  size_t at = skip_space(at_);
  if (at < buffer_.size() && (buffer_[at] == ',' || buffer_[at] == ';')) at = skip_space(at + 1);
  const Match match = begins(frames_.back().parts->front(), at, at_end);
  if (match == Match::kYes) {
    at_ = at;
    frames_.back().next = 0;
  } else if (match == Match::kNo) {
    frames_.pop_back();
  }
  return match == Match::kMore ? Match::kMore : Match::kYes;
}

CallReader::Match CallReader::begins(const Pattern& pattern, size_t at, bool at_end) const {
  const std::string_view text = std::string_view(buffer_).substr(at);
  if (pattern.kind == Pattern::Kind::kLiteral) {
    const std::string_view core = core_of(pattern.text);
    if (text.starts_with(core)) return Match::kYes;
    return core.starts_with(text) && !at_end ? Match::kMore : Match::kNo;
  }
  if (text.empty()) return at_end ? Match::kNo : Match::kMore;
  const bool begins = pattern.kind == Pattern::Kind::kCallObject ? text[0] == '{' : is_name(text[0]);
  return begins ? Match::kYes : Match::kNo;
}

size_t CallReader::skip_space(size_t at) const {
  return std::min(buffer_.find_first_not_of(kSpace, at), buffer_.size());
}

CallReader::Match CallReader::step_literal(std::string_view text, bool at_end) {
  const std::string_view core = core_of(text);
  if (core.empty()) return Match::kYes;
  const size_t at = skip_space(at_);
  const std::string_view left = std::string_view(buffer_).substr(at);
  if (left.starts_with(core)) {
    at_ = at + core.size();
    return Match::kYes;
  }
  if (!core.starts_with(left)) return Match::kNo;
  if (at_end) at_ = buffer_.size();  // a mark that was cut off
  return Match::kMore;
}

CallReader::Match CallReader::step_word(const Pattern& pattern, bool at_end) {
  const bool is_indexed = pattern.kind == Pattern::Kind::kIndexedName;
  const size_t begin = skip_space(at_);
  size_t end = begin;
  while (end < buffer_.size() && (is_name(buffer_[end]) || (is_indexed && buffer_[end] == ':'))) ++end;
  if (end - begin > kMaxName) return Match::kNo;
  if (end == buffer_.size() && !at_end) return Match::kMore;
  std::string_view word = std::string_view(buffer_).substr(begin, end - begin);
  if (word.empty()) return Match::kNo;
  at_ = end;
  if (pattern.kind != Pattern::Kind::kName) id_ = word;
  if (pattern.kind == Pattern::Kind::kId) return Match::kYes;
  if (!is_indexed && word.ends_with(pattern.text)) word.remove_suffix(pattern.text.size());
  if (is_indexed) {
    if (word.starts_with("functions.")) word.remove_prefix(std::string_view("functions.").size());
    word = word.substr(0, word.rfind(':'));
  }
  return set_name(word) != nullptr ? Match::kYes : Match::kNo;
}

CallReader::Match CallReader::step_skip(std::string_view text) {
  const size_t at = left().find(text);
  if (at == std::string_view::npos) return left().size() > kMaxSkip ? Match::kNo : Match::kMore;
  if (at > kMaxSkip) return Match::kNo;
  at_ += at + text.size();
  return Match::kYes;
}

CallReader::Match CallReader::step_arguments(const Pattern& pattern, bool at_end) {
  if (reader_ == nullptr) reader_ = make_arguments_reader(pattern, tool_, *this);
  at_ += reader_->take(left(), at_end);
  if (reader_->state() == Reading::kFailed) return Match::kNo;
  if (reader_->state() == Reading::kMore) return Match::kMore;
  kept_ = at_;
  reader_.reset();
  return Match::kYes;
}

const Tool* CallReader::set_name(std::string_view name) { return tool_ = tools_.find(name); }

void CallReader::begin() {
  has_calls_ = in_call_ = true;
  ReplyEvent& event = events_->emplace_back(ReplyEvent{.kind = ReplyEvent::Kind::kCallBegin, .call_idx = n_calls_});
  event.id = syntax_.keeps_ids && !id_.empty() ? id_ : ids_.next();
  event.name = tool_->name;
  id_.clear();
}

void CallReader::arguments(std::string_view json) {
  if (!events_->empty() && events_->back().kind == ReplyEvent::Kind::kArguments) {
    events_->back().text += json;
  } else {
    events_->push_back({.kind = ReplyEvent::Kind::kArguments, .text = std::string(json), .call_idx = n_calls_});
  }
}

void CallReader::end(bool complete) {
  in_call_ = false;
  events_->push_back({.kind = ReplyEvent::Kind::kCallEnd, .call_idx = n_calls_, .complete = complete});
  ++n_calls_;
}

}  // namespace kinglet::chat
