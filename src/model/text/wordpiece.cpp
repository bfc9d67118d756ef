#include "model/text/wordpiece.h"

#include "core/base/base.h"
#include "model/text/space_marks.h"
#include "model/text/unicode.h"
#include "model/text/utf8.h"

namespace kinglet::text {
namespace {

// Pieces that begin a word, without their mark, or the others.
TokenTrie pieces(const VocabularySpec& spec, bool starts) {
  std::vector<std::pair<std::string_view, int32_t>> found;
  for (size_t id = 0; id < spec.tokens.size(); ++id) {
    std::string_view spelling = spec.tokens[id];
    const bool is_control =
        !spec.types.empty() && (spec.types[id] == TokenType::kControl || spec.types[id] == TokenType::kUnknown);
    if (is_control || spelling.starts_with(kSpaceMark) != starts) continue;
    if (starts) spelling.remove_prefix(kSpaceMark.size());
    found.emplace_back(spelling, static_cast<int32_t>(id));
  }
  return TokenTrie(std::move(found));
}

}  // namespace

WordPiece::WordPiece(VocabularySpec spec)
    : Tokenizer(std::move(spec)),
      starts_(pieces(spec_, true)),
      rests_(pieces(spec_, false)),
      caches_(std::make_unique<WordCaches>()) {
  drops_first_space_ = true;
}

void WordPiece::encode_plain(std::string_view text, bool /*is_first*/, std::vector<int32_t>& ids) const {
  const std::string normalized = bert_normalized(text, spec_.bert);
  std::unique_ptr<WordCache> cache = caches_->borrow();
  for_each_bert_word(normalized, [&](std::string_view word) {
    cache->append(word, ids, [&](std::string_view unknown) { encode_word(unknown, ids); });
  });
  caches_->give_back(std::move(cache));
}

void WordPiece::encode_word(std::string_view word, std::vector<int32_t>& ids) const {
  constexpr size_t kLongestWord = 100;  // characters
  const size_t before = ids.size();
  size_t n_characters = 0;
  for (size_t i = 0; i < word.size() && n_characters <= kLongestWord; ++n_characters)
    i += code_point_at(word, i).length;
  bool is_known = n_characters <= kLongestWord;
  for (size_t at = 0; is_known && at < word.size();) {
    size_t longest = 0;
    int32_t token = -1;
    (at == 0 ? starts_ : rests_).for_each_prefix(word.substr(at), [&](size_t length, int32_t found) {
      longest = length;
      token = found;
    });
    is_known = longest > 0;
    ids.push_back(token);
    at += longest;
  }
  if (is_known) return;
  ids.resize(before);
  if (spec_.unknown) ids.push_back(*spec_.unknown);
}

// Some marks stand right behind the word before them.
std::string WordPiece::plain_bytes(int32_t token) const {
  std::string_view spelling = spec_.tokens[static_cast<size_t>(token)];
  if (!spelling.starts_with(kSpaceMark)) return std::string(spelling);
  spelling.remove_prefix(kSpaceMark.size());
  const bool stands_behind = spelling == "." || spelling == "?" || spelling == "!" || spelling == ",";
  return str(stands_behind ? "" : " ", spelling);
}

}  // namespace kinglet::text
