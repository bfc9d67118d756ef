#include "run/chat/reply/value_reader.h"

#include <algorithm>

#include "home/system/json.h"

namespace kinglet::chat {
namespace {

constexpr size_t kMaxWord = 512;   // characters of a number or of a key without quotes
constexpr size_t kMaxSpace = 256;  // characters behind a comma

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '+' ||
         c == '.' || static_cast<unsigned char>(c) >= 0x80;
}

// Takes digits; whether there was one.
bool take_digits(std::string_view& text) {
  const size_t n = std::min(text.find_first_not_of("0123456789"), text.size());
  text.remove_prefix(n);
  return n > 0;
}

bool is_json_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.size() > 1 && text[0] == '0' && is_digit(text[1])) return false;
  if (!take_digits(text)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!take_digits(text)) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (!take_digits(text)) return false;
  }
  return text.empty();
}

// A word as JSON; empty: it means nothing.
std::string word_to_json(std::string_view word) {
  if (word == "true" || word == "True") return "true";
  if (word == "false" || word == "False") return "false";
  if (word == "null" || word == "None") return "null";
  std::string number(word);
  if (number.starts_with('+')) number.erase(0, 1);
  const size_t point = number.find('.');  // Python writes .5 and 5. as well
  if (point != std::string::npos) {
    if (point + 1 == number.size() || !is_digit(number[point + 1])) number.insert(point + 1, 1, '0');
    if (point == 0 || !is_digit(number[point - 1])) number.insert(point, 1, '0');
  }
  return is_json_number(number) ? number : std::string();
}

uint32_t hex_value(std::string_view digits) {
  uint32_t value = 0;
  for (const char c : digits) {
    value = value * 16 + static_cast<uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return value;
}

void append_escape(uint32_t unit, std::string& json) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  json += "\\u";
  for (uint32_t shift = 16; shift > 0; shift -= 4) json += kDigits[(unit >> (shift - 4)) & 15U];
}

void append_character(char c, std::string& json) {
  if (c == '"' || c == '\\') {
    json += '\\';
    json += c;
  } else if (c == '\n') {
    json += "\\n";
  } else if (c == '\t') {
    json += "\\t";
  } else if (c == '\r') {
    json += "\\r";
  } else if (static_cast<unsigned char>(c) < 0x20) {
    append_escape(static_cast<unsigned char>(c), json);
  } else {
    json += c;
  }
}

}  // namespace

void append_escaped(std::string_view text, std::string& json) {
  for (const char c : text) append_character(c, json);
}

size_t ValueReader::take(std::string_view text, std::string& json) {
  size_t i = 0;
  while (i < text.size() && state_ == Reading::kMore) {
    if (step(text[i], json)) ++i;
  }
  return i;
}

void ValueReader::finish(std::string& json) {
  if (state_ != Reading::kMore || !open_.empty()) return;
  if (at_ == At::kWord) end_word(json);
  if (at_ == At::kQuote) end_string(json);
}

std::string ValueReader::held() const {
  std::string text = pending_;
  if (at_ == At::kWord) text += word_;
  if (at_ == At::kEscape) text += '\\';
  if (at_ == At::kHex) text += (n_hex_ + word_.size() == 4 ? "\\u" : "\\x") + word_;
  if (at_ == At::kQuote) text += '\'' + word_;
  if (at_ == At::kRawBegin || at_ == At::kRawString) text += raw_quote_.substr(0, n_matched_);
  return text;
}

// Whether the character was taken; where not, the state has changed.
bool ValueReader::step(char c, std::string& json) {
  switch (at_) {
    case At::kValue:
      return step_value(c, json);
    case At::kKey:
      return step_key(c, json);
    case At::kColon:
    case At::kAfter:
      return step_after(c, json);
    case At::kWord:
      if (is_word(c) && word_.size() < kMaxWord) {
        word_ += c;
        return true;
      }
      end_word(json);
      return false;
    case At::kString:
      return step_string(c, json);
    case At::kEscape:
      return step_escape(c, json);
    case At::kHex:
      return step_hex(c, json);
    case At::kQuote:
      return step_quote(c, json);
    case At::kRawBegin:
    case At::kRawString:
      return step_raw(c, json);
  }
  return true;
}

bool ValueReader::step_value(char c, std::string& json) {
  if (is_space(c)) {
    if (!open_.empty()) put_space(c, json);
    return true;
  }
  if (may_close_ && (c == ']' || c == ')')) return close(c, json);
  is_key_ = false;
  if (c == '{' || c == '[' || c == '(') {
    if (open_.size() == kMaxDepth) {
      state_ = Reading::kFailed;
      return false;
    }
    put_pending(json);
    json += c == '{' ? '{' : '[';
    open_.push_back(c);
    at_ = c == '{' ? At::kKey : At::kValue;
    may_close_ = true;
    return true;
  }
  if (begin_string(c, json)) return true;
  if (!is_word(c)) {
    state_ = Reading::kFailed;
    return false;
  }
  word_.assign(1, c);
  at_ = At::kWord;
  return true;
}

bool ValueReader::step_key(char c, std::string& json) {
  if (is_space(c)) {
    put_space(c, json);
    return true;
  }
  if (may_close_ && c == '}') return close(c, json);
  is_key_ = true;
  if (begin_string(c, json)) return true;
  if (!is_word(c)) {
    state_ = Reading::kFailed;
    return false;
  }
  word_.assign(1, c);
  at_ = At::kWord;
  return true;
}

