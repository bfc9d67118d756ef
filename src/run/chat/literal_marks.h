// Keeps what people write from being read as control tokens, when it stands inside a rendered prompt.
//
// A prompt is rendered as one text and tokenized with control tokens recognised, since the template means them. Strings
// that came from outside get a mark in front of each place where a control token could begin or go on inside them; the
// tokenizer reads none there and drops the mark (EncodeOptions::mark). The mark is a random number of 32 digits, so it
// passes filters (trim, upper, tojson, ...) unchanged and nobody can know it. Strings in which nothing could be read so
// stay as they are, so that the template sees what it would see without this.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "home/system/json.h"
#include "model/text/text.h"

namespace kinglet::chat {

class LiteralMarks {
 public:
  /// The tokenizer outlives it. Draws the mark.
  explicit LiteralMarks(const text::Tokenizer& tokenizer);

  /// Messages of a chat: their contents as text(), everything else as value(). The role decides what a template writes,
  /// so it stays as it is. Throws Error{kInvalidArgument} where it is no word or where a message has none.
  [[nodiscard]] system::Json messages(const system::Json& messages) const;
  /// The text with the mark in front of each control token that it spells, of a beginning of one at its end, and of the
  /// rest of one at its start (white space around it not counted, as templates trim).
  [[nodiscard]] std::string text(std::string_view text) const;
  /// The value with all strings in it marked where they spell a control token, keys too.
  [[nodiscard]] system::Json value(const system::Json& value) const;

  /// For EncodeOptions.
  [[nodiscard]] std::string_view mark() const noexcept { return mark_; }

 private:
  [[nodiscard]] std::string with_marks(std::string_view text, const std::set<size_t>& places) const;
  [[nodiscard]] system::Json content(const system::Json& content) const;
  void add_spelled(std::string_view text, std::set<size_t>& places) const;

  std::vector<std::string_view> spellings_;  // of control tokens
  std::string mark_;
};

}  // namespace kinglet::chat
