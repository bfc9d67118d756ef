#include "model/text/jinja/lexer.h"

#include <algorithm>
#include <array>

#include "core/base/base.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_name_start(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<uint8_t>(c) >= 0x80; }
bool is_name_part(char c) noexcept { return is_name_start(c) || is_digit(c); }

class Lexer {
 public:
  Lexer(std::string_view source, std::string_view name) : source_(source), name_(name) {
    // One line break at the very end is not part of a template.
    if (source_.ends_with('\n')) source_.remove_suffix(1);
    if (source_.ends_with('\r')) source_.remove_suffix(1);
  }

  std::vector<Token> run() {
    while (at_ < source_.size()) text();
    add(Token::Kind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void refuse(std::string_view why) const { fail_with(ErrorCode::kInvalidArgument, name_, ": line ", line_, ": ", why); }

  void add(Token::Kind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }

  void advance(size_t n) {
    line_ += static_cast<uint32_t>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                              source_.begin() + static_cast<std::ptrdiff_t>(at_ + n), '\n'));
    at_ += n;
  }

  // Text up to the next tag, then the tag.
  void text() {
    size_t tag = at_;
    for (;; ++tag) {
      tag = source_.find('{', tag);
      if (tag == std::string_view::npos || tag + 1 >= source_.size()) {
        tag = source_.size();
        break;
      }
      const char next = source_[tag + 1];
      if (next == '{' || next == '%' || next == '#') break;
    }
    std::string_view piece = source_.substr(at_, tag - at_);
    if (trim_left_) {
      while (!piece.empty() && is_blank(piece.front())) piece.remove_prefix(1);
    }
    trim_left_ = false;
    if (tag == source_.size()) {
      if (!piece.empty()) add(Token::Kind::kText, std::string(piece));
      advance(tag - at_);
      return;
    }
    const char kind = source_[tag + 1];
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    if (sign == '-') {
      while (!piece.empty() && is_blank(piece.back())) piece.remove_suffix(1);
    } else if (sign != '+' && kind != '{') {
      piece = without_indent(piece, tag);
    }
    if (!piece.empty()) add(Token::Kind::kText, std::string(piece));
    advance(tag - at_ + 2 + (sign == '-' || (sign == '+' && kind != '{') ? 1 : 0));
    if (kind == '#') return comment();
    if (kind == '%' && raw()) return;
    add(kind == '{' ? Token::Kind::kPrintBegin : Token::Kind::kBlockBegin, "");
    expression(kind);
  }

