#include "model/text/unigram.h"

#include <algorithm>
#include <limits>
#include <ranges>

#include "core/base/base.h"
#include "model/text/space_marks.h"
#include "model/text/utf8.h"

namespace kinglet::text {
namespace {

constexpr float kUnknownPenalty = 10.0F;  // below the worst piece

TokenTrie pieces(const VocabularySpec& spec) {
  std::vector<std::pair<std::string_view, int32_t>> found;
  for (size_t id = 0; id < spec.tokens.size(); ++id) {
    const bool is_piece =
        spec.types.empty() || spec.types[id] == TokenType::kNormal || spec.types[id] == TokenType::kUserDefined;
    if (is_piece && !spec.tokens[id].empty()) found.emplace_back(spec.tokens[id], static_cast<int32_t>(id));
  }
  return TokenTrie(std::move(found));
}

// The best way to the end of a stretch: its last piece, and where that begins.
struct Way {
  float score = -std::numeric_limits<float>::infinity();
  int32_t token = -1;
  size_t begin = 0;
};

}  // namespace

Unigram::Unigram(VocabularySpec spec)
    : Tokenizer(std::move(spec)), charsmap_(spec_.charsmap), pieces_(pieces(spec_)), bytes_(spec_) {
  if (spec_.scores.size() != spec_.tokens.size())
    fail_with(ErrorCode::kInvalidFile, "tokenizer: ", spec_.tokens.size(), " tokens, ", spec_.scores.size(), " scores");
  if (!spec_.unknown) fail_with(ErrorCode::kInvalidFile, "tokenizer: a Unigram vocabulary without an unknown token");
  float worst = 0.0F;
  bool is_first = true;
  for (size_t id = 0; id < spec_.scores.size(); ++id) {
    const TokenType type = type_of(static_cast<int32_t>(id));
    if (type != TokenType::kNormal) continue;
    worst = is_first ? spec_.scores[id] : std::min(worst, spec_.scores[id]);
    is_first = false;
  }
  unknown_score_ = worst - kUnknownPenalty;
  drops_first_space_ = spec_.add_space_prefix;
}

void Unigram::encode_plain(std::string_view text, bool /*is_first*/, std::vector<int32_t>& ids) const {
  const std::string normalized =
      sentencepiece_normalized(text, charsmap_, spec_.add_space_prefix, spec_.remove_extra_whitespaces);
  const std::string_view all = normalized;
  std::vector<Way> ways(all.size() + 1);
  ways[0].score = 0.0F;
  const auto offer = [&](size_t begin, size_t end, int32_t token, float score) {
    const float sum = score + ways[begin].score;
    if (ways[end].token < 0 || sum > ways[end].score) ways[end] = {sum, token, begin};
  };
  for (size_t at = 0; at < all.size();) {
    const size_t one = code_point_at(all, at).length;
    bool has_one = false;
    pieces_.for_each_prefix(all.substr(at), [&](size_t length, int32_t token) {
      offer(at, at + length, token, spec_.scores[static_cast<size_t>(token)]);
      has_one = has_one || length == one;
    });
    if (!has_one) offer(at, at + one, *spec_.unknown, unknown_score_);
    at += one;
  }
  std::vector<std::pair<size_t, size_t>> found;  // begin and end of pieces, the last first
  for (size_t end = all.size(); end > 0; end = ways[end].begin) found.emplace_back(ways[end].begin, end);
  bool is_behind_unknown = false;
  for (const auto& [begin, end] : std::ranges::reverse_view(found)) {
    const int32_t token = ways[end].token;
    const bool is_unknown = token == *spec_.unknown;
    if (is_unknown && !bytes_.empty()) {
      bytes_.append(all.substr(begin, end - begin), spec_.unknown, ids);
    } else if (!is_unknown || !is_behind_unknown) {
      ids.push_back(token);  // several unknown ones are one
    }
    is_behind_unknown = is_unknown;
  }
}

std::string Unigram::plain_bytes(int32_t token) const {
  const std::string_view spelling = spec_.tokens[static_cast<size_t>(token)];
  if (type_of(token) == TokenType::kByte) {
    if (const int byte = byte_spelled(spelling); byte >= 0) return std::string(1, static_cast<char>(byte));
  }
  return without_marks(spelling);
}

}  // namespace kinglet::text
