#include "run/chat/reply/call_grammar.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "core/base/base.h"

namespace kinglet::chat {
namespace {

using grammar::Grammar;
using system::Json;
using system::JsonObject;
using Parts = std::vector<Grammar>;

// White space where models put some, but not so much that one could dwell on it.
Grammar blanks() { return Grammar::from_gbnf(R"(root ::= [ \n\t]{0,4})"); }

class CallGrammar {
 public:
  CallGrammar(const ReplyFormat& format, const std::vector<const Tool*>& tools, const text::Tokenizer& tokenizer)
      : format_(format), tools_(tools) {
    for (const int32_t token : format.shown_tokens(tokenizer)) {
      controls_.emplace_back(tokenizer.bytes_of(token, true), token);
    }
    std::ranges::sort(controls_, std::ranges::greater(), [](const auto& control) { return control.first.size(); });
  }

  // A mark as the model writes it: control tokens where the vocabulary has them.
  [[nodiscard]] Grammar spelled(std::string_view text) const {
    Parts parts;
    std::string plain;
    const auto flush = [&] {
      if (!plain.empty()) parts.push_back(Grammar::literal(plain));
      plain.clear();
    };
    while (!text.empty()) {
      const auto control = control_at(text);
      if (control == controls_.end()) {
        plain += text[0];
        text.remove_prefix(1);
      } else {
        flush();
        parts.push_back(Grammar::token(control->second));
        text.remove_prefix(control->first.size());
      }
    }
    flush();
    return Grammar::sequence(parts);
  }

  // Text up to a mark, and the mark.
  [[nodiscard]] Grammar until(const std::string& mark) const {
    if (!has_control(mark)) return Grammar::text_until(mark);
    return Grammar::sequence(Parts{Grammar::text_without({}), spelled(mark)});
  }

  // Thinking before the answer: it must end where the prompt opened it, else there may be some.
  [[nodiscard]] Grammar thinking(std::string_view opened) const {
    const ReplyFormat::Spelling& spelling = format_.thinking;
    if (spelling.end.empty()) return blanks();
    if (opened == spelling.begin) return Grammar::sequence(Parts{until(spelling.end), blanks()});
    if (opened == spelling.end) return blanks();
    const Grammar whole = Grammar::sequence(Parts{spelled(spelling.begin), until(spelling.end)});
    return Grammar::sequence(Parts{blanks(), Grammar::repeated(whole, 0, 1), blanks()});
  }

  // Text in which no call begins; marks that are control tokens may stand in it as whole ones.
  [[nodiscard]] Grammar free_text() const {
    std::vector<std::string> stops;
    for (const CallSyntax& call : format_.calls) {
      if (!call.at_start && !has_control(call.trigger)) stops.push_back(call.trigger);
    }
    const Grammar text = Grammar::text_without(stops);
    Parts marks;
    for (const Mark& mark : format_.marks) {
      if (has_control(mark.spelling)) marks.push_back(spelled(mark.spelling));
    }
    if (marks.empty()) return text;
    const Grammar more = Grammar::sequence(Parts{Grammar::alternatives(marks), text});
    return Grammar::sequence(Parts{text, Grammar::repeated(more, 0, std::nullopt)});
  }

  // Text at the start of an answer: it begins like no call that counts only there. Where the prompt has begun a mark,
  // it goes on with the rest of one that leads to text.
  [[nodiscard]] Grammar text_at_start(std::string_view opened) const {
    if (!opened.empty() && format_.calls.front().pattern.front().text.starts_with(opened)) {
      Parts rests;
      for (const Mark& mark : format_.marks) {
        if (mark.to == Channel::kText && mark.spelling.size() > opened.size() && mark.spelling.starts_with(opened))
          rests.push_back(spelled(std::string_view(mark.spelling).substr(opened.size())));
      }
      if (!rests.empty()) return Grammar::sequence(Parts{Grammar::alternatives(rests), free_text()});
    }
    std::string firsts;
    for (const CallSyntax& call : format_.calls) {
      if (call.at_start && call.trigger.size() == 1) firsts += str(call.trigger == "[" ? "\\" : "", call.trigger);
    }
    if (firsts.empty()) return free_text();
    const Grammar first = Grammar::from_gbnf(str("root ::= [^ \\n\\t", firsts, "]"));
    return Grammar::repeated(Grammar::sequence(Parts{first, free_text()}), 0, 1);
  }

