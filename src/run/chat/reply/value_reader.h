// Values as models write them in calls, made JSON while they come.
//
// JSON passes as it is, white space too. Beside it, what small models and Python's syntax have: 'text', True, False,
// None, (tuples), keys without quotes, a comma too much, line breaks inside strings; and strings between marks of a
// family's own (Gemma's <|"|>). A state machine over characters: where the text is cut changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::chat {

enum class Reading : uint8_t { kMore, kDone, kFailed };

/// Reads one value. Memory: its depth, which is bounded.
class ValueReader {
 public:
  static constexpr size_t kMaxDepth = 128;

  /// `raw_quote`: what stands around strings in which nothing is escaped; empty: none. Outlives the reader.
  explicit ValueReader(std::string_view raw_quote = {}) : raw_quote_(raw_quote) {}

  /// Takes text from its beginning and appends what it means as JSON. Gives how many bytes it took: all of them until
  /// the value is complete or is none.
  size_t take(std::string_view text, std::string& json);
  /// The text is over: a word or a string in single quotes at the top may be complete only now.
  void finish(std::string& json);
  [[nodiscard]] Reading state() const noexcept { return state_; }
  /// What it took without having given it on: an unfinished word or escape.
  [[nodiscard]] std::string held() const;

 private:
  enum class At : uint8_t {
    kValue,
    kKey,
    kColon,
    kAfter,  // a value in a container
    kWord,   // a number, true, a key
    kString,
    kEscape,
    kHex,    // of an escape
    kQuote,  // behind a ', which may be an apostrophe
    kRawBegin,
    kRawString,
  };
  bool step(char c, std::string& json);
  bool step_value(char c, std::string& json);
  bool step_key(char c, std::string& json);
  bool step_after(char c, std::string& json);
  bool step_string(char c, std::string& json);
  bool step_escape(char c, std::string& json);
  bool step_hex(char c, std::string& json);
  bool step_quote(char c, std::string& json);
  bool step_raw(char c, std::string& json);
  bool begin_string(char c, std::string& json);
  void put_space(char c, std::string& json);
  void put_pending(std::string& json);
  void put_half(std::string& json);
  void end_word(std::string& json);
  void end_string(std::string& json);
  void end_value();
  bool close(char c, std::string& json);

  std::string_view raw_quote_;
  Reading state_ = Reading::kMore;
  At at_ = At::kValue;
  std::vector<char> open_;  // '{', '[', '('
  bool is_key_ = false;     // the string or word that is being read
  bool may_close_ = false;  // no value or key must follow: the container is empty, or there was a comma too much
  char quote_ = '"';
  size_t n_matched_ = 0;  // of raw_quote_
  size_t n_hex_ = 0;      // digits that an escape still needs
  std::string word_;
  std::string pending_;  // a comma and the space behind it, until something follows
  std::string half_;     // the first half of a pair of \u escapes
};

/// Appends text as it stands inside of a JSON string.
void append_escaped(std::string_view text, std::string& json);

/// The whole text as JSON: one value with blanks around it. False where it is none; `json` is then not changed.
bool value_to_json(std::string_view text, std::string& json);

}  // namespace kinglet::chat
