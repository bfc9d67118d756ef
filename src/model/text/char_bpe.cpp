#include "model/text/char_bpe.h"

#include <array>

#include "model/text/space_marks.h"
#include "model/text/utf8.h"

namespace kinglet::text {

CharBpe::CharBpe(VocabularySpec spec, const PreTokenizer& pre) : RankedBpe(std::move(spec), pre), bytes_(spec_) {}

void CharBpe::encode_plain(std::string_view text, bool /*is_first*/, std::vector<int32_t>& ids) const {
  const std::string marked = with_marks(text, spec_.add_space_prefix);
  std::unique_ptr<WordCache> cache = caches_->borrow();
  cutter_.for_each_word(marked, [&](std::string_view word) {
    cache->append(word, ids, [&](std::string_view unknown) { encode_word(unknown, ids); });
  });
  caches_->give_back(std::move(cache));
}

void CharBpe::encode_word(std::string_view word, std::vector<int32_t>& ids) const {
  // Line breaks that are a token together are not merged from parts.
  if (traits_.whole_words_first || word[0] == '\n') {
    if (const int32_t whole = find_plain(word); whole >= 0) {
      ids.push_back(whole);
      return;
    }
  }
  // Characters without a token merge with nothing; stretches between them do.
  std::array<Symbol, kFewSymbols> few;
  std::vector<Symbol> many(word.size() > few.size() ? word.size() : 0);
  const std::span<Symbol> symbols = many.empty() ? std::span<Symbol>(few) : std::span<Symbol>(many);
  size_t n = 0;
  for (size_t i = 0; i < word.size();) {
    const std::string_view character = word.substr(i, code_point_at(word, i).length);
    i += character.size();
    if (const int32_t token = find_plain(character); token >= 0) {
      symbols[n++] = {token, 0, 0};
      continue;
    }
    append_merged(symbols.first(n), ids);
    n = 0;
    bytes_.append(character, spec_.unknown, ids);
  }
  append_merged(symbols.first(n), ids);
}

std::string CharBpe::plain_bytes(int32_t token) const {
  const std::string_view spelling = spec_.tokens[static_cast<size_t>(token)];
  if (type_of(token) == TokenType::kByte) {
    if (const int byte = byte_spelled(spelling); byte >= 0) return std::string(1, static_cast<char>(byte));
  }
  return without_marks(spelling);
}

}  // namespace kinglet::text
