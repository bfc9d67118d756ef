#include "run/chat/reply/tagged_arguments.h"

#include <algorithm>

#include "core/base/base.h"
#include "run/chat/reply/argument_readers.h"

namespace kinglet::chat {
namespace {

constexpr size_t kMaxTag = 512;  // bytes of a parameter's name, or of its attributes
constexpr std::string_view kSpace = " \t\r\n";

// Whether the text is the beginning of another one, and ends within it.
bool is_cut(std::string_view text, std::string_view whole) {
  return text.size() < whole.size() && whole.starts_with(text);
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

}  // namespace

size_t TaggedArguments::take(std::string_view text, bool /*at_end*/) {
  if (!has_begun_) {
    has_begun_ = true;
    sink_.begin();
  }
  size_t n = 0;
  bool needs_more = false;
  while (state_ == Reading::kMore && !needs_more) n += step(text.substr(n), needs_more);
  return n;
}

size_t TaggedArguments::step(std::string_view text, bool& needs_more) {
  switch (at_) {
    case At::kBetween:
      return step_between(text, needs_more);
    case At::kKey:
      return step_key(text, needs_more);
    case At::kAttributes:
      return step_attributes(text, needs_more);
    case At::kString:
    case At::kValue:
      break;
  }
  return step_value(text, needs_more);
}

size_t TaggedArguments::step_between(std::string_view text, bool& needs_more) {
  const size_t n = std::min(text.find_first_not_of(kSpace), text.size());
  text.remove_prefix(n);
  if (text.starts_with(form_.key_begin)) {
    at_ = At::kKey;
    return n + form_.key_begin.size();
  }
  if (text.starts_with(form_.end)) {
    sink_.arguments(n_keys_ == 0 ? "{}" : "}");
    sink_.end(true);
    state_ = Reading::kDone;
    return n + form_.end.size();
  }
  needs_more = true;
  if (!is_cut(text, form_.key_begin) && !is_cut(text, form_.end)) state_ = Reading::kFailed;
  return n;
}

size_t TaggedArguments::step_key(std::string_view text, bool& needs_more) {
  const size_t at = text.find(form_.key_end);
  if (at > kMaxTag && text.size() > kMaxTag) {
    state_ = Reading::kFailed;
    return 0;
  }
  if (at == std::string_view::npos) {
    needs_more = true;
    return 0;
  }
  key_ = trimmed(text.substr(0, at));
  at_ = At::kAttributes;
  return at + form_.key_end.size();
}

size_t TaggedArguments::step_attributes(std::string_view text, bool& needs_more) {
  if (form_.value_begin.empty()) {
    begin_value({});
    return 0;
  }
  const size_t at = text.find(form_.value_begin);
  if (at > kMaxTag && text.size() > kMaxTag) {
    state_ = Reading::kFailed;
    return 0;
  }
  if (at == std::string_view::npos) {
    needs_more = true;
    return 0;
  }
  begin_value(text.substr(0, at));
  return at + form_.value_begin.size();
}

void TaggedArguments::begin_value(std::string_view attributes) {
  kind_ = kind_of_parameter(tool_, key_);
  if (!form_.string_attribute.empty() && !trimmed(attributes).empty()) {
    const bool is_string = attributes.find(form_.string_attribute) != std::string_view::npos;
    kind_ = is_string ? ParameterKind::kString : ParameterKind::kValue;
  }
  sink_.arguments(str(n_keys_ == 0 ? "{" : ", ", system::json_quoted(key_), ": "));
  ++n_keys_;
  value_.clear();
  is_first_ = true;
  at_ = kind_ == ParameterKind::kString ? At::kString : At::kValue;
  if (at_ == At::kString) sink_.arguments("\"");
}

// The text without an end that may belong to what stands behind the value.
size_t TaggedArguments::n_surely_value(std::string_view text) const {
  size_t n = text.size();
  for (size_t held = std::min(text.size(), form_.value_end.size() - 1); held > 0; --held) {
    if (form_.value_end.starts_with(text.substr(text.size() - held))) {
      n -= held;
      break;
    }
  }
  if (form_.on_lines && n > 0 && text[n - 1] == '\n') --n;
  return n;
}

size_t TaggedArguments::step_value(std::string_view text, bool& needs_more) {
  const size_t at = text.find(form_.value_end);
  const bool is_whole = at != std::string_view::npos;
  const size_t n = is_whole ? at : n_surely_value(text);
  if (at_ == At::kString) {
    std::string_view part = text.substr(0, n);
    if (is_whole && form_.on_lines && part.ends_with('\n')) part.remove_suffix(1);
    give_string(part);
  } else {
    value_ += text.substr(0, n);
    if (value_.size() > kMaxHeldArguments) state_ = Reading::kFailed;
  }
  needs_more = !is_whole;
  if (!is_whole) return n;
  end_value();
  return at + form_.value_end.size();
}

void TaggedArguments::give_string(std::string_view text) {
  if (is_first_ && form_.on_lines && text.starts_with('\n')) text.remove_prefix(1), is_first_ = false;
  if (text.empty()) return;
  is_first_ = false;
  std::string json;
  append_escaped(text, json);
  sink_.arguments(json);
}

void TaggedArguments::end_value() {
  at_ = At::kBetween;
  if (kind_ == ParameterKind::kString) {
    sink_.arguments("\"");
    return;
  }
  const std::string_view plain = trimmed(value_);
  // Strings stand without quotes, so what has some is a string with quotes in it.
  const bool is_quoted = plain.starts_with('"') || plain.starts_with('\'');
  std::string json;
  if ((kind_ == ParameterKind::kEither && is_quoted) || !value_to_json(plain, json)) {
    std::string_view text = value_;
    if (form_.on_lines && text.starts_with('\n')) text.remove_prefix(1);
    if (form_.on_lines && text.ends_with('\n')) text.remove_suffix(1);
    json = '"';
    append_escaped(text, json);
    json += '"';
  }
  value_.clear();
  sink_.arguments(json);
}

}  // namespace kinglet::chat
