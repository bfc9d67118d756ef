#include "model/text/tokenizer.h"

#include <algorithm>

#include "core/base/base.h"
#include "model/text/byte_bpe.h"
#include "model/text/char_bpe.h"
#include "model/text/sentencepiece.h"
#include "model/text/special_tokens.h"
#include "model/text/spelling_index.h"
#include "model/text/stream_decoder.h"
#include "model/text/unigram.h"
#include "model/text/wordpiece.h"

namespace kinglet::text {
namespace {

std::string without(std::string_view text, std::string_view mark) {
  std::string rest;
  for (size_t i = 0; i < text.size();) {
    const size_t next = std::min(text.find(mark, i), text.size());
    rest.append(text.substr(i, next - i));
    i = next + mark.size();
  }
  return rest;
}

// Cut by patterns of its own.
std::unique_ptr<const Tokenizer> byte_bpe_of_patterns(VocabularySpec spec) {
  std::vector<Cut> cuts;
  for (const std::string_view pattern : spec.patterns) cuts.push_back({nullptr, pattern});
  const PreTokenizerTraits traits{.whole_words_first = spec.whole_words_first};
  return std::make_unique<ByteBpe>(std::move(spec), PreTokenizer{"", cuts, traits});
}

}  // namespace

Tokenizer::Tokenizer(VocabularySpec spec) : spec_(std::move(spec)) {
  const size_t n = spec_.tokens.size();
  const auto check_id = [&](std::string_view what, const std::optional<int32_t>& id) {
    if (id && (*id < 0 || static_cast<size_t>(*id) >= n)) {
      fail_with(ErrorCode::kInvalidFile, "tokenizer: ", what, " is token ", *id, " of a vocabulary of ", n);
    }
  };
  if (n == 0 || n > INT32_MAX) fail_with(ErrorCode::kInvalidFile, "tokenizer: a vocabulary of ", n, " tokens");
  if (!spec_.types.empty() && spec_.types.size() != n) {
    fail_with(ErrorCode::kInvalidFile, "tokenizer: ", n, " tokens, ", spec_.types.size(), " types");
  }
  check_id("begin of sequence", spec_.bos);
  check_id("end of sequence", spec_.eos);
  check_id("unknown", spec_.unknown);
  spellings_ = std::make_unique<const SpellingIndex>(spec_.tokens);
  special_ = std::make_unique<const SpecialTokens>(spec_);
}

Tokenizer::~Tokenizer() = default;

std::unique_ptr<const Tokenizer> Tokenizer::make(VocabularySpec spec) {
  if (spec.model == "gpt2" || spec.model == "gemma4") {
    if (spec.model == "gemma4") spec.pre = "gemma4";
    const PreTokenizer* pre = find_pre_tokenizer(spec.pre);
    if (pre == nullptr) {
      fail_with(ErrorCode::kUnsupported, "tokenizer: pre-tokenizer ", spec.pre,
                " is not supported; supported: ", pre_tokenizer_names());
    }
    if (!spec.patterns.empty()) return byte_bpe_of_patterns(std::move(spec));
    if (pre->traits.by_character) return std::make_unique<CharBpe>(std::move(spec), *pre);
    return std::make_unique<ByteBpe>(std::move(spec), *pre);
  }
  if (spec.model == "llama") return std::make_unique<SentencePieceBpe>(std::move(spec));
  if (spec.model == "bert") return std::make_unique<WordPiece>(std::move(spec));
  if (spec.model == "t5") return std::make_unique<Unigram>(std::move(spec));
  fail_with(ErrorCode::kUnsupported, "tokenizer: kind ", spec.model,
            " is not supported; supported: bert, gemma4, gpt2, llama, t5");
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  if (text.size() > kMaxText)
    fail_with(ErrorCode::kInvalidArgument, "a text of ", text.size(), " bytes, the limit is ", kMaxText);
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 3 + 4);
  if (options.bos && spec_.add_bos && spec_.bos) ids.push_back(*spec_.bos);
  size_t plain = 0;  // where the stretch without special tokens begins
  const auto take_plain = [&](size_t end) {
    std::string unmarked;
    std::string_view stretch = text.substr(plain, end - plain);
    if (!options.mark.empty()) stretch = unmarked = without(stretch, options.mark);
    if (!stretch.empty()) encode_plain(stretch, plain == 0, ids);
  };
  for (size_t i = 0; i < text.size();) {
    bool special = options.special;
    while (!options.mark.empty() && text.substr(i).starts_with(options.mark)) {
      i += options.mark.size();
      special = false;
    }
    if (i == text.size()) break;
    const SpecialTokens::Match match = special_->match(text, i, special);
    if (match.token < 0) {
      ++i;
      // Without a mark the places where none can begin are passed at once.
      if (options.mark.empty()) i = special_->next_candidate(text, i, special);
      continue;
    }
    const auto taken = special_->stretch(text, plain, i, match);
    i += match.length;
    if (!taken) continue;
    take_plain(taken->begin);
    ids.push_back(match.token);
    i = plain = taken->end;
  }
  take_plain(text.size());
  if (options.bos && spec_.add_eos && spec_.eos) ids.push_back(*spec_.eos);
  return ids;
}

TokenType Tokenizer::type_of(int32_t token) const noexcept {
  return spec_.types.empty() ? TokenType::kNormal : spec_.types[static_cast<size_t>(token)];
}

std::optional<int32_t> Tokenizer::find(std::string_view spelling) const noexcept {
  const int32_t id = spellings_->find(spelling);
  return id < 0 ? std::nullopt : std::optional(id);
}

bool Tokenizer::is_control(int32_t token) const noexcept {
  const TokenType type = type_of(token);
  return type == TokenType::kControl || type == TokenType::kUnknown;
}

int32_t Tokenizer::find_plain(std::string_view spelling) const noexcept {
  const int32_t id = spellings_->find(spelling);
  return id >= 0 && is_control(id) ? -1 : id;
}

std::string Tokenizer::bytes_of(int32_t token, bool special) const {
  switch (type_of(token)) {
    case TokenType::kControl:
    case TokenType::kUnknown:
      return special ? std::string(spec_.tokens[static_cast<size_t>(token)]) : std::string();
    case TokenType::kUserDefined:
      return std::string(spec_.tokens[static_cast<size_t>(token)]);
    default:
      return plain_bytes(token);
  }
}

void Tokenizer::append_bytes(int32_t token, bool special, bool& at_start, std::string& bytes) const {
  const std::string more = bytes_of(token, special);
  const bool drops = at_start && drops_first_space_ && more.starts_with(' ');
  if (!more.empty()) at_start = false;
  bytes.append(more, drops ? 1 : 0);
}

void Tokenizer::check_ids(std::span<const int32_t> tokens) const {
  for (const int32_t token : tokens) {
    if (token < 0 || static_cast<size_t>(token) >= vocab_size()) {
      fail_with(ErrorCode::kInvalidArgument, "token ", token, " is not in a vocabulary of ", vocab_size());
    }
  }
}

std::string Tokenizer::decode_bytes(std::span<const int32_t> tokens, bool special) const {
  check_ids(tokens);
  std::string bytes;
  bool at_start = true;
  for (const int32_t token : tokens) append_bytes(token, special, at_start, bytes);
  return bytes;
}

std::string Tokenizer::decode(std::span<const int32_t> tokens, bool special) const {
  check_ids(tokens);
  StreamDecoder decoder(*this, special, false);
  std::string text;
  for (const int32_t token : tokens) text += decoder.add(token);
  return text + decoder.flush();
}

}  // namespace kinglet::text
