#include "run/chat/literal_marks.h"

#include <algorithm>
#include <random>

namespace kinglet::chat {
namespace {

constexpr std::string_view kSpace = " \t\n\r\f\v";

std::string random_digits(size_t n) {
  std::random_device source;
  std::string digits;
  for (size_t i = 0; i < n; ++i) digits.push_back(static_cast<char>('0' + source() % 10));
  return digits;
}

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

LiteralMarks::LiteralMarks(const text::Tokenizer& tokenizer) : mark_(random_digits(32)) {
  const text::VocabularySpec& spec = tokenizer.spec();
  for (size_t id = 0; id < spec.types.size(); ++id) {
    const bool is_control = spec.types[id] == text::TokenType::kControl || spec.types[id] == text::TokenType::kUnknown;
    if (is_control && !spec.tokens[id].empty()) spellings_.push_back(spec.tokens[id]);
  }
}

void LiteralMarks::add_spelled(std::string_view text, std::set<size_t>& places) const {
  for (const std::string_view spelling : spellings_) {
    for (size_t at = text.find(spelling); at != std::string_view::npos; at = text.find(spelling, at + 1))
      places.insert(at);
  }
}

std::string LiteralMarks::with_marks(std::string_view text, const std::set<size_t>& places) const {
  std::string result;
  size_t done = 0;
  for (const size_t place : places) {
    result.append(text.substr(done, place - done)).append(mark_);
    done = place;
  }
  return result.append(text.substr(done));
}

std::string LiteralMarks::text(std::string_view text) const {
  std::set<size_t> places;
  add_spelled(text, places);
  const size_t first = std::min(text.find_first_not_of(kSpace), text.size());
  const std::string_view left = text.substr(first);
  const std::string_view right = text.substr(0, text.find_last_not_of(kSpace) + 1);
  const std::string_view middle = right.substr(std::min(first, right.size()));
  for (const std::string_view spelling : spellings_) {
    for (size_t n = 1; n < spelling.size(); ++n) {
      // The text goes on with what the template began, ...
      if (text.starts_with(spelling.substr(n))) places.insert(0);
      if (left.starts_with(spelling.substr(n))) places.insert(first);
      // ... or begins what the template goes on with, ...
      if (text.ends_with(spelling.substr(0, n))) places.insert(text.size() - n);
      if (right.ends_with(spelling.substr(0, n))) places.insert(right.size() - n);
    }
    // ... or stands in the midst of it.
    if (!middle.empty() && spelling.find(middle) != std::string_view::npos) places.insert(first);
  }
  return with_marks(text, places);
}

system::Json LiteralMarks::value(const system::Json& value) const {
  const auto mark_spelled = [&](const std::string& text) {
    std::set<size_t> places;
    add_spelled(text, places);
    return with_marks(text, places);
  };
  if (value.is_string()) return mark_spelled(value.as_string("text"));
  if (value.is_array()) {
    system::JsonArray values;
    for (const system::Json& element : value.as_array("list")) values.push_back(this->value(element));
    return values;
  }
  if (value.is_object()) {
    system::JsonObject members;
    for (const auto& [key, member] : value.as_object("object"))
      members.emplace_back(mark_spelled(key), this->value(member));
    return members;
  }
  return value;
}

system::Json LiteralMarks::messages(const system::Json& messages) const {
  system::JsonArray marked;
  for (const system::Json& message : messages.as_array("messages")) {
    if (!is_word(message.at("role").as_string("role"))) {
      fail_with(ErrorCode::kInvalidArgument, "messages: the role ", message.at("role").dump(), " is not a word");
    }
    system::JsonObject members;
    for (const auto& [key, member] : message.as_object("message")) {
      if (key == "role") {
        members.emplace_back(key, member);
      } else if (key == "content") {
        members.emplace_back(key, content(member));
      } else {
        members.emplace_back(key, value(member));
      }
    }
    marked.emplace_back(std::move(members));
  }
  return marked;
}

// A text, or a list of parts {"type": "text", "text": ...}.
system::Json LiteralMarks::content(const system::Json& content) const {
  if (content.is_string()) return text(content.as_string("content"));
  if (!content.is_array()) return value(content);
  system::JsonArray parts;
  for (const system::Json& part : content.as_array("content")) {
    if (!part.is_object()) {
      parts.push_back(value(part));
      continue;
    }
    system::JsonObject members;
    for (const auto& [key, member] : part.as_object("part")) {
      const bool is_text = key == "text" && member.is_string();
      members.emplace_back(key, is_text ? system::Json(text(member.as_string("text"))) : value(member));
    }
    parts.emplace_back(std::move(members));
  }
  return parts;
}

}  // namespace kinglet::chat
