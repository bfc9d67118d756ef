#include "front/serve/http/body_decoder.h"

#include <algorithm>
#include <charconv>

#include "core/base/str.h"

namespace kinglet::serve::http {
namespace {

constexpr size_t kChunkLineBytes = 256;
constexpr size_t kTrailerBytes = 4096;

Refusal malformed(std::string_view what) { return {400, str("the chunked body is malformed: ", what)}; }

}  // namespace

BodyDecoder::BodyDecoder(const Framing& framing, uint64_t max_bytes)
    : part_(framing.chunked ? Part::kChunkSize : Part::kPlain), max_bytes_(max_bytes), n_left_(framing.length) {
  if (!framing.has_body()) part_ = Part::kDone;
}

std::optional<Refusal> BodyDecoder::too_long() const {
  if (n_left_ <= max_bytes_ - n_bytes_) return std::nullopt;
  return Refusal{413, str("the body is longer than ", max_bytes_, " bytes")};
}

std::optional<Refusal> BodyDecoder::take_line(std::string_view& in, size_t max_bytes, bool& whole) {
  whole = false;
  const size_t end = in.find('\n');
  const std::string_view piece = in.substr(0, end);
  if (line_.size() + piece.size() > max_bytes) return malformed("a line is too long");
  line_ += piece;
  in.remove_prefix(end == std::string_view::npos ? in.size() : end + 1);
  if (end == std::string_view::npos) return std::nullopt;
  if (line_.empty() || line_.back() != '\r') return malformed("a line feed without a carriage return");
  line_.pop_back();
  if (!is_field_value(line_)) return malformed("a control byte");
  whole = true;
  return std::nullopt;
}

std::optional<Refusal> BodyDecoder::read_chunk_size() {
  const char* end = line_.data() + line_.size();
  const auto [rest, error] = std::from_chars(line_.data(), end, n_left_, 16);
  if (error == std::errc::result_out_of_range) return Refusal{413, "a chunk is too large"};
  if (error != std::errc() || (rest != end && *rest != ';')) return malformed("the size of a chunk");
  if (const auto refusal = too_long()) return refusal;
  part_ = n_left_ == 0 ? Part::kTrailers : Part::kChunk;
  return std::nullopt;
}

std::optional<Refusal> BodyDecoder::feed(std::string_view& in, std::string& out) {
  if (part_ == Part::kPlain && n_bytes_ == 0) {
    if (const auto refusal = too_long()) return refusal;
  }
  bool whole = false;
  while (!in.empty() && part_ != Part::kDone) {
    switch (part_) {
      case Part::kPlain:
      case Part::kChunk: {
        const auto n = static_cast<size_t>(std::min<uint64_t>(n_left_, in.size()));
        out += in.substr(0, n);
        in.remove_prefix(n);
        n_left_ -= n;
        n_bytes_ += n;
        if (n_left_ == 0) part_ = part_ == Part::kPlain ? Part::kDone : Part::kChunkEnd;
        break;
      }
      case Part::kChunkSize:
        if (const auto refusal = take_line(in, kChunkLineBytes, whole)) return refusal;
        if (!whole) break;
        if (const auto refusal = read_chunk_size()) return refusal;
        line_.clear();
        break;
      case Part::kChunkEnd:
        if (const auto refusal = take_line(in, 2, whole)) return refusal;
        if (!whole) break;
        if (!line_.empty()) return malformed("bytes behind a chunk");
        part_ = Part::kChunkSize;
        break;
      case Part::kTrailers:
        if (const auto refusal = take_line(in, kTrailerBytes - n_trailer_bytes_, whole)) return refusal;
        if (!whole) break;
        n_trailer_bytes_ = std::min(kTrailerBytes, n_trailer_bytes_ + line_.size() + 2);
        if (line_.empty()) {
          part_ = Part::kDone;
        } else if (!parse_field(line_)) {
          return malformed("a trailer is not NAME: VALUE");
        }
        line_.clear();
        break;
      case Part::kDone:
        break;
    }
  }
  return std::nullopt;
}

}  // namespace kinglet::serve::http