  // lstrip_blocks: blanks between the beginning of the line and the tag go.
  [[nodiscard]] std::string_view without_indent(std::string_view piece, size_t tag) const {
    const size_t line_break = piece.rfind('\n');
    const size_t start = line_break == std::string_view::npos ? 0 : line_break + 1;
    const std::string_view indent = piece.substr(start);
    const bool only_blanks = std::ranges::all_of(indent, [](char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r'; });
    // Without a line break in the piece, the tag begins a line only where the piece does.
    const size_t piece_begin = tag - piece.size();
    const bool begins_line = line_break != std::string_view::npos || piece_begin == 0 || source_[piece_begin - 1] == '\n';
    return only_blanks && begins_line ? piece.substr(0, start) : piece;
  }

  void comment() {
    const size_t end = source_.find("#}", at_);
    if (end == std::string_view::npos) refuse("a comment is not closed");
    const bool trims = end > at_ && source_[end - 1] == '-';
    const bool keeps = end > at_ && source_[end - 1] == '+';
    advance(end + 2 - at_);
    after_tag(trims, keeps);
  }

  // {% raw %}...{% endraw %}: text as it is.
  bool raw() {
    size_t i = at_;
    while (i < source_.size() && is_blank(source_[i])) ++i;
    if (source_.substr(i, 3) != "raw" || (i + 3 < source_.size() && is_name_part(source_[i + 3]))) return false;
    i += 3;
    while (i < source_.size() && is_blank(source_[i])) ++i;
    const bool trims = i < source_.size() && source_[i] == '-';
    if (trims) ++i;
    if (source_.substr(i, 2) != "%}") return false;
    advance(i + 2 - at_);
    after_tag(trims, false);
    for (size_t tag = at_; (tag = source_.find("{%", tag)) != std::string_view::npos; tag += 2) {
      size_t j = tag + 2;
      const bool trims_before = j < source_.size() && source_[j] == '-';
      if (trims_before) ++j;
      while (j < source_.size() && is_blank(source_[j])) ++j;
      if (source_.substr(j, 6) != "endraw") continue;
      j += 6;
      while (j < source_.size() && is_blank(source_[j])) ++j;
      const bool trims_after = j < source_.size() && source_[j] == '-';
      if (trims_after) ++j;
      if (source_.substr(j, 2) != "%}") continue;
      std::string_view piece = source_.substr(at_, tag - at_);
      while (trim_left_ && !piece.empty() && is_blank(piece.front())) piece.remove_prefix(1);
      trim_left_ = false;
      while (trims_before && !piece.empty() && is_blank(piece.back())) piece.remove_suffix(1);
      if (!trims_before) piece = without_indent(piece, tag);
      if (!piece.empty()) add(Token::Kind::kText, std::string(piece));
      advance(j + 2 - at_);
      after_tag(trims_after, false);
      return true;
    }
    refuse("a raw block is not closed");
  }

  // trim_blocks: the first line break after a block or comment goes.
  void after_tag(bool trims, bool keeps) {
    if (trims) {
      trim_left_ = true;
    } else if (!keeps) {
      if (at_ < source_.size() && source_[at_] == '\r' && at_ + 1 < source_.size() && source_[at_ + 1] == '\n') advance(1);
      if (at_ < source_.size() && source_[at_] == '\n') advance(1);
    }
  }

  void expression(char kind) {
    const std::string_view close = kind == '{' ? "}}" : "%}";
    size_t n_open = 0;  // brackets: a dict's }} does not close the tag
    for (;;) {
      while (at_ < source_.size() && is_blank(source_[at_])) advance(1);
      if (at_ >= source_.size()) refuse("a tag is not closed");
      const std::string_view rest = source_.substr(at_);
      if (n_open == 0) {
        const char sign = rest[0];
        if (rest.starts_with(close) || ((sign == '-' || sign == '+') && rest.substr(1).starts_with(close))) {
          const bool has_sign = !rest.starts_with(close);
          add(kind == '{' ? Token::Kind::kPrintEnd : Token::Kind::kBlockEnd, "");
          advance(has_sign ? 3 : 2);
          if (kind == '{') {
            trim_left_ = has_sign && sign == '-';
          } else {
            after_tag(has_sign && sign == '-', has_sign && sign == '+');
          }
          return;
        }
      }
      const char c = rest[0];
      if (c == '"' || c == '\'') {
        string(c);
      } else if (is_digit(c)) {
        number();
      } else if (is_name_start(c)) {
        size_t n = 1;
        while (n < rest.size() && is_name_part(rest[n])) ++n;
        add(Token::Kind::kName, std::string(rest.substr(0, n)));
        advance(n);
      } else {
        const std::string_view op = operator_at(rest);
        if (op == "(" || op == "[" || op == "{") ++n_open;
        if ((op == ")" || op == "]" || op == "}") && n_open > 0) --n_open;
        add(Token::Kind::kOperator, std::string(op));
        advance(op.size());
      }
    }
  }

  [[nodiscard]] std::string_view operator_at(std::string_view rest) const {
    constexpr std::array<std::string_view, 26> kOperators = {"**", "//", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "<",
                                                            ">",  "=",  "(",  ")",  "[",  "]",  "{", "}", "|", ",", ":", ".", ";"};
    for (const std::string_view op : kOperators) {
      if (rest.starts_with(op)) return rest.substr(0, op.size());
    }
    refuse(str("unexpected character '", rest.substr(0, code_point_at(rest, 0).length), "'"));
  }

  void number() {
    size_t end = at_;
    while (end < source_.size() && (is_digit(source_[end]) || source_[end] == '_')) ++end;
    bool is_float = false;
    if (end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1])) {
      is_float = true;
      ++end;
      while (end < source_.size() && (is_digit(source_[end]) || source_[end] == '_')) ++end;
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      size_t exponent = end + 1;
      if (exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-')) ++exponent;
      if (exponent < source_.size() && is_digit(source_[exponent])) {
        is_float = true;
        end = exponent;
        while (end < source_.size() && is_digit(source_[end])) ++end;
      }
    }
    std::string digits(source_.substr(at_, end - at_));
    std::erase(digits, '_');
    add(is_float ? Token::Kind::kFloat : Token::Kind::kInt, std::move(digits));
    advance(end - at_);
  }

  // The value of hexadecimal digits at i; refuses where there are fewer than n.
  uint32_t hex(size_t i, size_t n) const {
    uint32_t value = 0;
    for (size_t k = i; k < i + n; ++k) {
      const char c = k < source_.size() ? source_[k] : '\0';
      const int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
      if (digit < 0) refuse("a string has a broken escape");
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    return value;
  }

  void string(char quote) {
    std::string value;
    size_t i = at_ + 1;
    for (; i < source_.size() && source_[i] != quote; ++i) {
      if (source_[i] != '\\' || i + 1 >= source_.size()) {
        value += source_[i];
        continue;
      }
      const char escape = source_[++i];
      switch (escape) {
        case 'n': value += '\n'; break;
        case 't': value += '\t'; break;
        case 'r': value += '\r'; break;
        case 'b': value += '\b'; break;
        case 'f': value += '\f'; break;
        case 'v': value += '\v'; break;
        case 'a': value += '\a'; break;
        case '0': value += '\0'; break;
        case '\\':
        case '\'':
        case '"': value += escape; break;
        case '\n': break;
        case 'x': append_utf8(value, hex(i + 1, 2)); i += 2; break;
        case 'u':
        case 'U': {
          const size_t n = escape == 'u' ? 4 : 8;
          const uint32_t point = hex(i + 1, n);
          append_utf8(value, point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF) ? 0xFFFD : point);
          i += n;
          break;
        }
        default:
          value += '\\';
          value += escape;
      }
    }
    if (i >= source_.size()) refuse("a string is not closed");
    add(Token::Kind::kString, std::move(value));
    advance(i + 1 - at_);
  }

  std::string_view source_;
  std::string_view name_;
  size_t at_ = 0;
  uint32_t line_ = 1;
  bool trim_left_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, std::string_view name) { return Lexer(source, name).run(); }

}  // namespace kinglet::text::jinja
