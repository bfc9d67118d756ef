#include "model/text/byte_bpe.h"

#include <algorithm>
#include <array>

#include "core/base/base.h"
#include "model/text/spelling_index.h"
#include "model/text/unicode.h"
#include "model/text/utf8.h"

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

// Without marks of any kind.
std::string without_marks(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    if (!point.valid || (char_class(point.value) & CharClass::kMark) == 0) out.append(text.substr(i, point.length));
    i += point.length;
  }
  return out;
}

std::string (*normalizer_named(std::string_view name))(std::string_view) {
  struct Row {
    std::string_view name;
    std::string (*normalize)(std::string_view);
  };
  constexpr std::array kRows = {Row{"nfc", nfc},
                                Row{"nfd", nfd},
                                Row{"nfkc", nfkc},
                                Row{"nfkd", nfkd},
                                Row{"lowercase", lowercase},
                                Row{"strip_accents", without_marks}};
  const auto* const found = std::ranges::find(kRows, name, &Row::name);
  if (found == kRows.end()) {
    fail_with(ErrorCode::kUnsupported, "tokenizer: normalizer ", name,
              " is not supported; supported: nfc, nfd, nfkc, nfkd, lowercase, strip_accents");
  }
  return found->normalize;
}

}  // namespace

ByteBpe::ByteBpe(VocabularySpec spec, const PreTokenizer& pre) : RankedBpe(std::move(spec), pre) {
  if (spec_.normalizers) {
    for (const std::string_view name : *spec_.normalizers) normalizers_.push_back(normalizer_named(name));
  } else if (traits_.nfc) {
    normalizers_.push_back(nfc);
  }
  is_nfc_alone_ = normalizers_.size() == 1 && normalizers_[0] == nfc;
  for (size_t byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    byte_tokens_[byte] = find_plain(spelled({&c, 1}));
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

std::string ByteBpe::normalized(std::string_view text) const {
  std::string changed(text);
  for (const Normalize normalize : normalizers_) changed = normalize(changed);
  return changed;
}

void ByteBpe::encode_plain(std::string_view text, bool /*is_first*/, std::vector<int32_t>& ids) const {
  std::string changed;
  if (!normalizers_.empty() && !(is_nfc_alone_ && is_surely_nfc(text))) text = changed = normalized(text);
  std::string prefixed;
  if (spec_.add_space_prefix && !text.starts_with(' ')) text = prefixed = str(' ', text);
  std::unique_ptr<WordCache> cache = caches_->borrow();
  cutter_.for_each_word(text, [&](std::string_view word) {
    cache->append(word, ids, [&](std::string_view unknown) { encode_word(unknown, ids); });
  });
  caches_->give_back(std::move(cache));
}

void ByteBpe::encode_word(std::string_view word, std::vector<int32_t>& ids) const {
  // A byte is spelled with two at most.
  if (traits_.whole_words_first && word.size() <= spellings().longest()) {
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
  append_merged(symbols.first(n), ids);
}

}  // namespace kinglet::text
