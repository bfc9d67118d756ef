#include "model/text/byte_bpe.h"

#include <algorithm>

#include "core/base/base.h"
#include "model/text/merge_table.h"
#include "model/text/spelling_index.h"
#include "model/text/unicode.h"
#include "model/text/utf8.h"
#include "model/text/word_cache.h"

namespace kinglet::text {
namespace {

// GPT-2 spells each byte as a printable character: itself where it is one, else the next one from U+0100 on.
struct ByteSpelling {
  std::array<uint32_t, 256> char_of{};
  std::array<int16_t, 512> byte_of{};  // by character, -1 for others
};

const ByteSpelling& byte_spelling() {
  static const ByteSpelling kSpelling = [] {
    ByteSpelling spelling;
    spelling.byte_of.fill(-1);
    uint32_t next = 0x100;
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      const uint32_t spelled = printable ? byte : next++;
      spelling.char_of[byte] = spelled;
      spelling.byte_of[spelled] = static_cast<int16_t>(byte);
    }
    return spelling;
  }();
  return kSpelling;
}

std::string spelled(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) append_utf8(out, byte_spelling().char_of[static_cast<uint8_t>(c)]);
  return out;
}

}  // namespace

ByteBpe::ByteBpe(VocabularySpec spec)
    : Tokenizer(std::move(spec)), pre_(find_pre_tokenizer(spec_.pre)), caches_(std::make_unique<WordCaches>()) {
  if (pre_ == nullptr) fail_with(ErrorCode::kUnsupported, "tokenizer: pre-tokenizer ", spec_.pre, " is not supported");
  for (size_t byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    byte_tokens_[byte] = find_plain(spelled({&c, 1}));
  }
  read_merges();
}

ByteBpe::~ByteBpe() = default;

// A merge is looked up three times in a table that no cache holds, so several are looked up at once.
void ByteBpe::read_merges() {
  constexpr size_t kAtOnce = 32;
  struct Lookup {
    std::string joined;
    std::array<std::string_view, 3> spellings;  // left, right, joined
    std::array<uint64_t, 3> hashes;
  };
  std::array<Lookup, kAtOnce> lookups;
  std::array<std::array<int32_t, 3>, kAtOnce> ids;
  const std::vector<std::string_view>& merges = spec_.merges;
  merges_ = std::make_unique<MergeTable>(merges.size());
  for (size_t begin = 0; begin < merges.size(); begin += kAtOnce) {
    const size_t n = std::min(kAtOnce, merges.size() - begin);
    for (size_t i = 0; i < n; ++i) {
      const std::string_view merge = merges[begin + i];
      // The parts are spelled without spaces, but one may be empty in a damaged file.
      const size_t space = merge.find(' ', 1);
      if (space == std::string_view::npos)
        fail_with(ErrorCode::kInvalidFile, "tokenizer: merge ", begin + i, " has no two parts");
      Lookup& lookup = lookups[i];
      lookup.joined.assign(merge.substr(0, space)).append(merge.substr(space + 1));
      lookup.spellings = {merge.substr(0, space), merge.substr(space + 1), lookup.joined};
      for (size_t part = 0; part < 3; ++part) {
        lookup.hashes[part] = hash_bytes(lookup.spellings[part]);
        spellings().prefetch_entry(lookup.hashes[part]);
      }
    }
    for (size_t i = 0; i < 3 * n; ++i) spellings().prefetch_token(lookups[i / 3].hashes[i % 3]);
    for (size_t i = 0; i < 3 * n; ++i) spellings().prefetch_spelling(lookups[i / 3].hashes[i % 3]);
    for (size_t i = 0; i < n; ++i) {
      for (size_t part = 0; part < 3; ++part)
        ids[i][part] = spellings().find(lookups[i].spellings[part], lookups[i].hashes[part]);
      if (ids[i][0] >= 0 && ids[i][1] >= 0) merges_->prefetch(ids[i][0], ids[i][1]);
    }
    for (size_t i = 0; i < n; ++i) {
      const auto [left, right, result] = ids[i];
      // No text merges to a control token.
      if (left < 0 || right < 0 || result < 0 || is_control(result)) continue;
      merges_->add(left, right, {static_cast<uint32_t>(begin + i), result});
    }
  }
}

std::string ByteBpe::plain_bytes(int32_t token) const {
  std::string bytes;
  const std::string_view spelling = spec_.tokens[static_cast<size_t>(token)];
  for (size_t i = 0; i < spelling.size();) {
    const CodePoint point = code_point_at(spelling, i);
    const int16_t byte = point.value < 512 ? byte_spelling().byte_of[point.value] : int16_t{-1};
    if (byte >= 0) {
      bytes.push_back(static_cast<char>(byte));
    } else {
      bytes.append(spelling.substr(i, point.length));  // no byte is spelled so: the token is plain text
    }
    i += point.length;
  }
  return bytes;
}

void ByteBpe::encode_plain(std::string_view text, bool /*is_first*/, std::vector<int32_t>& ids) const {
  std::string normalized;
  if (pre_->nfc && !is_surely_nfc(text)) {
    normalized = nfc(text);
    text = normalized;
  }
  std::unique_ptr<WordCache> cache = caches_->borrow();
  for_each_word(pre_->cuts, text, 0, [&](std::string_view word) {
    cache->append(word, ids, [&](std::string_view unknown) { encode_word(unknown, ids); });
  });
  caches_->give_back(std::move(cache));
}

void ByteBpe::encode_word(std::string_view word, std::vector<int32_t>& ids) const {
  // A byte is spelled with two at most.
  if (pre_->whole_words_first && word.size() <= spellings().longest()) {
    if (const int32_t whole = find_plain(spelled(word)); whole >= 0) {
      ids.push_back(whole);
      return;
    }
  }
  std::array<Symbol, kFewSymbols> few;
  std::vector<Symbol> many(word.size() > few.size() ? word.size() : 0);
  const std::span<Symbol> symbols = many.empty() ? std::span<Symbol>(few) : std::span<Symbol>(many);
  size_t n = 0;
  for (const char c : word) {
    // A vocabulary without this byte says so with its unknown token, or not at all.
    const int32_t token =
        byte_tokens_[static_cast<uint8_t>(c)] >= 0 ? byte_tokens_[static_cast<uint8_t>(c)] : spec_.unknown.value_or(-1);
    if (token >= 0) symbols[n++] = {token, 0, 0};
  }
  n = merge_symbols(symbols.first(n),
                    [this](const Symbol& left, const Symbol& right) { return merges_->find(left.token, right.token); });
  for (size_t i = 0; i < n; ++i) ids.push_back(symbols[i].token);
}

}  // namespace kinglet::text
