// How a family spells calls of tools, as data: a sequence of pieces that a reader follows and a grammar is made from.
//
// White space at the ends of a literal is what the grammar writes; a reader takes any or none between pieces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::chat {

/// Parameters that stand between tags, each value as text: strings without quotes, the rest as JSON (or as Python).
struct TagForm {
  std::string key_begin = {};    ///< "<parameter=": in front of a parameter's name.
  std::string key_end = {};      ///< ">"
  std::string value_begin = {};  ///< Between name and value, behind attributes if there are any; empty: nothing.
  std::string value_end = {};    ///< "</parameter>"
  std::string end = {};          ///< "</function>": behind the last parameter.
  /// An attribute in front of value_begin, with which the value is a string; without it, it is none. Empty: the tool's
  /// schema tells.
  std::string string_attribute = {};
  std::string other_attribute = {};  ///< What the grammar writes for other values.
  bool on_lines = false;             ///< A line break around each value, which is no part of it.
};

struct Pattern {
  enum class Kind : uint8_t {
    kLiteral,
    kTolerated,    ///< A literal that the reader takes if it is there, and a grammar never writes.
    kName,         ///< The tool's name, and `text` directly behind it.
    kId,           ///< An id of the call, by the model.
    kIndexedName,  ///< "functions.NAME:0", which is the call's id, too.
    kSkip,         ///< Whatever comes, until behind the literal; a grammar writes the literal alone.
    kArguments,    ///< An object.
    kCallObject,   ///< {"name": ..., "arguments": {...}}, members in any order.
    kTags,         ///< Parameters between tags.
    kNested,       ///< Elements inside of elements; `text` is the mark in front of each tag, tags.end what follows.
    kKeywords,     ///< Python's: a=1, b='x'), with the bracket.
    kRepeat,       ///< Parts, once or more, `text` between.
  };
  Kind kind = Kind::kLiteral;
  std::string text = {};
  std::vector<Pattern> parts = {};
  TagForm tags = {};
  std::string name_key = {};       ///< Of a call object, as the grammar writes it; readers know the others, too.
  std::string arguments_key = {};  ///< Likewise.
  bool is_bare = false;            ///< A call object with nothing around it: any other member means that it is none.
  std::string raw_quote = {};      ///< Around strings of arguments; empty: JSON's.
};

using Patterns = std::vector<Pattern>;

inline Pattern literal(std::string text) { return {.kind = Pattern::Kind::kLiteral, .text = std::move(text)}; }
inline Pattern tolerated(std::string text) { return {.kind = Pattern::Kind::kTolerated, .text = std::move(text)}; }
inline Pattern tool_name(std::string behind = {}) { return {.kind = Pattern::Kind::kName, .text = std::move(behind)}; }
inline Pattern call_id() { return {.kind = Pattern::Kind::kId}; }
inline Pattern indexed_name() { return {.kind = Pattern::Kind::kIndexedName}; }
inline Pattern skip_behind(std::string text) { return {.kind = Pattern::Kind::kSkip, .text = std::move(text)}; }
inline Pattern arguments(std::string raw_quote = {}) {
  return {.kind = Pattern::Kind::kArguments, .raw_quote = std::move(raw_quote)};
}
inline Pattern call_object(std::string name_key = "name", std::string arguments_key = "arguments") {
  return {
      .kind = Pattern::Kind::kCallObject, .name_key = std::move(name_key), .arguments_key = std::move(arguments_key)};
}
inline Pattern bare_call_object(std::string arguments_key = "arguments") {
  return {.kind = Pattern::Kind::kCallObject,
          .name_key = "name",
          .arguments_key = std::move(arguments_key),
          .is_bare = true};
}
inline Pattern tags(TagForm form) { return {.kind = Pattern::Kind::kTags, .tags = std::move(form)}; }
inline Pattern nested(std::string mark, std::string end) {
  return {.kind = Pattern::Kind::kNested, .text = std::move(mark), .tags = {.end = std::move(end)}};
}
inline Pattern keywords() { return {.kind = Pattern::Kind::kKeywords}; }
inline Pattern repeated(std::string between, Patterns parts) {
  return {.kind = Pattern::Kind::kRepeat, .text = std::move(between), .parts = std::move(parts)};
}

/// One way to spell calls.
struct CallSyntax {
  std::string trigger;  ///< What begins it, and the pattern, too.
  Patterns pattern;
  bool at_start = false;     ///< Only at the start of the answer or behind a mark or another call.
  bool in_thinking = false;  ///< Inside of thinking, too.
  bool keeps_ids = false;    ///< The model's ids are the calls'.
  bool is_one = false;       ///< Only one call in an answer.
};

}  // namespace kinglet::chat
