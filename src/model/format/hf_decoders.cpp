#include "model/format/hf_decoders.h"

#include <algorithm>
#include <array>

#include "core/base/base.h"

namespace kinglet::format {

void check_decoders(const std::vector<Component>& parts) {
  constexpr std::array<std::string_view, 9> kKnown = {
      "BPEDecoder", "ByteFallback", "ByteLevel", "Fuse", "Metaspace", "Replace", "Sequence", "Strip", "WordPiece"};
  for (const Component& part : parts) {
    if (std::ranges::find(kKnown, part.type()) == kKnown.end() || part.type() == "BPEDecoder") part.refuse_type(kKnown);
    if (part.type() != "Replace") continue;
    const auto [looked, is_pattern] = part.looked_for();
    if (looked != kSpaceMark || part.word("content") != " ")
      part.refuse("of anything but U+2581 by a space is not supported");
  }
}

}  // namespace kinglet::format
