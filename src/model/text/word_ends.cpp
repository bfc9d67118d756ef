#include "model/text/word_ends.h"

#include "model/text/unicode.h"
#include "model/text/utf8.h"

namespace kinglet::text {
namespace {

struct Char {
  uint32_t code_point;
  uint32_t length;  // bytes
  uint8_t classes;
};

Char char_at(std::string_view text, size_t at) noexcept {
  const auto first = static_cast<uint8_t>(text[at]);
  if (first < 0x80) return {first, 1, kAsciiClasses[first]};
  const CodePoint point = code_point_at(text, at);
  return {point.value, point.length, point.valid ? wide_class(point.value) : uint8_t{0}};
}

bool has(const Char& c, uint8_t classes) noexcept { return (c.classes & classes) != 0; }
bool is_newline(const Char& c) noexcept { return c.code_point == '\r' || c.code_point == '\n'; }
bool is_letter(const Char& c) noexcept { return has(c, CharClass::kLetter); }
bool is_number(const Char& c) noexcept { return has(c, CharClass::kNumber); }
bool is_space(const Char& c) noexcept { return has(c, CharClass::kSpace); }
/// [^\s\p{L}\p{N}]
bool is_other(const Char& c) noexcept { return !has(c, CharClass::kSpace | CharClass::kLetter | CharClass::kNumber); }

// The end of the characters from `at` on that pass.
template <class Test>
size_t run_end(std::string_view text, size_t at, const Test& test) noexcept {
  while (at < text.size()) {
    const Char c = char_at(text, at);
    if (!test(c)) break;
    at += c.length;
  }
  return at;
}

// 's 't 're 've 'm 'll 'd: the end of the contraction at `at`, or `at` where there is none.
template <bool kAnyCase>
size_t contraction_end(std::string_view text, size_t at) noexcept {
  if (text[at] != '\'') return at;
  constexpr std::string_view kLongS = "\xC5\xBF";  // folds to s
  if (kAnyCase && text.substr(at + 1).starts_with(kLongS)) return at + 1 + kLongS.size();
  const auto letter = [&](size_t i) -> char {
    const char c = i < text.size() ? text[i] : '\0';
    return kAnyCase && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  };
  const char first = letter(at + 1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
  const char second = letter(at + 2);
  const bool has_two =
      (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l');
  return has_two ? at + 3 : at;
}

// White space from `at` on.
struct Spaces {
  size_t end;
  size_t last;      // where the last one begins
  size_t newlines;  // behind the last line break; `at` where there is none
  size_t count;
};
Spaces spaces_at(std::string_view text, size_t at) noexcept {
  Spaces spaces{at, at, at, 0};
  while (spaces.end < text.size()) {
    const Char c = char_at(text, spaces.end);
    if (!is_space(c)) break;
    spaces.last = spaces.end;
    spaces.end += c.length;
    if (is_newline(c)) spaces.newlines = spaces.end;
    ++spaces.count;
  }
  return spaces;
}

// \s+(?!\S)|\s+ : the last one is left to the word that follows, if one follows.
size_t spaces_end(const Spaces& spaces, std::string_view text) noexcept {
  return spaces.end < text.size() && spaces.count > 1 ? spaces.last : spaces.end;
}

// ' ?' before a word: where the word itself begins.
size_t behind_blank(std::string_view text, size_t at) noexcept {
  return text[at] == ' ' && at + 1 < text.size() ? at + 1 : at;
}

// Numbers come in words of so many digits.
template <size_t kDigits>
size_t llama3(std::string_view text, size_t at) noexcept {
  if (const size_t end = contraction_end<true>(text, at); end > at) return end;
  const Char first = char_at(text, at);
  const size_t second = at + first.length;
  if (is_letter(first)) return run_end(text, second, is_letter);
  if (is_number(first)) {
    size_t n = 1;
    return run_end(text, second, [&](const Char& c) { return n++ < kDigits && is_number(c); });
  }
  if (!is_newline(first) && second < text.size() && is_letter(char_at(text, second)))
    return run_end(text, second, is_letter);
  const size_t word = behind_blank(text, at);
  if (is_other(char_at(text, word))) return run_end(text, run_end(text, word, is_other), is_newline);
  const Spaces spaces = spaces_at(text, at);
  return spaces.newlines > at ? spaces.newlines : spaces_end(spaces, text);
}

// Those that pass in words of their own, each or all that stand together; the text between them whole.
template <bool (*kTest)(const Char&) noexcept, bool kEach>
size_t apart(std::string_view text, size_t at) noexcept {
  const Char first = char_at(text, at);
  if (!kTest(first)) return run_end(text, at, [](const Char& c) { return !kTest(c); });
  return kEach ? at + first.length : run_end(text, at, kTest);
}

// [\p{P}\$\+<=>\^~\|]+, Falcon's with ` beside them
template <bool kBacktick>
bool is_punctuation(const Char& c) noexcept {
  constexpr std::u32string_view kMore = U"$+<=>^~|";
  const auto character = static_cast<char32_t>(c.code_point);
  return has(c, CharClass::kPunctuation) || kMore.find(character) != std::u32string_view::npos ||
         (kBacktick && character == U'`');
}

bool is_digit_at(std::string_view text, size_t at) noexcept {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

// Digits up to the end of the run are a word where `wanted` says so of the end; else they belong to what is around.
template <class Wanted>
size_t digits_apart(std::string_view text, size_t at, const Wanted& wanted) noexcept {
  const auto behind_digits = [&](size_t i) {
    while (is_digit_at(text, i)) ++i;
    return i;
  };
  size_t end = behind_digits(at);
  if (end > at && wanted(end)) return end;
  while (end < text.size()) {
    if (!is_digit_at(text, end)) {
      ++end;
      continue;
    }
    const size_t run_end = behind_digits(end);
    if (wanted(run_end)) break;
    end = run_end;
  }
  return end;
}

}  // namespace

size_t gpt2_word(std::string_view text, size_t at) noexcept {
  if (const size_t end = contraction_end<false>(text, at); end > at) return end;
  const size_t word = behind_blank(text, at);
  const Char first = char_at(text, word);
  if (is_letter(first)) return run_end(text, word, is_letter);
  if (is_number(first)) return run_end(text, word, is_number);
  if (is_other(first)) return run_end(text, word, is_other);
  return spaces_end(spaces_at(text, at), text);
}

size_t llama3_word(std::string_view text, size_t at) noexcept { return llama3<3>(text, at); }
size_t qwen2_word(std::string_view text, size_t at) noexcept { return llama3<1>(text, at); }
size_t each_number(std::string_view text, size_t at) noexcept { return apart<is_number, true>(text, at); }
size_t number_run(std::string_view text, size_t at) noexcept { return apart<is_number, false>(text, at); }
size_t punctuation_run(std::string_view text, size_t at) noexcept {
  return apart<is_punctuation<false>, false>(text, at);
}
size_t falcon_punctuation_run(std::string_view text, size_t at) noexcept {
  return apart<is_punctuation<true>, false>(text, at);
}

size_t three_digits(std::string_view text, size_t at) noexcept {
  const auto three_at = [&](size_t i) {
    return is_digit_at(text, i) && is_digit_at(text, i + 1) && is_digit_at(text, i + 2);
  };
  if (three_at(at)) return at + 3;
  size_t end = at + 1;
  while (end < text.size() && !three_at(end)) ++end;
  return end;
}

size_t spaces_at_end(std::string_view text, size_t at) noexcept {
  // Spaces that are found to stand at the end are a word; text in front of them is looked at once.
  size_t spaces = text.size();
  while (spaces > at) {
    size_t begin = spaces - 1;
    while (begin > at && (static_cast<uint8_t>(text[begin]) & 0xC0U) == 0x80) --begin;
    if (!is_space(char_at(text, begin)) || begin + char_at(text, begin).length != spaces) break;
    spaces = begin;
  }
  return spaces > at ? spaces : text.size();
}

size_t digit_run(std::string_view text, size_t at) noexcept {
  return digits_apart(text, at, [](size_t /*end*/) { return true; });
}

size_t digit_run_at_border(std::string_view text, size_t at) noexcept {
  return digits_apart(text, at, [&](size_t end) {
    if (end == text.size()) return true;
    const Char next = char_at(text, end);
    return !has(next, CharClass::kLetter | CharClass::kNumber | CharClass::kMark) && next.code_point != '_';
  });
}

// Only such runs end with a digit, of what the two above cut.
size_t digits_from_right(std::string_view text, size_t at) noexcept {
  if (!is_digit_at(text, text.size() - 1)) return text.size();
  const size_t n = (text.size() - at) % 3;
  return at + (n == 0 ? 3 : n);
}

}  // namespace kinglet::text
