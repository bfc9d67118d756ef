// Reads bytes as a vocabulary (all bytes, and tokens, merges and kinds beside them) and a text: the text comes back
// from its ids, in a stream as at once, or the vocabulary is refused.
#include <algorithm>
#include <string>
#include <vector>

#include "core/base/base.h"
#include "fuzz_target.h"
#include "model/text/text.h"
#include "model/text/utf8.h"

namespace {

using namespace kinglet;
using namespace kinglet::text;

constexpr std::string_view kMark = "\xE2\x96\x81";

/// Takes values off the front; zeros behind the end.
class Source {
 public:
  Source(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return value;
  }
  std::string_view chars(size_t n) {
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// Bytes as byte-level BPE or as SentencePiece spells them.
std::vector<std::string> byte_spellings(bool is_sentencepiece) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::vector<std::string> spellings;
  for (uint32_t byte = 0, next = 0x100; byte < 256; ++byte) {
    if (is_sentencepiece) {
      spellings.push_back(str("<0x", kHex[byte >> 4U], kHex[byte & 15U], '>'));
      continue;
    }
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    append_utf8(spellings.emplace_back(), printable ? byte : next++);
  }
  return spellings;
}

// Everything that SentencePiece writes as a space.
std::string with_spaces(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const bool is_mark = text.starts_with(kMark);
    out += is_mark ? ' ' : text[0];
    text.remove_prefix(is_mark ? kMark.size() : 1);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::string_view kPre[] = {"gpt-2", "llama-bpe", "smollm", "default", "falcon", "qwen2", "none"};
  Source in(data, size);
  const uint8_t flags = in.byte();
  const bool is_sentencepiece = (flags & 1U) != 0;
  VocabularySpec spec;
  spec.model = is_sentencepiece ? "llama" : "gpt2";
  spec.add_space_prefix = is_sentencepiece;
  spec.pre = kPre[in.byte() % std::size(kPre)];
  std::vector<std::string> spellings = byte_spellings(is_sentencepiece);
  spec.types.assign(256, is_sentencepiece ? TokenType::kByte : TokenType::kNormal);
  if (is_sentencepiece) {
    spellings.emplace_back(kMark);  // as in every vocabulary of its kind
    spec.types.push_back(TokenType::kNormal);
  }
  spec.scores.assign(spec.types.size(), 0);
  bool has_special = false;
  const size_t n_tokens = in.byte() % 32U;
  for (size_t i = 0; i < n_tokens; ++i) {
    const uint8_t head = in.byte();
    spellings.emplace_back(in.chars(head % 16U));
    const auto type = static_cast<TokenType>(1 + (head >> 4U) % 6U);
    has_special = has_special || type == TokenType::kUserDefined;
    spec.types.push_back(type == TokenType::kByte && !is_sentencepiece ? TokenType::kNormal : type);
    spec.scores.push_back(-static_cast<float>(in.byte()));
  }
  spec.tokens.assign(spellings.begin(), spellings.end());
  std::vector<std::string> merges;
  const size_t n_merges = is_sentencepiece ? 0 : in.byte() % 32U;
  for (size_t i = 0; i < n_merges; ++i) {
    const std::string& left = spellings[in.byte() % spellings.size()];
    merges.push_back(str(left, ' ', spellings[in.byte() % spellings.size()]));
  }
  spec.merges.assign(merges.begin(), merges.end());
  spec.add_space_prefix = is_sentencepiece && (flags & 2U) != 0;
  const std::string_view text = in.rest();
  std::unique_ptr<const Tokenizer> tokenizer;
  try {
    tokenizer = Tokenizer::make(spec);
  } catch (const Error& error) {
    KINGLET_CHECK(error.code() == ErrorCode::kInvalidFile || error.code() == ErrorCode::kUnsupported,
                  "a bad vocabulary is called one");
    return 0;
  }
  const bool special = (flags & 4U) != 0;
  const std::vector<int32_t> ids = tokenizer->encode(text, {.special = special});
  KINGLET_CHECK(tokenizer->encode(text, {.special = special}) == ids, "a text has the same ids each time");
  StreamDecoder decoder(*tokenizer, special, false);
  std::string streamed;
  for (const int32_t id : ids) {
    const std::string piece = decoder.add(id);
    KINGLET_CHECK(find_invalid_utf8(piece) == std::string_view::npos, "a stream is text at every moment");
    streamed += piece;
  }
  KINGLET_CHECK(streamed + decoder.flush() == tokenizer->decode(ids, special), "a stream is the text of all tokens");
  // Form C changes text; SentencePiece adds a space behind each special token.
  const bool changes = (!is_sentencepiece && spec.pre == "qwen2") || (is_sentencepiece && (special || has_special));
  if (!changes) {
    const std::string bytes = tokenizer->decode_bytes(ids, special);
    KINGLET_CHECK(bytes == (is_sentencepiece ? with_spaces(text) : std::string(text)),
                  "a text comes back from its ids");
  }
  return 0;
}
