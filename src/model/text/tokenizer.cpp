#include "model/text/tokenizer.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "core/base/base.h"
#include "model/text/byte_bpe.h"
#include "model/text/sentencepiece.h"
#include "model/text/spelling_index.h"

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

}  // namespace

/// Spellings of control and user-defined tokens as a trie, the longest at each place first.
class Tokenizer::SpecialTokens {
 public:
  explicit SpecialTokens(const VocabularySpec& spec) {
    for (size_t id = 0; id < spec.types.size(); ++id) {
      const TokenType type = spec.types[id];
      const bool is_special = type == TokenType::kControl || type == TokenType::kUserDefined || type == TokenType::kUnknown;
      if (is_special && !spec.tokens[id].empty()) add(spec.tokens[id], static_cast<int32_t>(id), type == TokenType::kUserDefined);
    }
  }

  struct Match {
    int32_t token = -1;
    size_t length = 0;
  };

  /// The longest special token that begins at `at`; user-defined ones alone unless `special`.
  [[nodiscard]] Match match(std::string_view text, size_t at, bool special) const noexcept {
    Match best;
    if (!starts_[static_cast<uint8_t>(text[at])]) return best;
    uint32_t node = 0;
    for (size_t i = at; i < text.size(); ++i) {
      const auto edge = edges_.find(edge_key(node, text[i]));
      if (edge == edges_.end()) break;
      node = edge->second;
      const Node& here = nodes_[node];
      if (here.token >= 0 && (special || here.always)) best = {here.token, i + 1 - at};
    }
    return best;
  }

 private:
  struct Node {
    int32_t token = -1;
    bool always = false;
  };

  static uint64_t edge_key(uint32_t node, char c) noexcept { return (uint64_t{node} << 8U) | static_cast<uint8_t>(c); }

  void add(std::string_view spelling, int32_t token, bool always) {
    starts_[static_cast<uint8_t>(spelling[0])] = true;
    uint32_t node = 0;
    for (const char c : spelling) {
      const auto [edge, is_new] = edges_.try_emplace(edge_key(node, c), static_cast<uint32_t>(nodes_.size()));
      if (is_new) nodes_.emplace_back();
      node = edge->second;
    }
    if (nodes_[node].token < 0) nodes_[node] = {token, always};
  }

  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::unordered_map<uint64_t, uint32_t> edges_;
  std::array<bool, 256> starts_{};
};

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

std::unique_ptr<const Tokenizer> Tokenizer::make(const VocabularySpec& spec) {
  if (spec.model == "gpt2") return std::make_unique<ByteBpe>(spec);
  if (spec.model == "llama") return std::make_unique<SentencePieceBpe>(spec);
  fail_with(ErrorCode::kUnsupported, "tokenizer: kind ", spec.model, " is not supported; supported: gpt2, llama");
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
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
      continue;
    }
    take_plain(i);
    ids.push_back(match.token);
    i += match.length;
    plain = i;
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

std::string Tokenizer::decode(std::span<const int32_t> tokens, bool special) const {
  std::string text;
  bool is_first = true;
  for (const int32_t token : tokens) {
    if (token < 0 || static_cast<size_t>(token) >= vocab_size()) {
      fail_with(ErrorCode::kInvalidArgument, "token ", token, " is not in a vocabulary of ", vocab_size());
    }
    std::string bytes = bytes_of(token, special);
    const bool is_normal = type_of(token) == TokenType::kNormal;
    if (is_first && is_normal && drops_first_space_ && bytes.starts_with(' ')) bytes.erase(0, 1);
    if (is_normal) is_first = false;
    text += bytes;
  }
  return text;
}

}  // namespace kinglet::text
