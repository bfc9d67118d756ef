// SentencePiece's table of normalization: what stretches of text become, in one double array. Internal to model/text.
//
// Source: SentencePiece's normalizer.cc and the layout of darts-clone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::text {

/// Untrusted: every step through the table is checked. Constant once made.
class Charsmap {
 public:
  /// `bytes`: a u32 with the length of the array, the array, then texts that end with 0. Empty: no table. It outlives
  /// this. Throws Error{kInvalidFile}.
  explicit Charsmap(std::string_view bytes);

  struct Prefix {
    std::string_view text;  ///< What it becomes.
    size_t length;          ///< Bytes of the input that it is of.
  };
  /// The longest stretch at the start of a text that is not empty, else its first character; a byte that is no UTF-8
  /// becomes U+FFFD.
  [[nodiscard]] Prefix prefix_of(std::string_view text) const noexcept;

 private:
  std::vector<uint32_t> units_;
  std::string_view texts_;
};

/// What SentencePiece makes of a text before it cuts it into pieces: spaces become U+2581; with `joins_spaces` several
/// become one, and those at the ends go.
std::string sentencepiece_normalized(std::string_view text, const Charsmap& charsmap, bool adds_prefix,
                                     bool joins_spaces);

}  // namespace kinglet::text
