// What a model's replies look like: where it thinks, and how it spells calls of tools.
//
// Formats are rows of two lists (thinking.cpp, formats/*.cpp): a row says which spellings show that a model has it, and
// what they mean. Looked for in what the model's template writes, not in a name.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/text/text.h"
#include "run/chat/chat_template.h"
#include "run/chat/reply/call_ids.h"
#include "run/chat/reply/call_pattern.h"

namespace kinglet::chat {

/// Where the text of a reply goes.
enum class Channel : uint8_t { kText, kThinking };

/// A spelling that is no part of the reply's text: behind it the text goes elsewhere.
struct Mark {
  std::string spelling;
  enum class From : uint8_t { kText, kThinking, kAnywhere, kStart };
  From from = From::kAnywhere;  ///< Where it is a mark; elsewhere it is text. kStart: at the start of the answer alone.
  Channel to = Channel::kText;
};

/// Constant once made.
struct ReplyFormat {
  /// What stands around thinking that comes before an answer, as a grammar writes it.
  struct Spelling {
    std::string begin = {};
    std::string end = {};
  };
  std::string thinking_name;  ///< Of the row; empty: the model does not think in a way that is known.
  std::string calls_name;     ///< Of the row.
  bool calls_known = false;   ///< The template or the vocabulary shows how calls are spelled; else the usual ones hold.
  Spelling thinking;
  std::vector<Mark> marks;
  std::vector<CallSyntax> calls;  ///< The first is the family's own, which a grammar writes.
  CallIds::Style ids;

  /// By what the template says and writes, and by the control tokens of the vocabulary (null: none).
  static ReplyFormat of(const ChatTemplate& chat, const text::Tokenizer* tokenizer);

  /// The end of a prompt that belongs to the reply: the mark that opens thinking, where the template writes it.
  [[nodiscard]] std::string opened_by(std::string_view prompt) const;
  /// Control tokens that ReplyReader must see: their spellings are parts of marks.
  [[nodiscard]] std::vector<int32_t> shown_tokens(const text::Tokenizer& tokenizer) const;
  [[nodiscard]] bool thinks() const noexcept { return !thinking_name.empty(); }
};

/// A row of the list of ways to think. The first of which a sign stands in the template's words counts.
struct ThinkingRow {
  std::string_view name;
  std::vector<std::string_view> signs;  ///< Any of them.
  ReplyFormat::Spelling spelling;
  std::vector<Mark> marks;
};
std::vector<ThinkingRow> thinking_rows();

/// A row of the list of ways to call.
struct CallRow {
  std::string_view name;
  std::vector<std::string_view> signs;  ///< All of them.
  std::vector<CallSyntax> calls;
  std::vector<Mark> marks = {};
  CallIds::Style ids = {};
};

}  // namespace kinglet::chat