  // What the format writes for calls: one, or as many as the model likes. `opened`: what the prompt has of it.
  [[nodiscard]] Grammar section(bool parallel, std::string_view opened) const {
    Patterns pattern = format_.calls.front().pattern;
    std::string& begin = pattern.front().text;
    if (pattern.front().kind == Pattern::Kind::kLiteral && begin.starts_with(opened)) begin.erase(0, opened.size());
    return over_tools(pattern, parallel);
  }

 private:
  [[nodiscard]] std::vector<std::pair<std::string, int32_t>>::const_iterator control_at(std::string_view text) const {
    return std::ranges::find_if(controls_, [&](const auto& control) { return text.starts_with(control.first); });
  }
  [[nodiscard]] bool has_control(std::string_view text) const {
    return std::ranges::any_of(controls_,
                               [&](const auto& control) { return text.find(control.first) != std::string_view::npos; });
  }

  static bool names_a_tool(const Patterns& pattern) {
    return std::ranges::any_of(pattern, [](const Pattern& part) {
      return part.kind == Pattern::Kind::kName || part.kind == Pattern::Kind::kIndexedName ||
             part.kind == Pattern::Kind::kCallObject;
    });
  }

  // A pattern that names a tool is another one for each tool.
  [[nodiscard]] Grammar over_tools(const Patterns& pattern, bool parallel) const {
    if (!names_a_tool(pattern)) return built(pattern, nullptr, parallel);
    Parts each;
    for (const Tool* tool : tools_) each.push_back(built(pattern, tool, parallel));
    return Grammar::alternatives(each);
  }

  [[nodiscard]] Grammar built(const Patterns& pattern, const Tool* tool, bool parallel) const {
    Parts parts;
    for (const Pattern& part : pattern) {
      switch (part.kind) {
        case Pattern::Kind::kTolerated:
          break;
        case Pattern::Kind::kLiteral:
        case Pattern::Kind::kSkip:
          parts.push_back(spelled(part.text));
          break;
        case Pattern::Kind::kName:
          parts.push_back(Grammar::literal(tool->name + part.text));
          break;
        case Pattern::Kind::kIndexedName:
          parts.push_back(Grammar::literal(str("functions.", tool->name, ":")));
          parts.push_back(Grammar::from_gbnf("root ::= [0-9]{1,3}"));
          break;
        case Pattern::Kind::kId:
          parts.push_back(Grammar::from_gbnf("root ::= [a-zA-Z0-9]{9}"));
          break;
        case Pattern::Kind::kCallObject:
          parts.push_back(Grammar::literal(
              str("{\"", part.name_key, "\": ", system::json_quoted(tool->name), ", \"", part.arguments_key, "\": ")));
          parts.push_back(object(*tool));
          parts.push_back(Grammar::literal("}"));
          break;
        case Pattern::Kind::kArguments:
          parts.push_back(part.raw_quote.empty() ? object(*tool) : raw_object(*tool, part.raw_quote));
          break;
        case Pattern::Kind::kTags:
          parts.push_back(tagged(*tool, part.tags));
          break;
        case Pattern::Kind::kNested:
          parts.push_back(until(part.tags.end));
          break;
        case Pattern::Kind::kKeywords:
          parts.push_back(keywords(*tool));
          break;
        case Pattern::Kind::kRepeat: {
          const Grammar one = over_tools(part.parts, parallel);
          parts.push_back(one);
          if (!parallel) break;
          Parts next;
          if (!part.text.empty()) next.push_back(spelled(part.text));
          next.push_back(one);
          parts.push_back(Grammar::repeated(Grammar::sequence(next), 0, std::nullopt));
          break;
        }
      }
    }
    return Grammar::sequence(parts);
  }

