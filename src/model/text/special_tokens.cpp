#include "model/text/special_tokens.h"

#include <algorithm>

#include "core/base/base.h"
#include "model/text/unicode.h"
#include "model/text/utf8.h"

namespace kinglet::text {
namespace {

// Far above any model's. A place of a text takes time in proportion to what goes on like a spelling there.
constexpr size_t kMaxSpelling = 256;

constexpr uint8_t kStripsLeft = 1;
constexpr uint8_t kStripsRight = 2;
constexpr uint8_t kSingleWord = 4;

// The character that ends before `end` > 0.
CodePoint code_point_before(std::string_view text, size_t end) noexcept {
  constexpr size_t kLongest = 4;
  for (size_t length = std::min(kLongest, end); length > 1; --length) {
    const CodePoint point = code_point_at(text.substr(0, end), end - length);
    if (point.valid && point.length == length) return point;
  }
  return code_point_at(text.substr(0, end), end - 1);
}

bool is_blank(const CodePoint& point) noexcept {
  return point.valid && (char_class(point.value) & CharClass::kSpace) != 0;
}

// What regular expressions call \w.
bool is_of_word(const CodePoint& point) noexcept {
  constexpr uint8_t kOfWord = CharClass::kLetter | CharClass::kMark;
  constexpr uint32_t kDecimal = 9;  // Nd, Nl and Pc, as category_of numbers them
  constexpr uint32_t kLetterNumber = 10;
  constexpr uint32_t kConnector = 12;
  if (!point.valid) return false;
  const uint32_t category = category_of(point.value);
  return (char_class(point.value) & kOfWord) != 0 || category == kDecimal || category == kLetterNumber ||
         category == kConnector;
}

}  // namespace

Tokenizer::SpecialTokens::SpecialTokens(const VocabularySpec& spec) {
  for (size_t id = 0; id < spec.types.size(); ++id) {
    const TokenType type = spec.types[id];
    const bool is_user_defined = type == TokenType::kUserDefined;
    if (!is_user_defined && type != TokenType::kControl && type != TokenType::kUnknown) continue;
    if (spec.tokens[id].empty()) continue;
    if (spec.tokens[id].size() > kMaxSpelling) {
      fail_with(ErrorCode::kInvalidFile, "tokenizer: the spelling of special token ", id, " has ",
                spec.tokens[id].size(), " bytes, the limit is ", kMaxSpelling);
    }
    entries_.push_back({spec.tokens[id], static_cast<int32_t>(id), is_user_defined});
    has_user_defined_ = has_user_defined_ || is_user_defined;
  }
  const auto take_rule = [&](const std::vector<int32_t>& ids, uint8_t rule) {
    for (const int32_t id : ids) {
      if (id < 0 || static_cast<size_t>(id) >= spec.tokens.size())
        fail_with(ErrorCode::kInvalidFile, "tokenizer: a rule of token ", id, " of a vocabulary of ",
                  spec.tokens.size());
      rules_.resize(spec.tokens.size());
      rules_[static_cast<size_t>(id)] = static_cast<uint8_t>(rules_[static_cast<size_t>(id)] | rule);
    }
  };
  take_rule(spec.strips_left, kStripsLeft);
  take_rule(spec.strips_right, kStripsRight);
  take_rule(spec.single_words, kSingleWord);
  // Bytes compare as unsigned in string_view; of tokens spelled alike the first one counts.
  std::ranges::sort(entries_, [](const Entry& a, const Entry& b) {
    return a.spelling != b.spelling ? a.spelling < b.spelling : a.token < b.token;
  });
  const auto alike = std::ranges::unique(entries_, {}, &Entry::spelling);
  entries_.erase(alike.begin(), alike.end());
  for (const Entry& entry : entries_) ++starts_[static_cast<uint8_t>(entry.spelling[0]) + 1U];
  for (size_t b = 1; b < starts_.size(); ++b) starts_[b] += starts_[b - 1];
}

Tokenizer::SpecialTokens::Match Tokenizer::SpecialTokens::match(std::string_view text, size_t at,
                                                                bool special) const noexcept {
  Match best;
  const auto first = static_cast<uint8_t>(text[at]);
  auto low = entries_.begin() + starts_[first];
  auto high = entries_.begin() + starts_[first + 1U];
  // Entries in [low, high) begin with the n bytes of the text from `at` on.
  for (size_t n = 1; low != high; ++n) {
    if (low->spelling.size() == n) {
      if (special || low->is_user_defined) best = {low->token, n};
      ++low;
    }
    if (low == high || at + n >= text.size()) break;
    const auto byte_n = [n](const Entry& entry) { return static_cast<uint8_t>(entry.spelling[n]); };
    const auto range = std::ranges::equal_range(low, high, static_cast<uint8_t>(text[at + n]), {}, byte_n);
    low = range.begin();
    high = range.end();
  }
  return best;
}

std::optional<Tokenizer::SpecialTokens::Stretch> Tokenizer::SpecialTokens::stretch(std::string_view text, size_t from,
                                                                                   size_t at,
                                                                                   const Match& match) const noexcept {
  Stretch taken{at, at + match.length};
  const uint8_t rules = rules_.empty() ? uint8_t{0} : rules_[static_cast<size_t>(match.token)];
  if (rules == 0) return taken;
  if ((rules & kSingleWord) != 0) {
    if (at > 0 && is_of_word(code_point_before(text, at))) return std::nullopt;
    if (taken.end < text.size() && is_of_word(code_point_at(text, taken.end))) return std::nullopt;
  }
  if ((rules & kStripsLeft) != 0) {
    while (taken.begin > from) {
      const CodePoint before = code_point_before(text, taken.begin);
      if (!is_blank(before)) break;
      taken.begin -= before.length;
    }
  }
  if ((rules & kStripsRight) != 0) {
    while (taken.end < text.size()) {
      const CodePoint next = code_point_at(text, taken.end);
      if (!is_blank(next)) break;
      taken.end += next.length;
    }
  }
  return taken;
}

}  // namespace kinglet::text
