#include "model/text/special_tokens.h"

#include <algorithm>

#include "core/base/base.h"

namespace kinglet::text {
namespace {

// Far above any model's. A place of a text takes time in proportion to what goes on like a spelling there.
constexpr size_t kMaxSpelling = 256;

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

}  // namespace kinglet::text