bool ValueReader::begin_string(char c, std::string& json) {
  if (c == '"' || c == '\'') {
    put_pending(json);
    json += '"';
    quote_ = c;
    at_ = At::kString;
    return true;
  }
  if (!raw_quote_.empty() && c == raw_quote_[0]) {
    n_matched_ = 1;
    at_ = At::kRawBegin;
    return true;
  }
  return false;
}

bool ValueReader::step_after(char c, std::string& json) {
  if (is_space(c)) {
    put_space(c, json);
    return true;
  }
  if (at_ == At::kColon && c == ':') {
    json += c;
    at_ = At::kValue;
    may_close_ = false;
    return true;
  }
  if (at_ == At::kAfter && c == ',') {
    pending_.assign(1, ',');
    at_ = open_.back() == '{' ? At::kKey : At::kValue;
    may_close_ = true;
    return true;
  }
  if (at_ == At::kAfter) return close(c, json);
  state_ = Reading::kFailed;
  return false;
}

bool ValueReader::close(char c, std::string& json) {
  const char begin = open_.back();
  if (c != (begin == '{' ? '}' : begin == '[' ? ']' : ')')) {
    state_ = Reading::kFailed;
    return false;
  }
  pending_.clear();
  json += begin == '{' ? '}' : ']';
  open_.pop_back();
  is_key_ = false;
  end_value();
  return true;
}

bool ValueReader::step_string(char c, std::string& json) {
  if (c == '\\') {
    at_ = At::kEscape;
    return true;
  }
  put_half(json);
  if (c != quote_) {
    append_character(c, json);
  } else if (quote_ == '"') {
    end_string(json);
  } else {
    word_.clear();
    at_ = At::kQuote;
  }
  return true;
}

bool ValueReader::step_escape(char c, std::string& json) {
  at_ = At::kString;
  if (c == 'u' || c == 'x') {
    at_ = At::kHex;
    n_hex_ = c == 'u' ? 4 : 2;
    word_.clear();
    return true;
  }
  put_half(json);
  if (std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos) {
    json += '\\';
    json += c;
  } else if (c == '\'') {
    json += c;
  } else {  // no escape at all: both characters stand for themselves
    json += "\\\\";
    append_character(c, json);
  }
  return true;
}

bool ValueReader::step_hex(char c, std::string& json) {
  if (!is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f')) {
    state_ = Reading::kFailed;
    return false;
  }
  word_ += c;
  if (--n_hex_ > 0) return true;
  at_ = At::kString;
  const uint32_t unit = hex_value(word_);
  if (unit >= 0xDC00 && unit <= 0xDFFF) {  // the second half of a pair
    if (half_.empty()) {
      json += "\\ufffd";
    } else {
      json += half_;
      append_escape(unit, json);
    }
    half_.clear();
    return true;
  }
  put_half(json);
  if (unit >= 0xD800 && unit <= 0xDBFF) {
    append_escape(unit, half_);
  } else {
    append_escape(unit, json);
  }
  return true;
}

// Half a pair is no character.
void ValueReader::put_half(std::string& json) {
  if (!half_.empty()) json += "\\ufffd";
  half_.clear();
}

// Templates write 'it's' as well: a quote ends the string only where something follows that can follow a string.
bool ValueReader::step_quote(char c, std::string& json) {
  if (is_space(c) && word_.size() < kMaxSpace) {
    word_ += c;
    return true;
  }
  if (std::string_view(",)]}:").find(c) != std::string_view::npos) {
    end_string(json);
    return false;
  }
  json += '\'';
  append_escaped(word_, json);
  at_ = At::kString;
  return false;
}

bool ValueReader::step_raw(char c, std::string& json) {
  if (c == raw_quote_[n_matched_]) {
    if (++n_matched_ < raw_quote_.size()) return true;
    n_matched_ = 0;
    if (at_ == At::kRawString) {
      end_string(json);
      return true;
    }
    put_pending(json);
    json += '"';
    at_ = At::kRawString;
    return true;
  }
  if (at_ == At::kRawBegin) {
    state_ = Reading::kFailed;
    return false;
  }
  append_escaped(raw_quote_.substr(0, n_matched_), json);
  const bool may_begin = n_matched_ > 0;  // the quote may begin at this character
  n_matched_ = 0;
  if (may_begin) return false;
  append_character(c, json);
  return true;
}

void ValueReader::put_space(char c, std::string& json) {
  if (pending_.empty()) {
    json += c;
  } else if (pending_.size() < kMaxSpace) {
    pending_ += c;
  }
}

void ValueReader::put_pending(std::string& json) {
  json += pending_;
  pending_.clear();
}

void ValueReader::end_word(std::string& json) {
  const std::string meaning = is_key_ ? system::json_quoted(word_) : word_to_json(word_);
  if (meaning.empty()) {
    state_ = Reading::kFailed;
    return;
  }
  put_pending(json);
  json += meaning;
  end_value();
}

void ValueReader::end_string(std::string& json) {
  put_half(json);
  json += '"';
  end_value();
}

void ValueReader::end_value() {
  if (open_.empty()) {
    state_ = Reading::kDone;
  } else {
    at_ = is_key_ ? At::kColon : At::kAfter;
  }
}

bool value_to_json(std::string_view text, std::string& json) {
  std::string result;
  ValueReader reader;
  const size_t n = reader.take(text, result);
  reader.finish(result);
  if (reader.state() != Reading::kDone) return false;
  if (text.find_first_not_of(" \t\r\n", n) != std::string_view::npos) return false;
  json += result;
  return true;
}

}  // namespace kinglet::chat
