// Calls as the tool's name and an object of arguments behind it.
#include "run/chat/reply/formats/formats.h"

namespace kinglet::chat {
namespace {

// DeepSeek's marks: bars are U+FF5C, blanks U+2581.
std::string deepseek(const std::string& words) {
  std::string mark = "<\xEF\xBD\x9C";
  for (const char c : words) {
    if (c == ' ') {
      mark += "\xE2\x96\x81";
    } else {
      mark += c;
    }
  }
  return mark + "\xEF\xBD\x9C>";
}

CallRow deepseek_r1() {
  return {"deepseek-r1",
          {"tool\xE2\x96\x81sep", "```json"},
          {{.trigger = deepseek("tool calls begin"),
            .pattern = {literal(deepseek("tool calls begin")),
                        repeated("\n", {literal(deepseek("tool call begin") + "function"),
                                        literal(deepseek("tool sep")), tool_name(), literal("\n```json\n"), arguments(),
                                        literal("\n```"), literal(deepseek("tool call end"))}),
                        literal(deepseek("tool calls end"))}}}};
}

CallRow deepseek_v3() {
  return {"deepseek-v3.1",
          {"tool\xE2\x96\x81sep"},
          {{.trigger = deepseek("tool calls begin"),
            .pattern = {literal(deepseek("tool calls begin")),
                        repeated("", {literal(deepseek("tool call begin")), tool_name(), literal(deepseek("tool sep")),
                                      arguments(), literal(deepseek("tool call end"))}),
                        literal(deepseek("tool calls end"))}}}};
}

// "to=functions.NAME" stands in front of the channel or behind it; what follows up to the message is left out.
CallSyntax harmony(const std::string& begin) {
  return {.trigger = begin + "to=",
          .pattern = {literal(begin + "to="), tolerated("functions."), tool_name(), skip_behind("<|message|>"),
                      arguments(), tolerated("<|call|>")}};
}

const CallIds::Style kMistralIds{.prefix = "", .n_characters = 9};

}  // namespace

std::vector<CallRow> named_formats() {
  return {
      {"harmony",
       {"<|channel|>commentary"},
       {harmony("<|channel|>commentary "), harmony("<|start|>assistant "), harmony("<|channel|>analysis ")}},
      {"solar",
       {"<|tool_call:begin|>"},
       {{.trigger = "<|tool_calls|>",
         .pattern = {literal("<|tool_calls|>"),
                     repeated("",
                              {literal("<|tool_call:begin|>"), call_id(), literal("<|tool_call:name|>"), tool_name(),
                               literal("<|tool_call:args|>"), arguments(), literal("<|tool_call:end|>")}),
                     tolerated("<|calls|>")},
         .keeps_ids = true}}},
      {"kimi-k2",
       {"<|tool_calls_section_begin|>"},
       {{.trigger = "<|tool_calls_section_begin|>",
         .pattern = {literal("<|tool_calls_section_begin|>"),
                     repeated("", {literal("<|tool_call_begin|>"), indexed_name(),
                                   literal("<|tool_call_argument_begin|>"), arguments(), literal("<|tool_call_end|>")}),
                     literal("<|tool_calls_section_end|>")},
         .keeps_ids = true}}},
      deepseek_r1(),
      deepseek_v3(),
      {"functionary-v3.2",
       {">>>all"},
       {{.trigger = ">>>", .pattern = {literal(">>>"), tool_name(), literal("\n"), arguments()}}},
       {{">>>all\n", Mark::From::kAnywhere, Channel::kText}}},
      {"functionary-v3.1",
       {"<function=", "</function>"},
       {{.trigger = "<function=",
         .pattern = {literal("<function="), tool_name(), literal(">"), arguments(), literal("</function>")}}}},
      {"mistral-ids",
       {"[TOOL_CALLS]", "[CALL_ID]", "[ARGS]"},
       {{.trigger = "[TOOL_CALLS]",
         .pattern = {literal("[TOOL_CALLS]"), tool_name(), literal("[CALL_ID]"), call_id(), literal("[ARGS]"),
                     arguments()},
         .keeps_ids = true}},
       {},
       kMistralIds},
      {"mistral-v11",
       {"[TOOL_CALLS]", "[ARGS]"},
       {{.trigger = "[TOOL_CALLS]", .pattern = {literal("[TOOL_CALLS]"), tool_name(), literal("[ARGS]"), arguments()}}},
       {},
       kMistralIds},
      {"mistral",
       {"[TOOL_CALLS]"},
       {{.trigger = "[TOOL_CALLS]",
         .pattern = {literal("[TOOL_CALLS]"), literal("["), repeated(", ", {call_object()}), literal("]")}}},
       {},
       kMistralIds},
  };
}

}  // namespace kinglet::chat
