// Calls as objects with the tool's name and its arguments as members.
#include "run/chat/reply/formats/formats.h"

namespace kinglet::chat {
namespace {

// A list between two marks; readers take one object without the list's brackets as well.
Patterns list(const std::string& begin, const std::string& end, const Pattern& call) {
  Patterns patterns{literal(begin + "["), repeated(", ", {call}), literal("]")};
  if (!end.empty()) patterns.push_back(literal(end));
  return patterns;
}

CallSyntax hermes() {
  return {.trigger = "<tool_call>",
          .pattern = {literal("<tool_call>\n"), tolerated("["), repeated("\n", {call_object()}), tolerated("]"),
                      literal("\n</tool_call>")}};
}

}  // namespace

std::vector<CallRow> object_formats() {
  return {
      {"cohere",
       {"<|START_ACTION|>"},
       {{.trigger = "<|START_ACTION|>",
         .pattern = list("<|START_ACTION|>", "<|END_ACTION|>", call_object("tool_name", "parameters"))}}},
      {"command-r",
       {"Action:", "```json", "tool_name"},
       {{.trigger = "Action:", .pattern = list("Action: ```json\n", "\n```", call_object("tool_name", "parameters"))}}},
      {"apertus",
       {"<|tools_prefix|>"},
       {{.trigger = "<|tools_prefix|>",
         .pattern = {literal("<|tools_prefix|>"), literal("["),
                     repeated(", ", {literal("{"), literal("\""), tool_name(), literal("\""), literal(": "),
                                     arguments(), literal("}")}),
                     literal("]"), literal("<|tools_suffix|>")},
         .in_thinking = true}}},
      {"gigachat3.1",
       {"<|function_call|>"},
       {{.trigger = "<|function_call|>", .pattern = {literal("<|function_call|>"), call_object()}}}},
      {"gigachat3",
       {"function call<|role_sep|>"},
       {{.trigger = "<|message_sep|>",
         .pattern = {literal("<|message_sep|>"), literal("\n\nfunction call<|role_sep|>\n"), call_object()}},
        {.trigger = "function call<|role_sep|>", .pattern = {literal("function call<|role_sep|>\n"), call_object()}}}},
      {"nemotron-v2",
       {"<TOOLCALL>"},
       {{.trigger = "<TOOLCALL>", .pattern = list("<TOOLCALL>", "</TOOLCALL>", call_object())}}},
      {"apriel",
       {"<tool_calls>["},
       {{.trigger = "<tool_calls>", .pattern = list("<tool_calls>", "</tool_calls>", call_object())}}},
      {"minimax-m1",
       {"<tool_calls>"},
       {{.trigger = "<tool_calls>",
         .pattern = {literal("<tool_calls>\n"), repeated("\n", {call_object()}), literal("\n</tool_calls>")}}}},
      {"firefunction", {"functools["}, {{.trigger = "functools[", .pattern = list("functools", "", call_object())}}},
      {"phi4",
       {"<|tool_call|>", "<|/tool_call|>"},
       {{.trigger = "<|tool_call|>", .pattern = list("<|tool_call|>", "<|/tool_call|>", call_object())}}},
      {"granite3",
       {"<|tool_call|>"},
       {{.trigger = "<|tool_call|>", .pattern = list("<|tool_call|>", "", call_object())}}},
      {"llama3",
       {"\"parameters\": ", "<|start_header_id|>"},
       {{.trigger = "{", .pattern = {repeated("; ", {bare_call_object("parameters")})}, .at_start = true},
        {.trigger = "<|python_tag|>", .pattern = {literal("<|python_tag|>"), repeated("; ", {call_object()})}},
        {.trigger = "<|python_tag|>",
         .pattern = {literal("<|python_tag|>"), tool_name(".call"), literal("("), keywords()}},
        {.trigger = "[",
         .pattern = {literal("["), repeated(", ", {tool_name(), literal("("), keywords()}), literal("]")},
         .at_start = true}}},
      {"hermes", {"<tool_call>"}, {hermes()}},
  };
}

CallRow usual_format() {
  return {"usual",
          {},
          {hermes(),
           {.trigger = "{", .pattern = {repeated("; ", {bare_call_object()})}, .at_start = true},
           {.trigger = "```json",
            .pattern = {literal("```json\n"), repeated("\n", {bare_call_object()}), literal("\n```")},
            .at_start = true},
           {.trigger = "```tool_code",
            .pattern = {literal("```tool_code\n"), repeated("\n", {tool_name(), literal("("), keywords()}),
                        literal("\n```")},
            .at_start = true},
           {.trigger = "[",
            .pattern = {literal("["), repeated(", ", {tool_name(), literal("("), keywords()}), literal("]")},
            .at_start = true}}};
}

}  // namespace kinglet::chat
