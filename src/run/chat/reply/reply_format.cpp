#include "run/chat/reply/reply_format.h"

#include <algorithm>
#include <array>

#include "core/base/base.h"
#include "run/chat/reply/formats/formats.h"

namespace kinglet::chat {
namespace {

using system::Json;
using system::JsonArray;
using system::JsonObject;

Json message(std::string_view role, std::string_view content) {
  return JsonObject{{"role", std::string(role)}, {"content", std::string(content)}};
}

// What the template writes around a call and around thinking: marks that it puts together from parts show here.
std::string written_by(const ChatTemplate& chat) {
  const Json schema = Json::parse(
      R"({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false})",
      "schema");
  TemplateInput input;
  input.tools = JsonArray{
      JsonObject{{"type", "function"},
                 {"function", JsonObject{{"name", "probe"}, {"description", "A probe."}, {"parameters", schema}}}}};
  const Json call = JsonObject{{"id", "call00001"},
                               {"type", "function"},
                               {"function", JsonObject{{"name", "probe"}, {"arguments", JsonObject{{"a", "b"}}}}}};
  Json thinks = message("assistant", "");
  thinks.set("reasoning_content", "c").set("tool_calls", JsonArray{call});
  std::string text;
  for (const JsonArray& messages : {JsonArray{message("user", "u")}, JsonArray{message("user", "u"), thinks}}) {
    input.messages = messages;
    try {
      text += chat.render(input);
    } catch (const Error&) {  // the template's own words are left
    }
  }
  return text;
}

template <class Row, class Has>
const Row* first_with_signs(const std::vector<Row>& rows, const Has& has) {
  const auto it = std::ranges::find_if(rows, [&](const Row& row) { return has(row.signs); });
  return it == rows.end() ? nullptr : &*it;
}

std::vector<CallRow> call_rows() {
  std::vector<CallRow> rows;
  for (std::vector<CallRow> part : {other_formats(), tagged_formats(), named_formats(), object_formats()}) {
    std::ranges::move(part, std::back_inserter(rows));
  }
  return rows;
}

void add_spellings(const Patterns& patterns, std::vector<std::string_view>& spellings) {
  for (const Pattern& pattern : patterns) {
    const TagForm& form = pattern.tags;
    for (const std::string* text : {&pattern.text, &pattern.raw_quote, &form.key_begin, &form.key_end,
                                    &form.value_begin, &form.value_end, &form.end}) {
      if (!text->empty()) spellings.emplace_back(*text);
    }
    add_spellings(pattern.parts, spellings);
  }
}

}  // namespace

ReplyFormat ReplyFormat::of(const ChatTemplate& chat, const text::Tokenizer* tokenizer) {
  const std::string words = chat.source() + written_by(chat);
  const auto in_words = [&](std::string_view sign) { return words.find(sign) != std::string::npos; };
  const auto in_vocabulary = [&](std::string_view sign) {
    if (tokenizer == nullptr) return false;
    const auto token = tokenizer->find(sign);
    return token && tokenizer->type_of(*token) != text::TokenType::kNormal;
  };
  const auto any_in_words = [&](const auto& signs) { return std::ranges::any_of(signs, in_words); };
  const auto all_in_words = [&](const auto& signs) { return std::ranges::all_of(signs, in_words); };
  const auto any_in_vocabulary = [&](const auto& signs) { return std::ranges::any_of(signs, in_vocabulary); };
  const auto all_in_vocabulary = [&](const auto& signs) { return std::ranges::all_of(signs, in_vocabulary); };

  ReplyFormat format;
  const std::vector<ThinkingRow> thinking = thinking_rows();
  const ThinkingRow* thinks = first_with_signs(thinking, any_in_words);
  if (thinks == nullptr) thinks = first_with_signs(thinking, any_in_vocabulary);
  if (thinks != nullptr) {
    format.thinking_name = thinks->name;
    format.thinking = thinks->spelling;
    format.marks = thinks->marks;
  }
  const std::vector<CallRow> calls = call_rows();
  const CallRow* row = first_with_signs(calls, all_in_words);
  if (row == nullptr) row = first_with_signs(calls, all_in_vocabulary);
  format.calls_known = row != nullptr;
  const CallRow usual = usual_format();
  if (row == nullptr) row = &usual;
  format.calls_name = row->name;
  format.calls = row->calls;
  format.ids = row->ids;
  format.marks.insert(format.marks.end(), row->marks.begin(), row->marks.end());
  return format;
}

std::string ReplyFormat::opened_by(std::string_view prompt) const {
  prompt = prompt.substr(0, prompt.find_last_not_of(" \t\r\n") + 1);
  std::string_view longest;
  const auto look = [&](std::string_view spelling) {
    const std::string_view core = spelling.substr(0, spelling.find_last_not_of(" \t\r\n") + 1);
    if (prompt.ends_with(core) && spelling.size() > longest.size()) longest = spelling;
  };
  for (const Mark& mark : marks) {
    if (mark.from != Mark::From::kThinking) look(mark.spelling);
  }
  for (const CallSyntax& call : calls) {
    if (!call.at_start) look(call.trigger);
  }
  return std::string(longest);
}

std::vector<int32_t> ReplyFormat::shown_tokens(const text::Tokenizer& tokenizer) const {
  std::vector<std::string_view> spellings;
  for (const Mark& mark : marks) spellings.emplace_back(mark.spelling);
  for (const CallSyntax& call : calls) add_spellings(call.pattern, spellings);
  std::vector<int32_t> tokens;
  const text::VocabularySpec& spec = tokenizer.spec();
  for (size_t id = 0; id < spec.types.size(); ++id) {
    if (spec.types[id] != text::TokenType::kControl) continue;
    const std::string_view token = spec.tokens[id];
    const bool is_part = std::ranges::any_of(
        spellings, [&](std::string_view spelling) { return spelling.find(token) != std::string_view::npos; });
    if (is_part && !token.empty()) tokens.push_back(static_cast<int32_t>(id));
  }
  return tokens;
}

}  // namespace kinglet::chat
