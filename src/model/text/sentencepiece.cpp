#include "model/text/sentencepiece.h"

#include <charconv>
#include <queue>

#include "core/base/base.h"
#include "model/text/spelling_index.h"
#include "model/text/utf8.h"

namespace kinglet::text {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581 stands for a space in pieces

// "<0x0A>" is the byte 10; -1 for other spellings.
int byte_of(std::string_view spelling) noexcept {
  if (spelling.size() != 6 || !spelling.starts_with("<0x") || spelling.back() != '>') return -1;
  unsigned byte = 0;
  const auto [end, status] = std::from_chars(spelling.data() + 3, spelling.data() + 5, byte, 16);
  return status == std::errc() && end == spelling.data() + 5 ? static_cast<int>(byte) : -1;
}

std::string with_marks(std::string_view text, bool prefix) {
  std::string out;
  out.reserve(text.size() + text.size() / 4 + 3);
  if (prefix) out += kSpaceMark;
  for (const char c : text) {
    if (c == ' ') {
      out += kSpaceMark;
    } else {
      out.push_back(c);
    }
  }
  return out;
}

// A stretch of the text; an empty one has been merged into its left neighbour.
struct Symbol {
  uint32_t begin;
  uint32_t size;
  uint32_t next;
  uint32_t previous;
};
constexpr uint32_t kEnd = UINT32_MAX;

struct Candidate {
  float score;
  uint32_t left;
  uint32_t right;
  uint32_t size;  // of both together, as they were
  bool operator<(const Candidate& other) const noexcept {
    return score != other.score ? score < other.score : left > other.left;
  }
};

}  // namespace

SentencePieceBpe::SentencePieceBpe(const VocabularySpec& spec) : Tokenizer(spec) {
  if (spec_.scores.size() != spec_.tokens.size()) {
    fail_with(ErrorCode::kInvalidFile, "tokenizer: ", spec_.tokens.size(), " tokens, ", spec_.scores.size(), " scores");
  }
  drops_first_space_ = spec_.add_space_prefix;
  byte_tokens_.fill(-1);
  for (size_t id = 0; id < spec_.tokens.size(); ++id) {
    if (const int byte = byte_of(spec_.tokens[id]); byte >= 0 && type_of(static_cast<int32_t>(id)) == TokenType::kByte) {
      byte_tokens_[static_cast<size_t>(byte)] = static_cast<int32_t>(id);
    }
  }
}

void SentencePieceBpe::append_bytes(std::string_view bytes, std::vector<int32_t>& ids) const {
  for (const char c : bytes) {
    const int32_t token = byte_tokens_[static_cast<uint8_t>(c)];
    if (token >= 0) {
      ids.push_back(token);
    } else if (spec_.unknown) {
      ids.push_back(*spec_.unknown);
    }
  }
}

void SentencePieceBpe::encode_plain(std::string_view text, bool is_first, std::vector<int32_t>& ids) const {
  // As the field does it, text after a special token begins like text at the start.
  static_cast<void>(is_first);
  const std::string marked = with_marks(text, spec_.add_space_prefix);
  std::vector<Symbol> symbols;
  symbols.reserve(marked.size());
  for (size_t i = 0; i < marked.size();) {
    const uint32_t size = code_point_at(marked, i).length;
    const auto at = static_cast<uint32_t>(symbols.size());
    symbols.push_back({static_cast<uint32_t>(i), size, at + 1, at - 1});
    i += size;
  }
  if (symbols.empty()) return;
  symbols.front().previous = kEnd;
  symbols.back().next = kEnd;

  std::vector<Candidate> first;
  const auto candidate = [&](uint32_t left, uint32_t right, auto& into) {
    const uint32_t size = symbols[left].size + symbols[right].size;
    const int32_t token = spellings().find(std::string_view(marked).substr(symbols[left].begin, size));
    if (token >= 0) into.push_back({spec_.scores[static_cast<size_t>(token)], left, right, size});
  };
  for (uint32_t i = 0; i + 1 < symbols.size(); ++i) candidate(i, i + 1, first);
  std::priority_queue<Candidate> queue(std::less<Candidate>(), std::move(first));
  std::vector<Candidate> found;
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol& left = symbols[best.left];
    Symbol& right = symbols[best.right];
    if (left.size == 0 || right.size == 0 || left.size + right.size != best.size) continue;
    left.size = best.size;
    left.next = right.next;
    right.size = 0;
    if (left.next != kEnd) symbols[left.next].previous = best.left;
    found.clear();
    if (left.previous != kEnd) candidate(left.previous, best.left, found);
    if (left.next != kEnd) candidate(best.left, left.next, found);
    for (const Candidate& more : found) queue.push(more);
  }
  for (uint32_t i = 0; i != kEnd; i = symbols[i].next) {
    const std::string_view piece = std::string_view(marked).substr(symbols[i].begin, symbols[i].size);
    if (const int32_t token = spellings().find(piece); token >= 0) {
      ids.push_back(token);
    } else {
      append_bytes(piece, ids);
    }
  }
}

std::string SentencePieceBpe::plain_bytes(int32_t token) const {
  const std::string_view spelling = spec_.tokens[static_cast<size_t>(token)];
  if (type_of(token) == TokenType::kByte) {
    if (const int byte = byte_of(spelling); byte >= 0) return std::string(1, static_cast<char>(byte));
  }
  std::string bytes;
  for (size_t i = 0; i < spelling.size();) {
    if (spelling.substr(i).starts_with(kSpaceMark)) {
      bytes.push_back(' ');
      i += kSpaceMark.size();
    } else {
      bytes.push_back(spelling[i++]);
    }
  }
  return bytes;
}

}  // namespace kinglet::text
