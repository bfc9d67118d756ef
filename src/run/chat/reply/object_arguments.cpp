// Arguments that are an object, and Python's keywords.
#include "run/chat/reply/object_arguments.h"

#include "core/base/base.h"

namespace kinglet::chat {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_identifier(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         static_cast<unsigned char>(c) >= 0x80;
}
constexpr size_t kMaxKey = 512;

}  // namespace

size_t ObjectArguments::take(std::string_view text, bool /*at_end*/) {
  size_t n = 0;
  if (!begun_) {
    while (n < text.size() && is_space(text[n])) ++n;
    if (n == text.size()) return n;
    if (text[n] != '{') {
      state_ = Reading::kFailed;
      return n;
    }
    begun_ = true;
    sink_.begin();
  }
  std::string json;
  n += value_.take(text.substr(n), json);
  if (!json.empty()) sink_.arguments(json);
  state_ = value_.state();
  if (state_ == Reading::kDone) sink_.end(true);
  return n;
}

size_t KeywordArguments::take(std::string_view text, bool /*at_end*/) {
  std::string json;
  if (!begun_) {
    begun_ = true;
    sink_.begin();
    json.push_back('{');
  }
  size_t n = 0;
  while (n < text.size() && state_ == Reading::kMore) {
    if (value_) {
      n += value_->take(text.substr(n), json);
      if (value_->state() == Reading::kFailed) state_ = Reading::kFailed;
      if (value_->state() == Reading::kDone) value_.reset();
      continue;
    }
    const char c = text[n];
    if (is_space(c) || (c == ',' && key_.empty())) {
      ++n;
    } else if (is_identifier(c) && key_.size() < kMaxKey) {
      key_ += c;
      ++n;
    } else if (c == '=' && !key_.empty()) {
      if (n_keys_++ > 0) json += ", ";
      json += str(system::json_quoted(key_), ": ");
      key_.clear();
      value_.emplace();
      ++n;
    } else if (c == ')' && key_.empty()) {
      json += '}';
      ++n;
      state_ = Reading::kDone;
    } else {
      state_ = Reading::kFailed;
    }
  }
  if (!json.empty()) sink_.arguments(json);
  if (state_ == Reading::kDone) sink_.end(true);
  return n;
}

}  // namespace kinglet::chat
