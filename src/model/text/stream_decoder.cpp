#include "model/text/stream_decoder.h"

#include <algorithm>

#include "model/text/utf8.h"

namespace kinglet::text {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace

std::string StreamDecoder::add(int32_t token) {
  const bool special = special_ || std::ranges::binary_search(shown_, token);
  tokenizer_.append_bytes(token, special, at_start_, held_);
  std::string out;
  size_t i = 0;
  while (i < held_.size()) {
    const Utf8Piece piece = utf8_piece_at(held_, i);
    if (piece.kind == Utf8Piece::Kind::kUnfinished) break;
    if (piece.kind == Utf8Piece::Kind::kCharacter) {
      out.append(held_, i, piece.length);
    } else {
      out += kReplacement;
    }
    i += piece.length;
  }
  held_.erase(0, i);
  return out;
}

std::string StreamDecoder::flush() {
  std::string out(held_.empty() ? std::string_view() : kReplacement);
  held_.clear();
  return out;
}

}  // namespace kinglet::text
