#include "model/text/spelling_index.h"

#include <algorithm>

#include "core/base/base.h"

namespace kinglet::text {

Tokenizer::SpellingIndex::SpellingIndex(std::span<const std::string_view> tokens) : tokens_(tokens) {
  entries_.resize(std::bit_ceil(tokens.size() * 2 + 2));
  const size_t mask = entries_.size() - 1;
  // Half full, a table of good hashes looks at 1.5 places for each token.
  size_t looks_left = 64 * tokens.size() + 1024;
  for (size_t id = 0; id < tokens.size(); ++id) {
    const uint64_t hash = hash_bytes(tokens[id]);
    size_t at = hash & mask;
    while (entries_[at].id >= 0 && !is_at(at, tokens[id], hash)) {
      at = (at + 1) & mask;
      if (--looks_left == 0)
        fail_with(ErrorCode::kInvalidFile, "tokenizer: the spellings of ", tokens.size(), " tokens collide");
    }
    if (entries_[at].id < 0) entries_[at] = {static_cast<uint32_t>(hash >> 32U), static_cast<int32_t>(id)};
    longest_ = std::max(longest_, tokens[id].size());
  }
}

}  // namespace kinglet::text
