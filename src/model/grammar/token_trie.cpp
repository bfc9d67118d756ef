#include "model/grammar/token_trie.h"

#include <algorithm>

#include "core/base/base.h"
#include "model/grammar/json_rules.h"
#include "model/text/tokenizer.h"

namespace kinglet::grammar {
namespace {

constexpr char kControlMark = '\xFF';

void put_bit(std::vector<uint32_t>& words, int32_t token, bool value) {
  const uint32_t bit = 1U << (static_cast<uint32_t>(token) % 32U);
  uint32_t& word = words[static_cast<size_t>(token) / 32];
  word = value ? word | bit : word & ~bit;
}

// A digest of the texts that lead from a state to acceptance: of the states that it reaches, in the order in which they
// are met. 1 where these are many.
uint64_t rest_digest(const Dfa& dfa, uint32_t state) {
  constexpr size_t kMany = 48;
  std::vector<uint32_t> met = {Dfa::kDead, state};
  uint64_t digest = 14695981039346656037U;
  const auto mix = [&](uint64_t value) {
    digest ^= value + 0x9E3779B97F4A7C15U + (digest << 6U) + (digest >> 2U);
    digest *= 0xBF58476D1CE4E5B9U;
    digest ^= digest >> 29U;
  };
  for (size_t i = 1; i < met.size(); ++i) {
    mix(dfa.accepts(met[i]) ? 1 : 2);
    size_t last = SIZE_MAX;
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const uint32_t to = dfa.next(met[i], static_cast<uint8_t>(byte));
      const auto at = std::find(met.begin(), met.end(), to);
      const auto id = static_cast<size_t>(at - met.begin());
      if (at == met.end()) met.push_back(to);
      if (met.size() > kMany) return 1;
      if (id != last) mix(byte << 16U | id);
      last = id;
    }
  }
  return digest < 2 ? 2 : digest;
}

}  // namespace

// The inside of strings whose masks are the measure for others.
struct TokenTrie::Reference {
  std::shared_ptr<const Dfa> dfa;
  uint32_t body;
  std::vector<uint64_t> digests;

  explicit Reference(std::shared_ptr<const Dfa> strings) : dfa(std::move(strings)), body(dfa->next(dfa->start(), '"')) {
    for (uint32_t s = 0; s < dfa->size(); ++s) digests.push_back(s == Dfa::kDead ? 0 : rest_digest(*dfa, s));
  }
};

// Where several common letters lead into the inside of any string. Null for that inside itself.
const TokenTrie::Reference* TokenTrie::reference_of(const Dfa& dfa, uint32_t state) {
  static const Reference kAny{json_strings()};
  static const Reference kPlain{plain_strings()};
  for (const Reference* reference : {&kAny, &kPlain}) {
    if (dfa.fingerprint() == reference->dfa->fingerprint()) return nullptr;
  }
  constexpr std::string_view kLetters = "~QZ_#9 ";
  for (const Reference* reference : {&kPlain, &kAny}) {
    const auto n = std::count_if(kLetters.begin(), kLetters.end(), [&](char letter) {
      const uint32_t to = dfa.next(state, static_cast<uint8_t>(letter));
      return to != Dfa::kDead && rest_digest(dfa, to) == reference->digests[reference->body];
    });
    if (n >= 4) return reference;
  }
  return nullptr;
}

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
  if (!lexeme.is_counted()) {
    if (const Reference* reference = reference_of(*lexeme.dfa, state)) return differing(*lexeme.dfa, state, *reference);
  }
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
    for (const int32_t token : mask.tokens) put_bit(mask.words, token, true);
    mask.tokens = {};
  }
  mask.tokens.shrink_to_fit();
  mask.exits.shrink_to_fit();
  return mask;
}

// Most states within strings go on like the inside of any string, but for a few texts: names that are taken already,
// the beginnings of a pattern. So their masks are those of any string with what differs, which the walk finds where
// both automata lead to states that are not equal; all below equal ones is passed over.
LexemeMask TokenTrie::differing(const Dfa& dfa, uint32_t state, const Reference& reference) const {
  const std::shared_ptr<const LexemeMask> common = mask_of({reference.dfa}, reference.body);
  LexemeMask mask;
  mask.words = common->words;
  mask.words.resize(n_words(), 0);
  for (const int32_t token : common->tokens) put_bit(mask.words, token, true);
  std::vector<uint64_t> digests(dfa.size(), 0);
  const auto digest_of = [&](uint32_t s) {
    if (digests[s] == 0) digests[s] = rest_digest(dfa, s);
    return digests[s];
  };
  auto exit = common->exits.begin();
  // The exits of the reference up to a node, then none of those before another one.
  const auto keep_until = [&](uint32_t node) {
    for (; exit != common->exits.end() && *exit < node; ++exit) mask.exits.push_back(*exit);
  };
  const auto drop_until = [&](uint32_t node) {
    while (exit != common->exits.end() && *exit < node) ++exit;
  };
  std::vector<std::pair<uint32_t, uint32_t>> states(max_depth_ + 1, {Dfa::kDead, Dfa::kDead});
  states[0] = {state, reference.body};
  for (uint32_t i = 1; i < nodes_.size();) {
    const Node& node = nodes_[i];
    const auto [own_from, other_from] = states[node.depth - 1U];
    const uint32_t own = dfa.next(own_from, node.byte);
    const uint32_t other = reference.dfa->next(other_from, node.byte);
    const bool is_equal =
        own == Dfa::kDead ? other == Dfa::kDead : other != Dfa::kDead && digest_of(own) == reference.digests[other];
    if (is_equal) {
      i = node.end;
      continue;
    }
    keep_until(i);
    if (own == Dfa::kDead) {
      for (uint32_t k = i; k < node.end; ++k) {
        if (nodes_[k].token >= 0) put_bit(mask.words, nodes_[k].token, false);
      }
      drop_until(node.end);
      i = node.end;
      continue;
    }
    drop_until(i + 1);
    states[node.depth] = {own, other};
    if (node.token >= 0) put_bit(mask.words, node.token, true);
    if (dfa.accepts(own) && node.end > i + 1) mask.exits.push_back(i);
    ++i;
  }
  keep_until(UINT32_MAX);
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
