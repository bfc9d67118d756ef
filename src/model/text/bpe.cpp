#include "model/text/bpe.h"

#include <algorithm>
#include <array>

#include "core/base/base.h"
#include "model/text/spelling_index.h"

namespace kinglet::text {

RankedBpe::RankedBpe(VocabularySpec spec, const PreTokenizer& pre)
    : Tokenizer(std::move(spec)), traits_(pre.traits), cutter_(pre.cuts), caches_(std::make_unique<WordCaches>()) {
  read_merges();
}

// A merge is looked up three times in a table that no cache holds, so several are looked up at once.
void RankedBpe::read_merges() {
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

void RankedBpe::append_merged(std::span<Symbol> symbols, std::vector<int32_t>& ids) const {
  const size_t n = merge_symbols(
      symbols, [this](const Symbol& left, const Symbol& right) { return merges_->find(left.token, right.token); });
  for (const Symbol& symbol : symbols.first(n)) ids.push_back(symbol.token);
}

}  // namespace kinglet::text
