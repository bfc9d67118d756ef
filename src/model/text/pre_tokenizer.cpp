#include "model/text/pre_tokenizer.h"

#include <algorithm>
#include <array>

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

// GPT-2: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
size_t gpt2(std::string_view text, size_t at) noexcept {
  if (const size_t end = contraction_end<false>(text, at); end > at) return end;
  const size_t word = behind_blank(text, at);
  const Char first = char_at(text, word);
  if (is_letter(first)) return run_end(text, word, is_letter);
  if (is_number(first)) return run_end(text, word, is_number);
  if (is_other(first)) return run_end(text, word, is_other);
  return spaces_end(spaces_at(text, at), text);
}

// Llama 3:
// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
// Qwen 2 is the same with \p{N} one by one.
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

// [0-9][0-9][0-9], what does not fill three stays together.
size_t three_digits(std::string_view text, size_t at) noexcept {
  const auto three_at = [&](size_t i) {
    const auto is_digit = [&](size_t k) { return k < text.size() && text[k] >= '0' && text[k] <= '9'; };
    return is_digit(i) && is_digit(i + 1) && is_digit(i + 2);
  };
  if (three_at(at)) return at + 3;
  size_t end = at + 1;
  while (end < text.size() && !three_at(end)) ++end;
  return end;
}

// [\p{P}\$\+<=>\^~\|]+, Falcon's with ` beside them
template <bool kBacktick>
bool is_punctuation(const Char& c) noexcept {
  constexpr std::u32string_view kMore = U"$+<=>^~|";
  const auto character = static_cast<char32_t>(c.code_point);
  return has(c, CharClass::kPunctuation) || kMore.find(character) != std::u32string_view::npos ||
         (kBacktick && character == U'`');
}

constexpr std::array<WordEnd, 1> kGpt2 = {gpt2};
constexpr std::array<WordEnd, 1> kLlama3 = {llama3<3>};
constexpr std::array<WordEnd, 1> kQwen2 = {llama3<1>};
constexpr std::array<WordEnd, 2> kSmollm = {apart<is_number, true>, gpt2};
constexpr std::array<WordEnd, 3> kFalcon = {apart<is_punctuation<true>, false>, gpt2, three_digits};
constexpr std::array<WordEnd, 4> kDefault = {apart<is_punctuation<false>, false>, gpt2, apart<is_number, false>,
                                             three_digits};

constexpr std::array kAll = {
    PreTokenizer{"default", kDefault},
    PreTokenizer{"falcon", kFalcon},
    PreTokenizer{"gpt-2", kGpt2},
    PreTokenizer{"phi-2", kGpt2},
    PreTokenizer{"mpt", kGpt2},
    PreTokenizer{"olmo", kGpt2},
    PreTokenizer{"llama-bpe", kLlama3, true},
    PreTokenizer{"llama3", kLlama3, true},
    PreTokenizer{"llama-v3", kLlama3, true},
    PreTokenizer{"qwen2", kQwen2, false, true},
    PreTokenizer{"deepseek-r1-qwen", kQwen2, false, true},
    PreTokenizer{"smollm", kSmollm},
    PreTokenizer{"starcoder", kSmollm},
    PreTokenizer{"refact", kSmollm},
    PreTokenizer{"command-r", kSmollm},
    PreTokenizer{"codeshell", kSmollm},
};

}  // namespace

const PreTokenizer* find_pre_tokenizer(std::string_view name) noexcept {
  const auto found = std::ranges::find(kAll, name, &PreTokenizer::name);
  return found == kAll.end() ? nullptr : &*found;
}

}  // namespace kinglet::text
