// Tokens that come one by one, as text that never ends within a character.
#pragma once

#include <span>
#include <string>

#include "model/text/tokenizer.h"

namespace kinglet::text {

/// One answer's decoder. What it gives, put together, is Tokenizer::decode of all its tokens. Not thread-safe; the
/// tokenizer outlives it.
class StreamDecoder {
 public:
  /// `continues`: the answer goes on a text, so a space at its start is kept. `shown`: control tokens whose spellings
  /// are given though others' are not; in ascending order; outlives the decoder.
  explicit StreamDecoder(const Tokenizer& tokenizer, bool special = false, bool continues = true,
                         std::span<const int32_t> shown = {})
      : tokenizer_(tokenizer), special_(special), at_start_(!continues), shown_(shown) {}

  /// The text that this token completes: valid UTF-8, maybe empty. Bytes that can never become a character are U+FFFD.
  /// The id is below vocab_size().
  std::string add(int32_t token);
  /// What is left at the end: an unfinished character as U+FFFD.
  std::string flush();

 private:
  const Tokenizer& tokenizer_;
  bool special_;
  bool at_start_;
  std::span<const int32_t> shown_;
  std::string held_;
};

}  // namespace kinglet::text
