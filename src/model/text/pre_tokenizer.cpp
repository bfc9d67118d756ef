#include "model/text/pre_tokenizer.h"

#include <algorithm>
#include <array>

#include "model/text/unicode.h"
#include "model/text/utf8.h"

namespace kinglet::text {
namespace {

bool has(const TextChar& c, uint8_t classes) noexcept { return (c.classes & classes) != 0; }
bool is_newline(const TextChar& c) noexcept { return c.code_point == '\r' || c.code_point == '\n'; }
bool is_letter(const TextChar& c) noexcept { return has(c, CharClass::kLetter); }
bool is_number(const TextChar& c) noexcept { return has(c, CharClass::kNumber); }
bool is_space(const TextChar& c) noexcept { return has(c, CharClass::kSpace); }
/// [^\s\p{L}\p{N}]
bool is_other(const TextChar& c) noexcept {
  return !has(c, CharClass::kSpace | CharClass::kLetter | CharClass::kNumber);
}

template <class Test>
size_t run_end(const TextChar* chars, size_t at, size_t n, const Test& test) noexcept {
  while (at < n && test(chars[at])) ++at;
  return at;
}

uint32_t lower_ascii(uint32_t c) noexcept { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

// 's 't 're 've 'm 'll 'd: the end of the contraction at `at`, or `at` where there is none.
template <bool kAnyCase>
size_t contraction_end(const TextChar* chars, size_t at, size_t n) noexcept {
  if (chars[at].code_point != '\'' || at + 1 >= n) return at;
  const auto letter = [&](size_t i) -> uint32_t {
    if (i >= n) return 0;
    const uint32_t c = chars[i].code_point;
    if constexpr (kAnyCase) return c == 0x17F ? 's' : lower_ascii(c);  // the long s folds to s
    return c;
  };
  const uint32_t first = letter(at + 1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
  const uint32_t second = letter(at + 2);
  if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l')) return at + 3;
  return at;
}

// \s+(?!\S)|\s+ from `at`, which is white space: the last one is left to the word that follows, if one follows.
size_t spaces_end(const TextChar* chars, size_t at, size_t n) noexcept {
  const size_t end = run_end(chars, at, n, is_space);
  return end < n && end - at > 1 ? end - 1 : end;
}

// GPT-2: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
size_t gpt2(const TextChar* chars, size_t at, size_t n) noexcept {
  if (const size_t end = contraction_end<false>(chars, at, n); end > at) return end;
  const size_t word = chars[at].code_point == ' ' && at + 1 < n ? at + 1 : at;
  if (is_letter(chars[word])) return run_end(chars, word, n, is_letter);
  if (is_number(chars[word])) return run_end(chars, word, n, is_number);
  if (is_other(chars[word])) return run_end(chars, word, n, is_other);
  return spaces_end(chars, at, n);
}

// Llama 3: (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
// Qwen 2 is the same with \p{N} one by one.
template <size_t kDigits>
size_t llama3(const TextChar* chars, size_t at, size_t n) noexcept {
  if (const size_t end = contraction_end<true>(chars, at, n); end > at) return end;
  if (is_letter(chars[at])) return run_end(chars, at, n, is_letter);
  if (!is_newline(chars[at]) && !is_number(chars[at]) && at + 1 < n && is_letter(chars[at + 1])) {
    return run_end(chars, at + 1, n, is_letter);
  }
  if (is_number(chars[at])) return run_end(chars, at, std::min(n, at + kDigits), is_number);
  const size_t word = chars[at].code_point == ' ' && at + 1 < n ? at + 1 : at;
  if (is_other(chars[word])) return run_end(chars, run_end(chars, word, n, is_other), n, is_newline);
  const size_t end = run_end(chars, at, n, is_space);
  for (size_t i = end; i > at; --i) {
    if (is_newline(chars[i - 1])) return i;  // \s*[\r\n]+ takes all up to the last line break
  }
  return spaces_end(chars, at, n);
}

// Numbers one by one, the text between them whole.
size_t single_numbers(const TextChar* chars, size_t at, size_t n) noexcept {
  if (is_number(chars[at])) return at + 1;
  return run_end(chars, at, n, [](const TextChar& c) { return !is_number(c); });
}

size_t whole_numbers(const TextChar* chars, size_t at, size_t n) noexcept {
  if (is_number(chars[at])) return run_end(chars, at, n, is_number);
  return run_end(chars, at, n, [](const TextChar& c) { return !is_number(c); });
}

bool is_ascii_digit(const TextChar& c) noexcept { return c.code_point >= '0' && c.code_point <= '9'; }

// [0-9][0-9][0-9], what does not fill three stays together.
size_t three_digits(const TextChar* chars, size_t at, size_t n) noexcept {
  const auto three_at = [&](size_t i) {
    return i + 3 <= n && is_ascii_digit(chars[i]) && is_ascii_digit(chars[i + 1]) && is_ascii_digit(chars[i + 2]);
  };
  if (three_at(at)) return at + 3;
  size_t end = at + 1;
  while (end < n && !three_at(end)) ++end;
  return end;
}

// [\p{P}\$\+<=>\^~\|]+
bool is_punctuation(const TextChar& c) noexcept {
  constexpr std::u32string_view kMore = U"$+<=>^~|`";
  return has(c, CharClass::kPunctuation) || kMore.find(static_cast<char32_t>(c.code_point)) != std::u32string_view::npos;
}
size_t punctuation(const TextChar* chars, size_t at, size_t n) noexcept {
  if (is_punctuation(chars[at])) return run_end(chars, at, n, is_punctuation);
  return run_end(chars, at, n, [](const TextChar& c) { return !is_punctuation(c); });
}

constexpr std::array<WordEnd, 1> kGpt2 = {gpt2};
constexpr std::array<WordEnd, 1> kLlama3 = {llama3<3>};
constexpr std::array<WordEnd, 1> kQwen2 = {llama3<1>};
constexpr std::array<WordEnd, 2> kSmollm = {single_numbers, gpt2};
constexpr std::array<WordEnd, 4> kDefault = {punctuation, gpt2, whole_numbers, three_digits};

constexpr std::array kAll = {
    PreTokenizer{"default", kDefault},
    PreTokenizer{"falcon", kDefault},
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

std::vector<TextChar> classify(std::string_view text) {
  std::vector<TextChar> chars;
  chars.reserve(text.size() + 1);
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    chars.push_back({static_cast<uint32_t>(i), point.value, point.valid ? char_class(point.value) : uint8_t{0}});
    i += point.length;
  }
  chars.push_back({static_cast<uint32_t>(text.size()), 0, 0});
  return chars;
}

const PreTokenizer* find_pre_tokenizer(std::string_view name) noexcept {
  const auto found = std::ranges::find(kAll, name, &PreTokenizer::name);
  return found == kAll.end() ? nullptr : &*found;
}

}  // namespace kinglet::text
