#include "model/text/sentencepiece.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/base/base.h"
#include "model/text/merging.h"
#include "model/text/space_marks.h"
#include "model/text/utf8.h"
#include "model/text/word_cache.h"

namespace kinglet::text {
namespace {

// Ranks go up as scores go down.
uint32_t rank_of(float score) noexcept {
  if (std::isnan(score)) return Merge::kNever - 1;
  const auto bits = std::bit_cast<uint32_t>(score + 0.0F);  // no negative zero
  const uint32_t ascending = (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
  return ~ascending;
}

// Where the word that begins at `begin` ends: marks, then everything up to the next mark.
size_t word_end(std::string_view marked, size_t begin) noexcept {
  size_t i = begin;
  while (marked.substr(i).starts_with(kSpaceMark)) i += kSpaceMark.size();
  return std::min(marked.find(kSpaceMark, i), marked.size());
}

}  // namespace

SentencePieceBpe::SentencePieceBpe(VocabularySpec spec)
    : Tokenizer(std::move(spec)), charsmap_(spec_.charsmap), bytes_(spec_), caches_(std::make_unique<WordCaches>()) {
  if (spec_.scores.size() != spec_.tokens.size()) {
    fail_with(ErrorCode::kInvalidFile, "tokenizer: ", spec_.tokens.size(), " tokens, ", spec_.scores.size(), " scores");
  }
  drops_first_space_ = spec_.add_space_prefix;
  words_are_apart_ = true;
  for (size_t id = 0; id < spec_.tokens.size(); ++id) {
    const std::string_view spelling = spec_.tokens[id];
    const auto token = static_cast<int32_t>(id);
    if (type_of(token) == TokenType::kByte || is_control(token)) continue;
    if (word_end(spelling, 0) != spelling.size()) words_are_apart_ = false;
  }
}

SentencePieceBpe::~SentencePieceBpe() = default;

int32_t SentencePieceBpe::find_piece(std::string_view spelling) const noexcept {
  const int32_t id = find_plain(spelling);
  return id >= 0 && type_of(id) == TokenType::kByte ? -1 : id;
}

void SentencePieceBpe::encode_plain(std::string_view text, bool is_first, std::vector<int32_t>& ids) const {
  // As the field does it, text after a special token begins like text at the start.
  static_cast<void>(is_first);
  const bool is_plain = spec_.charsmap.empty() && !spec_.remove_extra_whitespaces;
  const std::string marked =
      is_plain ? with_marks(text, spec_.add_space_prefix)
               : sentencepiece_normalized(text, charsmap_, spec_.add_space_prefix, spec_.remove_extra_whitespaces);
  const std::string_view all = marked;
  if (!words_are_apart_) return encode_word(all, ids);
  std::unique_ptr<WordCache> cache = caches_->borrow();
  for (size_t begin = 0; begin < all.size();) {
    const size_t end = word_end(all, begin);
    cache->append(all.substr(begin, end - begin), ids, [&](std::string_view unknown) { encode_word(unknown, ids); });
    begin = end;
  }
  caches_->give_back(std::move(cache));
}

void SentencePieceBpe::encode_word(std::string_view word, std::vector<int32_t>& ids) const {
  std::array<Symbol, kFewSymbols> few;
  std::vector<Symbol> many(word.size() > few.size() ? word.size() : 0);
  const std::span<Symbol> symbols = many.empty() ? std::span<Symbol>(few) : std::span<Symbol>(many);
  size_t n = 0;
  for (uint32_t i = 0; i < word.size();) {
    const uint32_t size = code_point_at(word, i).length;
    symbols[n++] = {-1, i, i + size};
    i += size;
  }
  n = merge_symbols(symbols.first(n), [&](const Symbol& left, const Symbol& right) {
    const int32_t token = find_piece(word.substr(left.begin, right.end - left.begin));
    return token < 0 ? Merge() : Merge{rank_of(spec_.scores[static_cast<size_t>(token)]), token};
  });
  bool is_behind_unknown = false;
  for (const Symbol& symbol : symbols.first(n)) {
    const std::string_view piece = word.substr(symbol.begin, symbol.end - symbol.begin);
    const int32_t token = symbol.token >= 0 ? symbol.token : find_piece(piece);
    if (token >= 0) {
      ids.push_back(token);
    } else if (!bytes_.empty()) {
      bytes_.append(piece, spec_.unknown, ids);
    } else if (spec_.unknown && !is_behind_unknown) {
      ids.push_back(*spec_.unknown);  // several unknown characters are one token
    }
    is_behind_unknown = token < 0;
  }
}

std::string SentencePieceBpe::plain_bytes(int32_t token) const {
  const std::string_view spelling = spec_.tokens[static_cast<size_t>(token)];
  if (type_of(token) == TokenType::kByte) {
    if (const int byte = byte_spelled(spelling); byte >= 0) return std::string(1, static_cast<char>(byte));
  }
  return without_marks(spelling);
}

}  // namespace kinglet::text