  [[nodiscard]] static Grammar object(const Tool& tool) {
    if (tool.parameters.is_null()) return Grammar::any_json({.object_only = true});
    Json schema = tool.parameters;
    if (schema.find("type") == nullptr) schema.set("type", "object");
    return Grammar::from_schema(schema);
  }

  struct Parameter {
    std::string name;
    Json schema;  // with the definitions that it may name
    bool required = false;
  };

  [[nodiscard]] static std::vector<Parameter> parameters(const Tool& tool) {
    std::vector<Parameter> result;
    const Json* properties = tool.parameters.find("properties");
    if (properties == nullptr) return result;
    const Json* required = tool.parameters.find("required");
    for (const auto& [name, schema] : properties->as_object("properties")) {
      Parameter& parameter = result.emplace_back(Parameter{name, schema, false});
      for (const char* definitions : {"$defs", "definitions"}) {
        const Json* inner = tool.parameters.find(definitions);
        if (inner != nullptr && parameter.schema.is_object()) parameter.schema.set(definitions, *inner);
      }
      if (required == nullptr) continue;
      parameter.required = std::ranges::any_of(required->as_array("required"), [&](const Json& one) {
        return one.is_string() && one.as_string("required") == name;
      });
    }
    return result;
  }

  // Strings that a schema lists; none where it lists no strings alone.
  [[nodiscard]] static std::vector<std::string> choices_of(const Json& schema) {
    std::vector<std::string> choices;
    const Json* values = schema.find("enum");
    if (values == nullptr) return choices;
    for (const Json& value : values->as_array("enum")) {
      if (value.is_string()) choices.push_back(value.as_string("enum"));
    }
    return choices;
  }

  [[nodiscard]] Grammar tagged(const Tool& tool, const TagForm& form) const {
    const std::string line = form.on_lines ? "\n" : "";
    const auto value_of = [&](const Parameter& parameter, ParameterKind kind) {
      if (kind == ParameterKind::kValue) return Grammar::from_schema(parameter.schema);
      const std::vector<std::string> choices = choices_of(parameter.schema);
      if (kind == ParameterKind::kString && !choices.empty()) return Grammar::from_choices(choices);
      if (has_control(form.value_end)) return Grammar::text_without({});
      return Grammar::text_without(std::vector<std::string>{form.value_end});
    };
    Parts parts;
    for (const Parameter& parameter : parameters(tool)) {
      const ParameterKind kind = kind_of_parameter(tool, parameter.name);
      const std::string& attribute = kind == ParameterKind::kValue ? form.other_attribute : form.string_attribute;
      const Grammar one = Grammar::sequence(
          Parts{spelled(str(form.key_begin, parameter.name, form.key_end, attribute, form.value_begin, line)),
                value_of(parameter, kind), spelled(line + form.value_end), blanks()});
      parts.push_back(parameter.required ? one : Grammar::repeated(one, 0, 1));
    }
    parts.push_back(blanks());
    parts.push_back(spelled(form.end));
    return Grammar::sequence(parts);
  }

  // a=1, b='x') in the order of the schema. Values as JSON writes them, which Python's readers take as well.
  [[nodiscard]] static Grammar keywords(const Tool& tool) {
    const std::vector<Parameter> all = parameters(tool);
    // What may follow from a parameter on: where one came before, behind a comma.
    Grammar behind = Grammar::literal(")");
    Grammar at_begin = behind;
    for (size_t i = all.size(); i-- > 0;) {
      const Parameter& parameter = all[i];
      const Grammar one =
          Grammar::sequence(Parts{Grammar::literal(parameter.name + "="), Grammar::from_schema(parameter.schema)});
      const Grammar first = Grammar::sequence(Parts{one, behind});
      const Grammar next = Grammar::sequence(Parts{Grammar::literal(", "), one});
      at_begin = parameter.required ? first : Grammar::alternatives(Parts{first, at_begin});
      behind = Grammar::sequence(Parts{parameter.required ? next : Grammar::repeated(next, 0, 1), behind});
    }
    return at_begin;
  }

