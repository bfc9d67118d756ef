#include "model/grammar/token_trie.h"

#include <algorithm>

#include "core/base/base.h"
#include "model/text/tokenizer.h"

namespace kinglet::grammar {
namespace {

constexpr char kControlMark = '\xFF';

}  // namespace

std::string TokenTrie::control_spelling(int32_t token) {
  const auto id = static_cast<uint32_t>(token);
  std::string spelling(1, kControlMark);
  for (const uint32_t shift : {16U, 8U, 0U}) spelling += static_cast<char>((id >> shift) & 0xFFU);
  return spelling;
}

TokenTrie::TokenTrie(const TokenBytes& vocabulary) : ends_(vocabulary.ends.begin(), vocabulary.ends.end()) {
  const size_t n = vocabulary.bytes.size();
  if (n == 0 || n > kMaxTokens) fail_with(ErrorCode::kInvalidArgument, "grammar: a vocabulary of ", n, " tokens");
  const auto check = [&](std::string_view what, int32_t id) {
    if (id < 0 || static_cast<size_t>(id) >= n)
      fail_with(ErrorCode::kInvalidArgument, "grammar: ", what, " token ", id, " of a vocabulary of ", n);
  };
  std::sort(ends_.begin(), ends_.end());
  ends_.erase(std::unique(ends_.begin(), ends_.end()), ends_.end());
  std::vector<uint8_t> is_control(n, 0);
  for (const int32_t id : ends_) check("end", id);
  for (const int32_t id : vocabulary.controls) {
    check("control", id);
    is_control[static_cast<size_t>(id)] = 1;
  }
  offsets_.reserve(n + 1);
  std::vector<int32_t> order;
  order.reserve(n);
  for (size_t i = 0; i < n; ++i) {
    offsets_.push_back(static_cast<uint32_t>(text_.size()));
    const auto id = static_cast<int32_t>(i);
    if (is_end(id)) continue;
    const std::string bytes = is_control[i] != 0 ? control_spelling(id) : vocabulary.bytes[i];
    // A byte that is in no text would be taken for a control token.
    if (bytes.empty() || (is_control[i] == 0 && bytes.find(kControlMark) != std::string::npos)) continue;
    if (bytes.size() > UINT16_MAX) continue;
    text_ += bytes;
    order.push_back(id);
  }
  offsets_.push_back(static_cast<uint32_t>(text_.size()));
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return bytes_of(a) < bytes_of(b); });

  nodes_.push_back({0, -1, 0, 0});
  std::vector<uint32_t> path = {0};  // the nodes above, the root first
  std::string_view last;
  for (const int32_t id : order) {
    const std::string_view bytes = bytes_of(id);
    const size_t common =
        static_cast<size_t>(std::mismatch(last.begin(), last.end(), bytes.begin(), bytes.end()).first - last.begin());
    if (common == bytes.size()) {
      twins_.emplace_back(nodes_[path[common]].token, id);
      continue;
    }
    while (path.size() > common + 1) {
      nodes_[path.back()].end = static_cast<uint32_t>(nodes_.size());
      path.pop_back();
    }
    for (size_t i = common; i < bytes.size(); ++i) {
      path.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back(
          {0, i + 1 == bytes.size() ? id : -1, static_cast<uint16_t>(i + 1), static_cast<uint8_t>(bytes[i])});
    }
    max_depth_ = std::max(max_depth_, bytes.size());
    last = bytes;
  }
  for (const uint32_t node : path) nodes_[node].end = static_cast<uint32_t>(nodes_.size());
}

std::shared_ptr<const TokenTrie> TokenTrie::make(const text::Tokenizer& tokenizer, std::span<const int32_t> ends) {
  std::vector<std::string> bytes;
  std::vector<int32_t> controls;
  for (size_t i = 0; i < tokenizer.vocab_size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    const text::TokenType type = tokenizer.type_of(id);
    if (type == text::TokenType::kControl) controls.push_back(id);
    const bool matches = type != text::TokenType::kUnused && type != text::TokenType::kUnknown;
    bytes.push_back(matches ? tokenizer.bytes_of(id) : std::string());
  }
  return std::make_shared<const TokenTrie>(TokenBytes{bytes, ends, controls});
}

bool TokenTrie::is_end(int32_t token) const noexcept { return std::binary_search(ends_.begin(), ends_.end(), token); }

std::string_view TokenTrie::bytes_of(int32_t token) const noexcept {
  const uint32_t from = offsets_[static_cast<size_t>(token)];
  return std::string_view(text_).substr(from, offsets_[static_cast<size_t>(token) + 1] - from);
}

bool TokenTrie::is_proper_prefix(std::string_view text) const noexcept {
  uint32_t at = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    uint32_t child = at + 1;
    while (child < nodes_[at].end && nodes_[child].byte != byte) child = nodes_[child].end;
    if (child >= nodes_[at].end) return false;
    at = child;
  }
  return nodes_[at].end > at + 1;
}

LexemeMask TokenTrie::walked(const Lexeme& lexeme, uint32_t state) const {
  LexemeMask mask;
  std::vector<uint32_t> states(max_depth_ + 1, Lexeme::kDead);
  states[0] = state;
  for (uint32_t i = 1; i < nodes_.size();) {
    const Node& node = nodes_[i];
    const uint32_t to = lexeme.next(states[node.depth - 1U], node.byte);
    if (to == Lexeme::kDead) {
      i = node.end;
      continue;
    }
    states[node.depth] = to;
    if (node.token >= 0) mask.tokens.push_back(node.token);
    if (lexeme.accepts(to) && node.end > i + 1) mask.exits.push_back(i);
    ++i;
  }
  // A list is shorter, and faster to add, where the tokens are few.
  if (mask.tokens.size() > n_words() / 8) {
    mask.words.assign(n_words(), 0);
    for (const int32_t token : mask.tokens) {
      mask.words[static_cast<size_t>(token) / 32] |= 1U << (static_cast<uint32_t>(token) % 32U);
    }
    mask.tokens = {};
  }
  mask.tokens.shrink_to_fit();
  mask.exits.shrink_to_fit();
  return mask;
}

std::shared_ptr<const LexemeMask> TokenTrie::mask_of(const Lexeme& lexeme, uint32_t state) const {
  // A count that no token can reach is as good as none, so strings of many limits share their masks.
  const auto far = static_cast<uint32_t>(max_depth_ + 1);
  const uint32_t count = lexeme.count_of(state);
  const uint32_t least = lexeme.least > count ? std::min(lexeme.least - count, far) : 0;
  const uint32_t most = lexeme.most == Lexeme::kNoLimit ? far : std::min(lexeme.most - count, far);
  const Key key{lexeme.dfa->fingerprint(), lexeme.dfa_state(state), lexeme.body, least, most};
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = cache_.find(key); at != cache_.end()) return at->second;
  }
  auto made = std::make_shared<const LexemeMask>(walked(lexeme, state));
  const size_t bytes = sizeof(LexemeMask) + (made->words.size() + made->tokens.size() + made->exits.size()) * 4 + 64;
  const std::lock_guard lock(mutex_);
  if (cache_bytes_ + bytes > kMaxCacheBytes) {
    cache_.clear();
    cache_bytes_ = 0;
  }
  if (cache_.emplace(key, made).second) cache_bytes_ += bytes;
  return made;
}

}  // namespace kinglet::grammar
