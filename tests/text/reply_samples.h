// Replies as the kit's templates spell them, and what is read from them.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "home/system/file.h"
#include "home/system/json.h"
#include "kit_files.h"
#include "run/chat/chat_template.h"
#include "run/chat/reply/reply_reader.h"

namespace kinglet::tests {

using system::Json;
using system::JsonArray;
using system::JsonObject;

/// JSON with sorted keys and without the difference of 1 and 1.0, to compare.
inline std::string sorted(const Json& value) {
  if (value.is_object()) {
    JsonObject members = value.as_object("value");
    std::ranges::sort(members, {}, [](const auto& member) { return member.first; });
    std::string text = "{";
    for (const auto& [key, member] : members) text += system::json_quoted(key) + ":" + sorted(member) + ",";
    return text + "}";
  }
  if (value.is_array()) {
    std::string text = "[";
    for (const Json& one : value.as_array("value")) text += sorted(one) + ",";
    return text + "]";
  }
  return value.is_number() ? str(value.as_number("value")) : value.dump();
}

struct ReadReply {
  std::string text;
  std::string thinking;
  std::vector<std::pair<std::string, std::string>> calls;  ///< Name, arguments.
  std::vector<std::string> ids;
  bool complete = true;
};

inline ReadReply joined(const std::vector<chat::ReplyEvent>& events) {
  ReadReply reply;
  for (const chat::ReplyEvent& event : events) {
    switch (event.kind) {
      case chat::ReplyEvent::Kind::kText:
        reply.text += event.text;
        break;
      case chat::ReplyEvent::Kind::kThinking:
        reply.thinking += event.text;
        break;
      case chat::ReplyEvent::Kind::kCallBegin:
        EXPECT_EQ(event.call_idx, reply.calls.size());
        reply.calls.emplace_back(event.name, "");
        reply.ids.push_back(event.id);
        break;
      case chat::ReplyEvent::Kind::kArguments:
        reply.calls.at(event.call_idx).second += event.text;
        break;
      case chat::ReplyEvent::Kind::kCallEnd:
        reply.complete = reply.complete && event.complete;
        break;
    }
  }
  return reply;
}

/// Reads a text cut into pieces of so many bytes, ends of characters respected; 0: in one piece.
inline ReadReply read_in_pieces(const chat::ReplyFormat& format, const chat::ToolSet& tools, const std::string& opened,
                                std::string_view text, size_t n_bytes) {
  chat::ReplyReader reader(format, tools, {.opened = opened, .id_seed = 1});
  std::vector<chat::ReplyEvent> events;
  while (!text.empty()) {
    size_t n = n_bytes == 0 ? text.size() : std::min(n_bytes, text.size());
    while (n < text.size() && (static_cast<unsigned char>(text[n]) & 0xC0U) == 0x80) ++n;
    reader.add(text.substr(0, n), events);
    text.remove_prefix(n);
  }
  reader.finish(events);
  return joined(events);
}

/// What a template writes for an answer: the part that the model itself would write, and the prompt in front of it.
class SpelledReply {
 public:
  SpelledReply(const chat::ChatTemplate& chat, const Json& tools, const Json& answer) {
    constexpr std::string_view kQuestion = "THE-QUESTION";
    const Json question = JsonObject{{"role", "user"}, {"content", std::string(kQuestion)}};
    chat::TemplateInput input;
    input.tools = tools;
    for (const char* name : {"enable_thinking", "thinking", "reasoning", "preserve_thinking"}) {
      input.variables.emplace_back(name, true);
    }
    input.variables.emplace_back("functions", tools.dump());
    input.variables.emplace_back("datetime", "today");
    input.messages = JsonArray{question};
    begin = behind(chat.render(input), kQuestion);
    input.messages = JsonArray{question, answer};
    input.generation_prompt = false;
    std::string text = behind(chat.render(input), kQuestion);
    size_t n = 0;
    while (n < begin.size() && n < text.size() && begin[n] == text[n]) ++n;
    if (n < begin.size()) n = text.substr(0, n).rfind('<') == std::string::npos ? n : whole_mark(text, n);
    prompt = text.substr(0, n);
    reply = text.substr(n);
    strip_end();
  }

  std::string begin;   ///< How a prompt ends.
  std::string prompt;  ///< How far the history of chats has the same.
  std::string reply;

 private:
  static std::string behind(const std::string& text, std::string_view mark) {
    const size_t at = text.rfind(mark);
    return at == std::string::npos ? text : text.substr(at + mark.size());
  }

  // The prompt goes on in another way from here: back to where its last mark began, if this is inside of it.
  static size_t whole_mark(const std::string& text, size_t n) {
    const size_t begin = text.rfind('<', n);
    const size_t end = text.rfind('>', n);
    return begin != std::string::npos && (end == std::string::npos || end < begin) ? begin : n;
  }

  // What ends a turn never reaches a reader.
  void strip_end() {
    static const std::array<std::string_view, 25> kEnds = {"<|start_header_id|>assistant<|end_header_id|>",
                                                           "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
                                                           "<|START_THINKING|><|END_THINKING|>",
                                                           "<|im_end|>",
                                                           "<|eot_id|>",
                                                           "<|eom_id|>",
                                                           "<|end|>",
                                                           "<|call|>",
                                                           "<|calls|>",
                                                           "<turn|>",
                                                           "<|tool_response>",
                                                           "<|end_of_text|>",
                                                           "<|END_OF_TURN_TOKEN|>",
                                                           "[e~[",
                                                           "<EOS>",
                                                           "</s>",
                                                           "<seed:eos>",
                                                           "<end_of_sentence>",
                                                           "<SPECIAL_12>",
                                                           "<sep>",
                                                           "<|role_end|>",
                                                           "</assistant>",
                                                           "<|message_sep|>",
                                                           "<|eot|>",
                                                           "<|end_of_msg|>"};
    static const std::array<std::string_view, 4> kOtherEnds = {
        "<\xEF\xBD\x9C"
        "Assistant\xEF\xBD\x9C>",
        "<\xEF\xBD\x9C"
        "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>",
        "<\xEF\xBD\x9Chy_eos:opensource\xEF\xBD\x9C>", "<|observation|>"};
    while (true) {
      reply.resize(reply.find_last_not_of(" \t\r\n") + 1);
      const auto ends = [&](std::string_view end) { return reply.ends_with(end); };
      const auto it = std::ranges::find_if(kEnds, ends);
      const auto other = std::ranges::find_if(kOtherEnds, ends);
      if (it == kEnds.end() && other == kOtherEnds.end()) return;
      reply.resize(reply.size() - (it != kEnds.end() ? it->size() : other->size()));
    }
  }
};

}  // namespace kinglet::tests