  // {a:1,b:<|"|>x<|"|>}: keys are the tool's, values of any type.
  [[nodiscard]] Grammar raw_object(const Tool& tool, const std::string& quote) const {
    std::string quoted = system::json_quoted(quote);
    for (const auto& [spelling, token] : controls_) {
      if (spelling == quote) quoted = str("<[", token, "]>");
    }
    std::string keys;
    for (const Parameter& parameter : parameters(tool)) {
      keys += str(keys.empty() ? "" : " | ", system::json_quoted(parameter.name));
    }
    if (keys.empty()) keys = "key";
    return Grammar::from_gbnf(str("root ::= \"{\" (first (\",\" first)*)? \"}\"\nfirst ::= (", keys,
                                  ") \":\" value\n"
                                  "value ::= string | number | \"true\" | \"false\" | \"null\" | list | object\n"
                                  "list ::= \"[\" (value (\",\" value)*)? \"]\"\n"
                                  "object ::= \"{\" (key \":\" value (\",\" key \":\" value)*)? \"}\"\n"
                                  "key ::= [a-zA-Z0-9_]{1,64}\n"
                                  "string ::= ",
                                  quoted, " [^<]* ", quoted,
                                  "\n"
                                  "number ::= \"-\"? (\"0\" | [1-9] [0-9]*) (\".\" [0-9]+)? ([eE] [+-]? [0-9]+)?\n"));
  }

  const ReplyFormat& format_;
  const std::vector<const Tool*>& tools_;
  std::vector<std::pair<std::string, int32_t>> controls_;  // spellings, the longest first
};

}  // namespace

grammar::Grammar call_grammar(const ReplyFormat& format, const ToolSet& tools, const ToolUse& use,
                              const text::Tokenizer& tokenizer, std::string_view opened) {
  std::vector<const Tool*> allowed;
  for (const Tool& tool : tools.tools()) {
    if (use.choice != ToolUse::Choice::kNamed || tool.name == use.name) allowed.push_back(&tool);
  }
  if (allowed.empty() && use.choice == ToolUse::Choice::kNamed)
    fail_with(ErrorCode::kInvalidArgument, "tool_choice: there is no tool ", use.name);
  if (allowed.empty() && use.choice != ToolUse::Choice::kNone)
    fail(ErrorCode::kInvalidArgument, "tool_choice: there are no tools");
  const CallGrammar calls(format, allowed, tokenizer);
  const Grammar thinking = calls.thinking(opened);
  if (use.choice == ToolUse::Choice::kNone) return Grammar::sequence(Parts{thinking, calls.text_at_start(opened)});
  const bool parallel = use.may_be_several && use.choice != ToolUse::Choice::kNamed;
  const Grammar first = calls.section(parallel, opened);
  const Grammar next = calls.section(parallel, {});
  if (use.choice != ToolUse::Choice::kAuto) {
    Parts parts{thinking, first};
    if (parallel) parts.push_back(Grammar::repeated(Grammar::sequence(Parts{blanks(), next}), 0, std::nullopt));
    return Grammar::sequence(parts);
  }
  // A section that counts only at the start follows no text.
  const bool at_start = format.calls.front().at_start;
  const Grammar before = at_start ? blanks() : calls.free_text();
  const Grammar more = Grammar::sequence(Parts{at_start ? blanks() : calls.free_text(), next});
  Parts with_calls{before, first};
  if (parallel) with_calls.push_back(Grammar::repeated(more, 0, std::nullopt));
  with_calls.push_back(calls.free_text());
  return Grammar::sequence(
      Parts{thinking, Grammar::alternatives(Parts{Grammar::sequence(with_calls), calls.text_at_start(opened)})});
}

}  // namespace kinglet::chat
