#include "model/text/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/base.h"
#include "model/text/jinja/letters.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

bool is_ascii_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Line breaks as \n; one at the very end is no part of a template.
std::string normalized(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  Lexer(std::string_view source, std::string_view name) : text_(normalized(source)), source_(text_), name_(name) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) text();
    add(Token::Kind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void refuse(std::string_view why) const {
    fail_with(ErrorCode::kInvalidArgument, name_, ": line ", line_, ": ", why);
  }

  void add(Token::Kind kind, std::string_view text) { tokens_.push_back({kind, std::string(text), line_}); }

  void advance(size_t n) {
    line_ += static_cast<uint32_t>(std::ranges::count(source_.substr(at_, n), '\n'));
    at_ += n;
  }
  [[nodiscard]] char peek(size_t i) const { return i < source_.size() ? source_[i] : '\0'; }
  [[nodiscard]] bool is_at(size_t i, std::string_view text) const {
    return i <= source_.size() && source_.substr(i).starts_with(text);
  }
  [[nodiscard]] size_t skip_blanks(size_t i) const {
    while (const size_t n = blank_at(source_, i)) i += n;
    return i;
  }

  // Text up to the next tag, then the tag.
  void text() {
    size_t tag = source_.find('{', at_);
    while (tag != std::string_view::npos && peek(tag + 1) != '{' && peek(tag + 1) != '%' && peek(tag + 1) != '#') {
      tag = source_.find('{', tag + 1);
    }
    if (tag == std::string_view::npos) {
      add(Token::Kind::kText, source_.substr(at_));
      return advance(source_.size() - at_);
    }
    const char kind = source_[tag + 1];
    const char sign = peek(tag + 2);
    add_text(tag, sign, kind != '{');
    advance(tag - at_ + 2 + (sign == '-' || sign == '+' ? 1 : 0));
    if (kind == '#') return comment();
    if (kind == '%' && raw()) return;
    add(kind == '{' ? Token::Kind::kPrintBegin : Token::Kind::kBlockBegin, "");
    kind == '{' ? expression("}}", Token::Kind::kPrintEnd) : expression("%}", Token::Kind::kBlockEnd);
  }

  // The text up to a tag, without the blanks that the tag takes away: all of them for '-'; those between it and the
  // begin of its line for blocks and comments (lstrip_blocks), unless '+' says no.
  void add_text(size_t tag, char sign, bool takes_indent) {
    std::string_view piece = source_.substr(at_, tag - at_);
    if (sign == '-') {
      piece = stripped(piece, "", false, true);
    } else if (sign != '+' && takes_indent) {
      const size_t line = piece.rfind('\n') + 1;  // 0 where there is none
      const bool begins_line = line > 0 || at_ == 0 || source_[at_ - 1] == '\n';
      if (begins_line && stripped(piece.substr(line), "").empty()) piece = piece.substr(0, line);
    }
    if (!piece.empty()) add(Token::Kind::kText, piece);
  }

  // Behind a block or comment: '-' takes all blanks away, and the first line break goes (trim_blocks) unless '+' says
  // no.
  void close(size_t end, char sign) {
    advance(end - at_);
    if (sign == '-') {
      advance(skip_blanks(at_) - at_);
    } else if (sign != '+' && peek(at_) == '\n') {
      advance(1);
    }
  }

  void comment() {
    const size_t end = source_.find("#}", at_);
    if (end == std::string_view::npos) refuse("a comment is not closed");
    close(end + 2, end > at_ ? source_[end - 1] : '\0');
  }

  // The end of "-%}" and its kin at i; 0 where there is none.
  [[nodiscard]] size_t block_end(size_t i, bool may_keep) const {
    if (peek(i) == '-' || (may_keep && peek(i) == '+')) ++i;
    return is_at(i, "%}") ? i + 2 : 0;
  }

  // {% raw %}...{% endraw %}: text as it is. False where another block begins.
  bool raw() {
    const size_t word = skip_blanks(at_);
    if (!is_at(word, "raw")) return false;
    const size_t end = block_end(skip_blanks(word + 3), false);
    if (end == 0) return false;
    const bool trims = source_[end - 3] == '-';
    advance((trims ? skip_blanks(end) : end) - at_);
    for (size_t tag = at_; (tag = source_.find("{%", tag)) != std::string_view::npos; tag += 2) {
      const char sign = peek(tag + 2);
      const size_t closing = skip_blanks(tag + 2 + (sign == '-' || sign == '+' ? 1 : 0));
      if (!is_at(closing, "endraw")) continue;
      const size_t closed = block_end(skip_blanks(closing + 6), true);
      if (closed == 0) continue;
      add_text(tag, sign, true);
      close(closed, source_[closed - 3]);
      return true;
    }
    refuse("a raw block is not closed");
  }

  void expression(std::string_view closing, Token::Kind closing_kind) {
    size_t n_open = 0;  // brackets: a dict's }} does not close the tag
    for (;;) {
      advance(skip_blanks(at_) - at_);
      if (at_ >= source_.size()) refuse("a tag is not closed");
      if (n_open == 0) {
        const char sign = source_[at_];
        const bool has_sign = sign == '-' || (sign == '+' && closing_kind == Token::Kind::kBlockEnd);
        const size_t end = at_ + (has_sign ? 1 : 0);
        if (is_at(end, closing)) {
          add(closing_kind, "");
          // Behind a print, '-' is all that takes something away.
          return close(end + 2, has_sign ? sign : closing_kind == Token::Kind::kPrintEnd ? '+' : '\0');
        }
      }
      const char c = source_[at_];
      if (c == '"' || c == '\'') {
        string(c);
      } else if (is_ascii_digit(c)) {
        number();
      } else if (const size_t n = word_at(at_); n > 0) {
        add(Token::Kind::kName, source_.substr(at_, n));
        advance(n);
      } else {
        const std::string_view op = operator_here();
        if (op == "(" || op == "[" || op == "{") ++n_open;
        if ((op == ")" || op == "]" || op == "}") && n_open > 0) --n_open;
        add(Token::Kind::kOperator, op);
        advance(op.size());
      }
    }
  }

  [[nodiscard]] size_t word_at(size_t begin) const {
    size_t i = begin;
    while (i < source_.size()) {
      const CodePoint point = code_point_at(source_, i);
      if (!is_word_part(point.value)) break;
      i += point.length;
    }
    return i - begin;
  }

  [[nodiscard]] std::string_view operator_here() const {
    constexpr std::array<std::string_view, 26> kOperators = {"**", "//", "==", "!=", ">=", "<=", "+", "-", "*",
                                                             "/",  "%",  "~",  "<",  ">",  "=",  "(", ")", "[",
                                                             "]",  "{",  "}",  "|",  ",",  ":",  ".", ";"};
    for (const std::string_view op : kOperators) {
      if (is_at(at_, op)) return op;
    }
    refuse(str("unexpected character '", source_.substr(at_, code_point_at(source_, at_).length), "'"));
  }

  // The end of digits that single underscores may part.
  template <class Test>
  [[nodiscard]] size_t digits_end(size_t i, const Test& is_digit_of) const {
    while (is_digit_of(peek(i)) || (peek(i) == '_' && is_digit_of(peek(i + 1)))) ++i;
    return i;
  }

  void number() {
    const char prefix = static_cast<char>(source_[at_] == '0' ? peek(at_ + 1) | 0x20 : 0);
    const int base = prefix == 'x' ? 16 : prefix == 'o' ? 8 : prefix == 'b' ? 2 : 10;
    if (base != 10) return whole_number(base);
    const size_t whole = digits_end(at_, is_ascii_digit);
    size_t end = whole;
    // "a.1.2" is an index of an index, no number.
    const bool is_index = at_ > 0 && source_[at_ - 1] == '.';
    if (!is_index && peek(end) == '.' && is_ascii_digit(peek(end + 1))) end = digits_end(end + 1, is_ascii_digit);
    if (!is_index && (peek(end) | 0x20) == 'e') {
      const size_t exponent = end + (peek(end + 1) == '+' || peek(end + 1) == '-' ? 2 : 1);
      if (is_ascii_digit(peek(exponent))) end = digits_end(exponent, is_ascii_digit);
    }
    if (end == whole) return whole_number(10);
    std::string digits(source_.substr(at_, end - at_));
    std::erase(digits, '_');
    add(Token::Kind::kFloat, digits);
    advance(end - at_);
  }

  void whole_number(int base) {
    const auto is_digit_of = [base](char c) {
      const int value = is_ascii_digit(c)                        ? c - '0'
                        : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                                 : 99;
      return value < base;
    };
    const size_t begin = at_ + (base == 10 ? 0 : 2);
    size_t end = digits_end(begin, is_digit_of);
    // As Python, no zeros in front of a decimal number.
    if (base == 10 && source_[at_] == '0') end = digits_end(begin, [](char c) { return c == '0'; });
    std::string digits(source_.substr(begin, end - begin));
    std::erase(digits, '_');
    int64_t number = 0;
    const auto [last, status] = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    if (digits.empty()) refuse("a number without digits");
    if (status != std::errc()) refuse(str("the number ", digits.substr(0, 40), " is over 63 bits"));
    add(Token::Kind::kInt, str(number));
    advance(end - at_);
  }

  // The value of n digits at i, which are there.
  [[nodiscard]] uint32_t escape_value(size_t i, size_t n, int base) const {
    uint32_t value = 0;
    const std::string_view digits = source_.substr(std::min(i, source_.size()), n);
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (digits.size() < n || status != std::errc() || end != digits.data() + n) refuse("a text has a broken escape");
    return value;
  }

  // Appends what the escape at i, behind its backslash, stands for. Returns how many characters it takes.
  size_t escape(std::string& value, size_t i) const {
    constexpr std::string_view kLetters = "ntrbfva\\'\"";
    constexpr std::string_view kMeanings = "\n\t\r\b\f\v\a\\'\"";
    const char c = source_[i];
    if (const size_t at = kLetters.find(c); at != std::string_view::npos) {
      value += kMeanings[at];
      return 1;
    }
    if (c == '\n') return 1;
    if (c >= '0' && c <= '7') {
      size_t n = 1;
      while (n < 3 && peek(i + n) >= '0' && peek(i + n) <= '7') ++n;
      append_utf8(value, escape_value(i, n, 8));
      return n;
    }
    if (const size_t n = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0; n > 0) {
      const uint32_t point = escape_value(i + 1, n, 16);
      if (point > 0x10FFFF) refuse("a text has an escape over U+10FFFF");
      append_utf8(value, point >= 0xD800 && point <= 0xDFFF ? 0xFFFD : point);
      return 1 + n;
    }
    if (c == 'N') refuse("escapes with names of characters are not supported");
    value += '\\';
    return 0;
  }

  void string(char quote) {
    std::string value;
    size_t i = at_ + 1;
    while (i < source_.size() && source_[i] != quote) {
      if (source_[i] == '\\' && i + 1 < source_.size()) {
        i += 1 + escape(value, i + 1);
      } else {
        value += source_[i++];
      }
    }
    if (i >= source_.size()) refuse("a text is not closed");
    add(Token::Kind::kString, value);
    advance(i + 1 - at_);
  }

  const std::string text_;
  std::string_view source_;
  std::string_view name_;
  size_t at_ = 0;
  uint32_t line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, std::string_view name) { return Lexer(source, name).run(); }

}  // namespace kinglet::text::jinja
