// The body of a request, out of its frames: a length that was said, or chunks.
//
// Of chunks a size is hexadecimal digits and nothing else before an extension or the end of its line; extensions and
// trailers are checked, limited and dropped. Source: RFC 9112, sections 6 and 7. Fuzzed by tests/fuzz/http_fuzz.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "front/serve/http/refusal.h"
#include "front/serve/http/request_head.h"

namespace kinglet::serve::http {

class BodyDecoder {
 public:
  /// Of a body that has at most max_bytes.
  BodyDecoder(const Framing& framing, uint64_t max_bytes);

  /// Takes bytes off the front of `in` and appends those of the body to `out`, until `in` is empty or the body
  /// complete. The refusal of a body that is malformed or too long; then nothing behind it can be understood.
  std::optional<Refusal> feed(std::string_view& in, std::string& out);

  [[nodiscard]] bool done() const noexcept { return part_ == Part::kDone; }
  /// Bytes of the body so far.
  [[nodiscard]] uint64_t size() const noexcept { return n_bytes_; }

 private:
  enum class Part { kPlain, kChunkSize, kChunk, kChunkEnd, kTrailers, kDone };
  /// True when line_ is whole, without its end.
  std::optional<Refusal> take_line(std::string_view& in, size_t max_bytes, bool& whole);
  std::optional<Refusal> read_chunk_size();
  std::optional<Refusal> too_long() const;

  Part part_;
  uint64_t max_bytes_;
  uint64_t n_bytes_ = 0;
  uint64_t n_left_ = 0;  ///< Of the body, or of this chunk.
  size_t n_trailer_bytes_ = 0;
  std::string line_;
};

}  // namespace kinglet::serve::http
