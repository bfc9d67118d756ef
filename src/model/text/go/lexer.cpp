#include "model/text/go/lexer.h"

#include <algorithm>

#include "core/base/base.h"
#include "model/text/utf8.h"

namespace kinglet::text::go {
namespace {

using Kind = Token::Kind;

constexpr std::string_view kSpace = " \t\r\n";

bool is_space(char c) { return kSpace.find(c) != std::string_view::npos; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Letters beyond ASCII are letters of names.
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

class Lexer {
 public:
  Lexer(std::string_view source, std::string_view name) : source_(source), name_(name) {}

  std::vector<Token> run() {
    bool trims_next = false;
    for (;;) {
      const size_t open = std::min(source_.find("{{", at_), source_.size());
      const bool has_action = open < source_.size();
      const bool trims = has_action && source_.substr(open).starts_with("{{-") && open + 3 < source_.size() &&
                         is_space(source_[open + 3]);
      put_text(source_.substr(at_, open - at_), trims_next, trims);
      move_to(open);
      if (!has_action) break;
      trims_next = action(trims ? 3 : 2);
    }
    add(Kind::kEnd, "", position_);
    return std::move(tokens_);
  }

 private:
  void add(Kind kind, std::string text, Position position) {
    tokens_.push_back({kind, std::move(text), position, std::exchange(space_before_, false)});
  }
  [[noreturn]] void refuse_here(std::string_view why) const { refuse(name_, position_, why); }

  void move_to(size_t target) {
    for (; at_ < target; ++at_) {
      ++position_.column;
      if (source_[at_] == '\n') position_ = {position_.line + 1, 1};
    }
  }
  [[nodiscard]] std::string_view rest() const { return source_.substr(at_); }

  void put_text(std::string_view text, bool trims_left, bool trims_right) {
    if (trims_left) text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
    if (trims_right) text = text.substr(0, text.find_last_not_of(kSpace) + 1);
    if (!text.empty()) add(Kind::kText, std::string(text), position_);
  }

  // Whether the action ends here; with " -}}" what follows is trimmed.
  [[nodiscard]] bool at_trimmed_end() const {
    return rest().size() > 3 && is_space(rest()[0]) && rest().substr(1).starts_with("-}}");
  }

  // From {{ to }}. True where the text behind it is trimmed.
  bool action(size_t n_open) {
    const Position start = position_;
    move_to(at_ + n_open);
    const size_t first = source_.find_first_not_of(kSpace, at_);
    // A comment stands right behind the opening, or behind the space that a trim marker needs.
    const bool is_comment = rest().starts_with("/*") ||
                            (n_open == 3 && first != std::string_view::npos && source_.substr(first).starts_with("/*"));
    if (is_comment) return comment(start);
    space_before_ = false;
    add(Kind::kLeft, "", start);
    for (;;) {
      if (at_trimmed_end()) {
        move_to(at_ + 1);
        add(Kind::kRight, "", position_);
        move_to(at_ + 3);
        return true;
      }
      if (rest().starts_with("}}")) {
        add(Kind::kRight, "", position_);
        move_to(at_ + 2);
        return false;
      }
      if (rest().empty()) refuse(name_, start, "unclosed action");
      if (is_space(rest()[0])) {
        move_to(at_ + 1);
        space_before_ = true;
      } else {
        inside();
      }
    }
  }

  bool comment(Position start) {
    const size_t end = source_.find("*/", at_ + 2);
    if (end == std::string_view::npos) refuse(name_, start, "unclosed comment");
    move_to(end + 2);
    const bool trims = at_trimmed_end();
    if (!trims && !rest().starts_with("}}")) refuse_here("comment ends before closing delimiter");
    move_to(at_ + (trims ? 4 : 2));
    return trims;
  }

  void inside() {
    const Position start = position_;
    const char c = rest()[0];
    const char next = rest().size() > 1 ? rest()[1] : '\0';
    if (c == '"') return quoted();
    if (c == '`') return raw();
    if (c == '\'') return character();
    if (c == '.' && !is_digit(next)) return field();
    if (c == '$') return variable();
    if (is_digit(c) || c == '.' || ((c == '-' || c == '+') && (is_digit(next) || next == '.'))) return number();
    if (is_letter(c)) return add(Kind::kIdentifier, word(), start);
    const auto sign = [&](Kind kind, size_t n) {
      add(kind, std::string(rest().substr(0, n)), start);
      move_to(at_ + n);
    };
    if (c == ':' && next == '=') return sign(Kind::kDeclare, 2);
    if (c == '=') return sign(Kind::kAssign, 1);
    if (c == '|') return sign(Kind::kPipe, 1);
    if (c == '(') return sign(Kind::kLeftParen, 1);
    if (c == ')') return sign(Kind::kRightParen, 1);
    if (c == ',') return sign(Kind::kComma, 1);
    refuse_here(str("unexpected character '", rest().substr(0, code_point_at(rest(), 0).length), "' in an action"));
  }

  std::string word() {
    size_t n = 0;
    while (n < rest().size() && (is_letter(rest()[n]) || is_digit(rest()[n]))) ++n;
    std::string text(rest().substr(0, n));
    move_to(at_ + n);
    return text;
  }

  void field() {
    const Position start = position_;
    move_to(at_ + 1);
    std::string name = word();
    const Kind kind = name.empty() ? Kind::kDot : Kind::kField;
    add(kind, std::move(name), start);
  }

  void variable() {
    const Position start = position_;
    move_to(at_ + 1);
    add(Kind::kVariable, str("$", word()), start);
  }

  void number() {
    const Position start = position_;
    size_t n = 1;
    while (n < rest().size()) {
      const char c = rest()[n];
      const bool exponent_sign = (c == '-' || c == '+') &&
                                 std::string_view("eEpP").find(rest()[n - 1]) != std::string_view::npos &&
                                 !rest().starts_with("0x") && !rest().starts_with("0X");
      if (!is_digit(c) && !is_letter(c) && c != '.' && !exponent_sign) break;
      ++n;
    }
    add(Kind::kNumber, std::string(rest().substr(0, n)), start);
    move_to(at_ + n);
  }

  void raw() {
    const size_t end = source_.find('`', at_ + 1);
    if (end == std::string_view::npos) refuse_here("unterminated raw quoted string");
    add(Kind::kString, std::string(source_.substr(at_ + 1, end - at_ - 1)), position_);
    move_to(end + 1);
  }

  void quoted() {
    const Position start = position_;
    std::string text;
    move_to(at_ + 1);
    for (;;) {
      if (rest().empty() || rest()[0] == '\n') refuse(name_, start, "unterminated quoted string");
      if (rest()[0] == '"') break;
      piece(text, '"');
    }
    move_to(at_ + 1);
    add(Kind::kString, std::move(text), start);
  }

  void character() {
    const Position start = position_;
    std::string text;
    move_to(at_ + 1);
    if (rest().empty() || rest()[0] == '\n' || rest()[0] == '\'') refuse(name_, start, "malformed character constant");
    const bool is_byte = rest().starts_with("\\x") || (rest()[0] == '\\' && rest().size() > 1 && is_digit(rest()[1]));
    piece(text, '\'');
    if (!rest().starts_with("'")) refuse(name_, start, "malformed character constant");
    move_to(at_ + 1);
    const uint32_t value = is_byte ? static_cast<unsigned char>(text[0]) : code_point_at(text, 0).value;
    add(Kind::kCharacter, str(value), start);
  }

  // One character of a constant, or an escape.
  void piece(std::string& text, char quote) {
    if (rest()[0] != '\\') {
      const size_t n = code_point_at(rest(), 0).length;
      text += rest().substr(0, n);
      return move_to(at_ + n);
    }
    if (rest().size() < 2) refuse_here("unterminated constant");
    const char c = rest()[1];
    constexpr std::string_view kLetters = "abfnrtv\\";
    constexpr std::string_view kMeant = "\a\b\f\n\r\t\v\\";
    if (const size_t i = kLetters.find(c); i != std::string_view::npos) {
      text += kMeant[i];
    } else if (c == quote) {
      text += c;
    } else if (c == 'x') {
      return code(text, 2, 16, 2, true);
    } else if (c == 'u') {
      return code(text, 2, 16, 4, false);
    } else if (c == 'U') {
      return code(text, 2, 16, 8, false);
    } else if (c >= '0' && c <= '7') {
      return code(text, 1, 8, 3, true);
    } else {
      refuse_here("a constant with an escape that does not exist");
    }
    move_to(at_ + 2);
  }

  void code(std::string& text, size_t skip, uint32_t base, size_t n_digits, bool is_byte) {
    uint32_t value = 0;
    for (size_t i = 0; i < n_digits; ++i) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const char c = skip + i < rest().size() ? rest()[skip + i] : '?';
      const size_t digit = kDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
      if (digit >= base) refuse_here("a constant with an escape that is not complete");
      value = value * base + static_cast<uint32_t>(digit);
    }
    if (value > (is_byte ? 0xFFU : 0x10FFFFU) || (value >= 0xD800 && value < 0xE000)) {
      refuse_here("a constant with an escape that names no character");
    }
    if (is_byte) {
      text += static_cast<char>(value);
    } else {
      append_utf8(text, value);
    }
    move_to(at_ + skip + n_digits);
  }

  std::string_view source_;
  std::string_view name_;
  size_t at_ = 0;
  Position position_;
  bool space_before_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, std::string_view name) { return Lexer(source, name).run(); }

void refuse(std::string_view name, Position position, std::string_view why) {
  fail_with(ErrorCode::kInvalidArgument, name, ": line ", position.line, ", column ", position.column, ": ", why);
}

}  // namespace kinglet::text::go
