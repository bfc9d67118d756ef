#include "run/chat/reply/call_object.h"

#include <algorithm>
#include <array>

#include "core/base/base.h"
#include "run/chat/reply/argument_readers.h"

namespace kinglet::chat {
namespace {

constexpr std::array<std::string_view, 3> kNameKeys = {"name", "tool_name", "tool"};
constexpr std::array<std::string_view, 4> kArgumentsKeys = {"arguments", "parameters", "args", "params"};
constexpr std::array<std::string_view, 4> kOtherKeys = {"id", "type", "tool_call_id", "index"};

template <size_t N>
bool is_one_of(const std::array<std::string_view, N>& keys, std::string_view key) {
  return std::ranges::find(keys, key) != keys.end();
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

size_t CallObject::take(std::string_view text, bool /*at_end*/) {
  size_t n = 0;
  while (n < text.size() && state_ == Reading::kMore) {
    if (!step(text, n)) state_ = Reading::kFailed;
  }
  return n;
}

// False: this is no call.
bool CallObject::step(std::string_view text, size_t& n) {
  if (at_ == At::kKey || at_ == At::kValue) {
    read(text, n);
    if (reader_.state() == Reading::kFailed || json_.size() > kMaxHeldArguments) return false;
    if (reader_.state() == Reading::kMore) return true;
    return at_ == At::kKey ? end_key() : end_value();
  }
  const char c = text[n];
  if (is_space(c) || (at_ == At::kMember && c == ',')) {
    ++n;
    return true;
  }
  if (at_ == At::kMember && c != '}') {
    reader_ = ValueReader();
    json_.clear();
    at_ = At::kKey;
    return c == '"' || c == '\'';
  }
  if (at_ == At::kValueBegin) return begin_value(c, n);
  ++n;
  if (at_ == At::kMember) return end_object();
  if (c != (at_ == At::kBegin ? '{' : ':')) return false;
  at_ = at_ == At::kBegin ? At::kMember : At::kValueBegin;
  return true;
}

void CallObject::read(std::string_view text, size_t& n) {
  n += reader_.take(text.substr(n), json_);
  if (at_ == At::kKey || json_.empty()) return;
  if (member_ == Member::kArguments && has_begun_) {
    sink_.arguments(json_);
    json_.clear();
  } else if (member_ == Member::kOther) {
    json_.clear();
  }
}

bool CallObject::end_key() {
  const std::string key = system::Json::parse(json_, "key").as_string("key");
  if (is_one_of(kNameKeys, key)) {
    member_ = Member::kName;
  } else if (is_one_of(kArgumentsKeys, key)) {
    member_ = Member::kArguments;
  } else if (key == "function") {
    member_ = Member::kFunction;
  } else {
    if (is_bare_ && !is_one_of(kOtherKeys, key)) return false;
    member_ = Member::kOther;
  }
  at_ = At::kColon;
  return true;
}

bool CallObject::begin_value(char c, size_t& n) {
  reader_ = ValueReader();
  json_.clear();
  at_ = At::kValue;
  if (member_ == Member::kFunction) {
    if (c != '{') {
      member_ = Member::kName;
      return true;
    }
    ++n;
    ++depth_;
    at_ = At::kMember;
    return depth_ == 1;
  }
  if (member_ != Member::kArguments) return true;
  if (has_arguments_) return false;
  has_arguments_ = true;
  if (c == '{' && is_named_) {
    has_begun_ = true;
    sink_.begin();
  }
  return true;
}

bool CallObject::end_value() {
  at_ = At::kMember;
  if (member_ == Member::kName) {
    if (is_named_ || !json_.starts_with('"')) return false;
    is_named_ = true;
    return sink_.set_name(system::Json::parse(json_, "name").as_string("name")) != nullptr;
  }
  if (member_ != Member::kArguments || has_begun_) return true;
  if (json_ == "null") json_ = "{}";
  if (json_.starts_with('"')) {
    const std::string inner = system::Json::parse(json_, "arguments").as_string("arguments");
    json_.clear();
    if (!value_to_json(inner, json_)) return false;
  }
  early_arguments_ = json_;
  return early_arguments_.starts_with('{');
}

bool CallObject::end_object() {
  if (depth_ > 0) {
    --depth_;
    return true;
  }
  if (!is_named_) return false;
  if (!has_begun_) {
    has_begun_ = true;
    sink_.begin();
    sink_.arguments(early_arguments_.empty() ? "{}" : early_arguments_);
  }
  sink_.end(true);
  state_ = Reading::kDone;
  return true;
}

}  // namespace kinglet::chat
