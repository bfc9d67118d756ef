#include "model/grammar/regex.h"

#include <algorithm>
#include <array>

#include "core/base/base.h"
#include "model/grammar/hex_digit.h"
#include "model/grammar/json_rules.h"
#include "model/text/unicode.h"
#include "model/text/utf8.h"

namespace kinglet::grammar {
namespace {

using Kind = Expression::Kind;
using Ranges = std::vector<CharacterRange>;

constexpr int kMaxNesting = 200;
constexpr uint32_t kMaxTimes = 20'000;

const Ranges kDigits = {{'0', '9'}};
const Ranges kWords = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const Ranges kSpaces = {{9, 13},          {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
                        {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
const Ranges kLineEnds = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

// A general category by its short or long name: a mask of the numbers of text::category_of.
std::optional<uint32_t> categories_of(std::string_view name) {
  constexpr std::array<std::string_view, text::kCategories> kShort = {
      "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps",
      "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co"};
  struct Name {
    std::string_view full;
    std::string_view brief;
  };
  constexpr std::array<Name, 16> kLong = {{{"Letter", "L"},
                                           {"Uppercase_Letter", "Lu"},
                                           {"Lowercase_Letter", "Ll"},
                                           {"Titlecase_Letter", "Lt"},
                                           {"Modifier_Letter", "Lm"},
                                           {"Other_Letter", "Lo"},
                                           {"Mark", "M"},
                                           {"Number", "N"},
                                           {"Decimal_Number", "Nd"},
                                           {"digit", "Nd"},
                                           {"Punctuation", "P"},
                                           {"punct", "P"},
                                           {"Symbol", "S"},
                                           {"Separator", "Z"},
                                           {"Space_Separator", "Zs"},
                                           {"Other", "C"}}};
  for (const std::string_view prefix : {"General_Category=", "gc="}) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  }
  for (const Name& known : kLong) {
    if (name == known.full) name = known.brief;
  }
  uint32_t mask = 0;
  for (size_t i = 0; i < kShort.size(); ++i) {
    if (kShort[i] == name || (name.size() == 1 && kShort[i][0] == name[0])) mask |= 1U << i;
  }
  return mask == 0 ? std::nullopt : std::optional(mask);
}

Ranges characters_of(uint32_t categories) {
  Ranges ranges;
  for (uint32_t c = 0; c <= kLastCharacter; ++c) {
    if ((categories >> text::category_of(c) & 1U) == 0) continue;
    if (!ranges.empty() && ranges.back().last + 1 == c) {
      ranges.back().last = c;
    } else {
      ranges.push_back({c, c});
    }
  }
  return ranges;
}

class Reader {
 public:
  explicit Reader(std::string_view pattern) : pattern_(pattern) {}

  Expression read() {
    if (const size_t bad = text::find_invalid_utf8(pattern_); bad != std::string_view::npos) {
      at_ = bad;
      fail_here("is no UTF-8");
    }
    Expression expression = read_alternatives(0);
    if (at_ < pattern_.size()) fail_here("an unmatched )");
    return expression;
  }

 private:
  [[noreturn]] void fail_here(std::string_view what) const {
    fail_with(ErrorCode::kInvalidArgument, "regex: at ", at_, ": ", what);
  }
  [[noreturn]] void refuse(std::string_view what) const {
    fail_with(ErrorCode::kUnsupported, "regex: at ", at_, ": ", what, " is not supported");
  }
  [[nodiscard]] bool is_at_end() const { return at_ >= pattern_.size(); }
  [[nodiscard]] char peek(size_t ahead = 0) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }
  bool take(std::string_view word) {
    if (!pattern_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  uint32_t take_character() {
    const text::CodePoint point = text::code_point_at(pattern_, at_);
    at_ += point.length;
    return point.value;
  }

  Expression read_alternatives(int depth) {
    if (depth > kMaxNesting) fail_here(str("groups nest deeper than ", kMaxNesting, " (limit of nesting)"));
    Expression all{.kind = Kind::kAlternatives};
    all.parts.push_back(read_sequence(depth));
    while (take("|")) all.parts.push_back(read_sequence(depth));
    return all.parts.size() == 1 ? std::move(all.parts.front()) : std::move(all);
  }

  Expression read_sequence(int depth) {
    Expression sequence{.kind = Kind::kSequence};
    while (!is_at_end() && peek() != '|' && peek() != ')') {
      Expression part = read_part(depth);
      read_times(part);
      sequence.parts.push_back(std::move(part));
    }
    return sequence;
  }

  Expression read_part(int depth) {
    switch (peek()) {
      case '^':
        ++at_;
        return {.kind = Kind::kStart};
      case '$':
        ++at_;
        return {.kind = Kind::kEnd};
      case '.':
        ++at_;
        return {.kind = Kind::kCharacters, .ranges = complement_of(kLineEnds)};
      case '(':
        ++at_;
        return read_group(depth);
      case '[':
        ++at_;
        return read_class();
      case '\\':
        return {.kind = Kind::kCharacters, .ranges = read_escape(false)};
      case '*':
      case '+':
      case '?':
        fail_here("nothing to repeat");
      default: {
        const uint32_t c = take_character();
        return {.kind = Kind::kCharacters, .ranges = {{c, c}}};
      }
    }
  }

  Expression read_group(int depth) {
    Kind look = Kind::kSequence;
    if (take("?")) {
      if (take("=")) {
        look = Kind::kAhead;
      } else if (take("!")) {
        look = Kind::kNotAhead;
      } else if (peek() == '<' && (peek(1) == '=' || peek(1) == '!')) {
        refuse("lookbehind");
      } else if (take("<") || take("P<")) {
        const size_t end = pattern_.find('>', at_);
        if (end == std::string_view::npos) fail_here("> is expected");
        at_ = end + 1;
      } else if (!take(":")) {
        refuse("this kind of group");
      }
    }
    Expression inner = read_alternatives(depth + 1);
    if (!take(")")) fail_here(") is expected");
    if (look == Kind::kSequence) return inner;
    Expression group{.kind = look};
    group.parts.push_back(std::move(inner));
    return group;
  }

  void read_times(Expression& part) {
    Expression repeat{.kind = Kind::kRepeat};
    if (take("*")) {
    } else if (take("+")) {
      repeat.least = 1;
    } else if (take("?")) {
      repeat.most = 1;
    } else if (!read_counts(repeat)) {
      return;
    }
    if (part.kind == Kind::kAhead || part.kind == Kind::kNotAhead) refuse("repeated lookahead");
    take("?");
    if (peek() == '*' || peek() == '+' || peek() == '?') fail_here("nothing to repeat");
    repeat.parts.push_back(std::move(part));
    part = std::move(repeat);
  }

  // {m}, {m,} or {m,n}; braces that hold anything else stand for themselves.
  bool read_counts(Expression& repeat) {
    if (peek() != '{') return false;
    const size_t from = at_++;
    const auto least = read_count();
    std::optional<uint32_t> most = least;
    const bool has_comma = least && take(",");
    if (has_comma) most = read_count();
    if (!least || !take("}")) {
      at_ = from;
      return false;
    }
    if (most && *most < *least) fail_here("a count ends below its begin");
    repeat.least = *least;
    repeat.most = most;
    return true;
  }
  std::optional<uint32_t> read_count() {
    std::optional<uint32_t> count;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      count = count.value_or(0) * 10 + static_cast<uint32_t>(peek() - '0');
      if (*count > kMaxTimes) fail_here(str("a count over ", kMaxTimes, " (limit of repetition)"));
    }
    return count;
  }

  uint32_t read_hex(size_t n) {
    uint32_t value = 0;
    for (size_t i = 0; i < n; ++i, ++at_) {
      const int digit = hex_digit(peek());
      if (digit < 0) fail_here(str(n, " hexadecimal digits are expected"));
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    return value;
  }

  uint32_t read_unicode_escape() {
    if (take("{")) {
      const size_t end = pattern_.find('}', at_);
      if (end == std::string_view::npos || end == at_ || end - at_ > 6) fail_here("} is expected");
      const uint32_t value = read_hex(end - at_);
      ++at_;
      if (value > kLastCharacter) fail_here("an escape that is no character");
      return value;
    }
    const uint32_t first = read_hex(4);
    if (first < 0xD800 || first > 0xDBFF || !pattern_.substr(at_).starts_with("\\u")) return first;
    const size_t from = at_;
    at_ += 2;
    const uint32_t second = read_hex(4);
    if (second >= 0xDC00 && second <= 0xDFFF) return 0x10000 + ((first - 0xD800) << 10U) + (second - 0xDC00);
    at_ = from;
    return first;
  }

  Ranges read_property(bool is_negated) {
    if (!take("{")) fail_here("{ is expected");
    const size_t end = pattern_.find('}', at_);
    if (end == std::string_view::npos) fail_here("} is expected");
    const std::string_view name = pattern_.substr(at_, end - at_);
    Ranges ranges;
    if (name == "Any") {
      ranges = {{0, kLastCharacter}};
    } else if (name == "ASCII") {
      ranges = {{0, 0x7F}};
    } else if (const auto categories = categories_of(name)) {
      ranges = characters_of(*categories);
    } else {
      refuse(str("\\p{", name, "}"));
    }
    at_ = end + 1;
    return is_negated ? complement_of(ranges) : ranges;
  }

  Ranges read_escape(bool in_class) {
    ++at_;
    if (is_at_end()) fail_here("ends with \\");
    const uint32_t c = take_character();
    const auto one = [](uint32_t value) { return Ranges{{value, value}}; };
    switch (c) {
      case 'd':
        return kDigits;
      case 'D':
        return complement_of(kDigits);
      case 'w':
        return kWords;
      case 'W':
        return complement_of(kWords);
      case 's':
        return kSpaces;
      case 'S':
        return complement_of(kSpaces);
      case 't':
        return one('\t');
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      case 'a':
        return one(7);
      case 'x':
        return one(read_hex(2));
      case 'u':
        return one(read_unicode_escape());
      case 'p':
      case 'P':
        return read_property(c == 'P');
      case 'c':
        if ((peek() | 0x20) < 'a' || (peek() | 0x20) > 'z') fail_here("a letter is expected behind \\c");
        return one(static_cast<uint32_t>(pattern_[at_++]) & 0x1FU);
      case 'b':
        if (in_class) return one(8);
        refuse("\\b");
      case '0':
        if (peek() < '0' || peek() > '9') return one(0);
        break;
      default:
        break;
    }
    if (c >= '0' && c <= '9') refuse("a back reference");
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (is_letter) refuse(str("\\", static_cast<char>(c)));
    return one(c);
  }

  Expression read_class() {
    const bool is_negated = take("^");
    Ranges ranges;
    while (!take("]")) {
      if (is_at_end()) fail_here("] is expected");
      const Ranges first = peek() == '\\' ? read_escape(true) : read_plain();
      const bool is_one = first.size() == 1 && first[0].first == first[0].last;
      if (is_one && peek() == '-' && peek(1) != ']' && at_ + 1 < pattern_.size()) {
        const size_t dash = at_++;
        const Ranges last = peek() == '\\' ? read_escape(true) : read_plain();
        if (last.size() == 1 && last[0].first == last[0].last) {
          if (last[0].first < first[0].first) fail_here("a range ends below its begin");
          ranges.push_back({first[0].first, last[0].first});
          continue;
        }
        at_ = dash;
      }
      ranges.insert(ranges.end(), first.begin(), first.end());
    }
    return {.kind = Kind::kCharacters, .ranges = is_negated ? complement_of(ranges) : normal_ranges(std::move(ranges))};
  }
  Ranges read_plain() {
    const uint32_t c = take_character();
    return {{c, c}};
  }

  std::string_view pattern_;
  size_t at_ = 0;
};

// An Nfa whose states know where the text begins and ends: each is three, one before anything was read, one behind
// that, and one that nothing may follow.
class AnchoredNfa {
 public:
  AnchoredNfa(Nfa& nfa, Spelling spelling) : nfa_(nfa), spelling_(spelling) {}

  uint32_t add_state() {
    const uint32_t first = nfa_.add_state();
    nfa_.add_state();
    nfa_.add_state();
    return first;
  }
  void add_epsilon(uint32_t from, uint32_t to) {
    for (uint32_t i = 0; i < 3; ++i) nfa_.add_epsilon(from + i, to + i);
  }
  void add_characters(uint32_t from, uint32_t low, uint32_t high, uint32_t to) {
    add_spelled(nfa_, from, {low, high}, spelling_, to + 1);
    add_spelled(nfa_, from + 1, {low, high}, spelling_, to + 1);
  }
  uint32_t add_start(uint32_t from) {
    const uint32_t to = add_state();
    nfa_.add_epsilon(from, to);
    return to;
  }
  uint32_t add_end(uint32_t from) {
    const uint32_t to = add_state();
    for (uint32_t i = 0; i < 3; ++i) nfa_.add_epsilon(from + i, to + 2);
    return to;
  }
  // Behind it the text has ended.
  uint32_t add_dfa(uint32_t from, const Dfa& dfa) {
    const uint32_t to = add_state();
    nfa_.add_dfa(from, dfa, to + 2);
    nfa_.add_dfa(from + 1, dfa, to + 2);
    return to;
  }
  uint32_t add(uint32_t from, const Expression& e) {
    switch (e.kind) {
      case Kind::kStart:
        return add_start(from);
      case Kind::kEnd:
        return add_end(from);
      case Kind::kCharacters: {
        const uint32_t to = add_state();
        for (const CharacterRange& range : e.ranges) add_characters(from, range.first, range.last, to);
        return to;
      }
      case Kind::kSequence:
        for (const Expression& part : e.parts) from = add(from, part);
        return from;
      case Kind::kAlternatives: {
        const uint32_t to = add_state();
        for (const Expression& part : e.parts) add_epsilon(add(from, part), to);
        return to;
      }
      case Kind::kRepeat: {
        for (uint32_t i = 0; i < e.least; ++i) from = add(from, e.parts.front());
        const uint32_t to = add_state();
        if (!e.most) {
          add_epsilon(from, to);
          add_epsilon(add(to, e.parts.front()), to);
          return to;
        }
        for (uint32_t i = e.least; i < *e.most; ++i) {
          add_epsilon(from, to);
          from = add(from, e.parts.front());
        }
        add_epsilon(from, to);
        return to;
      }
      default:
        fail(ErrorCode::kUnsupported, "regex: lookahead within a repetition is not supported");
    }
  }

 private:
  Nfa& nfa_;
  Spelling spelling_;
};

bool looks_ahead(const Expression& e) {
  return e.kind == Kind::kAhead || e.kind == Kind::kNotAhead ||
         std::any_of(e.parts.begin(), e.parts.end(), looks_ahead);
}

bool has_start(const Expression& e) {
  return e.kind == Kind::kStart || std::any_of(e.parts.begin(), e.parts.end(), has_start);
}

struct Bounds {
  bool begins_anywhere;
  bool ends_anywhere;
};

class Compiler {
 public:
  explicit Compiler(Spelling spelling) : spelling_(spelling) {}

  Dfa compile(const Expression& e, Bounds bounds) const {
    if (e.kind == Kind::kAlternatives && looks_ahead(e)) {
      Dfa all;
      for (const Expression& part : e.parts) all = Dfa::union_of(all, compile(part, bounds));
      return all;
    }
    std::vector<Expression> parts;
    flatten(e, parts);
    return compile(parts, bounds);
  }

 private:
  static void flatten(const Expression& e, std::vector<Expression>& parts) {
    if (e.kind != Kind::kSequence) {
      parts.push_back(e);
      return;
    }
    for (const Expression& part : e.parts) flatten(part, parts);
  }

  Dfa compile(const std::vector<Expression>& parts, Bounds bounds) const {
    const auto look = std::find_if(parts.begin(), parts.end(), looks_ahead);
    Nfa nfa;
    AnchoredNfa anchored(nfa, spelling_);
    const uint32_t begin = anchored.add_state();
    uint32_t at = begin;
    if (bounds.begins_anywhere) {
      at = anchored.add_state();
      anchored.add_epsilon(begin, at);
      anchored.add_characters(at, 0, kLastCharacter, at);
    }
    for (auto part = parts.begin(); part != look; ++part) at = anchored.add(at, *part);
    if (look == parts.end()) {
      if (bounds.ends_anywhere) {
        const uint32_t rest = anchored.add_state();
        anchored.add_epsilon(at, rest);
        anchored.add_characters(rest, 0, kLastCharacter, rest);
        at = rest;
      }
    } else {
      at = anchored.add_dfa(at, compile_from(parts, look, bounds.ends_anywhere));
    }
    const uint32_t end = nfa.add_state();
    for (uint32_t i = 0; i < 3; ++i) nfa.add_epsilon(at + i, end);
    return nfa.determinized(begin, end);
  }

  // The rest of the text from a part that looks ahead.
  Dfa compile_from(const std::vector<Expression>& parts, std::vector<Expression>::const_iterator look,
                   bool ends_anywhere) const {
    if (std::any_of(look, parts.end(), has_start))
      fail(ErrorCode::kUnsupported, "regex: ^ within or behind a lookahead is not supported");
    const std::vector<Expression> rest(look + 1, parts.end());
    if (look->kind == Kind::kAhead || look->kind == Kind::kNotAhead) {
      const Dfa ahead = compile(look->parts.front(), {false, true});
      const Dfa behind = compile(rest, {false, ends_anywhere});
      return look->kind == Kind::kAhead ? Dfa::intersection(behind, ahead) : Dfa::difference(behind, ahead);
    }
    if (look->kind != Kind::kAlternatives)
      fail(ErrorCode::kUnsupported, "regex: lookahead within a repetition is not supported");
    Dfa all;
    for (const Expression& alternative : look->parts) {
      std::vector<Expression> whole;
      flatten(alternative, whole);
      whole.insert(whole.end(), rest.begin(), rest.end());
      all = Dfa::union_of(all, compile(whole, {false, ends_anywhere}));
    }
    return all;
  }

  Spelling spelling_;
};

}  // namespace

void add_spelled(Nfa& nfa, uint32_t from, CharacterRange range, Spelling spelling, uint32_t to) {
  if (spelling == Spelling::kText) return nfa.add_characters(from, range.first, range.last, to);
  uint32_t first = range.first;
  // All characters that JSON wants escaped are below this.
  for (; first <= std::min<uint32_t>(range.last, '\\'); ++first) {
    std::string bytes;
    text::append_utf8(bytes, first);
    nfa.add_epsilon(nfa.add_text(from, plain_string_content(bytes)), to);
  }
  if (first <= range.last) nfa.add_characters(from, first, range.last, to);
}

const Dfa& all_texts(Spelling spelling) {
  static const Dfa texts = [] {
    Nfa nfa;
    const uint32_t state = nfa.add_state();
    nfa.add_characters(state, 0, kLastCharacter, state);
    return nfa.determinized(state, state);
  }();
  return spelling == Spelling::kText ? texts : *plain_string_contents();
}

Dfa texts_of_length(uint32_t least, uint32_t most, Spelling spelling) {
  Nfa one;
  const uint32_t from = one.add_state();
  const uint32_t to = one.add_state();
  add_spelled(one, from, {0, kLastCharacter}, spelling, to);
  const Dfa character = one.determinized(from, to);
  Nfa nfa;
  const uint32_t start = nfa.add_state();
  const uint32_t end = nfa.add_state();
  uint32_t at = start;
  const bool has_limit = most != Lexeme::kNoLimit;
  for (uint32_t i = 0; i < (has_limit ? most : least); ++i) {
    if (i >= least) nfa.add_epsilon(at, end);
    const uint32_t next = nfa.add_state();
    nfa.add_dfa(at, character, next);
    at = next;
  }
  if (!has_limit) nfa.add_dfa(at, character, at);
  nfa.add_epsilon(at, end);
  return nfa.determinized(start, end);
}

Dfa texts_matching(std::string_view pattern, Spelling spelling, bool whole) {
  return Compiler(spelling).compile(Reader(pattern).read(), {!whole, !whole});
}

}  // namespace kinglet::grammar
