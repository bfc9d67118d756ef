// Calls with parameters between tags. A tag's value is plain text; the tool's schema, or an attribute, says its type.
#include "run/chat/reply/formats/formats.h"

namespace kinglet::chat {
namespace {

// <parameter=NAME>, as Qwen3-Coder has it.
TagForm equals_form(bool on_lines) {
  return {.key_begin = "<parameter=",
          .key_end = ">",
          .value_end = "</parameter>",
          .end = "</function>",
          .on_lines = on_lines};
}

// <invoke name="NAME"> <parameter name="KEY">, under a prefix.
Patterns invoke(const std::string& prefix) {
  return {literal("<" + prefix + "invoke name=\""), tool_name(), literal("\">\n"),
          tags({.key_begin = "<" + prefix + "parameter name=\"",
                .key_end = "\"",
                .value_begin = ">",
                .value_end = "</" + prefix + "parameter>",
                .end = "</" + prefix + "invoke>"})};
}

Patterns section(const std::string& begin, const std::string& end, Patterns calls) {
  return {literal(begin), repeated("\n", std::move(calls)), literal(end)};
}

// DeepSeek's, whose bars are U+FF5C: an attribute says which values are strings.
CallRow dsml(std::string_view name, std::string_view sign, const std::string& section_name) {
  const std::string bars =
      "\xEF\xBD\x9C"
      "DSML"
      "\xEF\xBD\x9C";
  const std::string begin = "<" + bars + section_name + ">";
  Patterns calls{literal("<" + bars + "invoke name=\""), tool_name(), literal("\">\n"),
                 tags({.key_begin = "<" + bars + "parameter name=\"",
                       .key_end = "\"",
                       .value_begin = ">",
                       .value_end = "</" + bars + "parameter>",
                       .end = "</" + bars + "invoke>",
                       .string_attribute = " string=\"true\"",
                       .other_attribute = " string=\"false\""})};
  return {name,
          {sign},
          {{.trigger = begin, .pattern = section(begin + "\n", "\n</" + bars + section_name + ">", std::move(calls))}}};
}

// <arg_key>KEY</arg_key><arg_value>VALUE</arg_value>, each tag with the same ending.
TagForm pairs_form(const std::string& ending) {
  return {.key_begin = "<arg_key" + ending + ">",
          .key_end = "</arg_key" + ending + ">",
          .value_begin = "<arg_value" + ending + ">",
          .value_end = "</arg_value" + ending + ">",
          .end = "</tool_call" + ending + ">"};
}

CallRow hunyuan() {
  const std::string ending = ":opensource";
  return {"hunyuan",
          {"<tool_sep:opensource>"},
          {{.trigger = "<tool_calls" + ending + ">",
            .pattern = section("<tool_calls" + ending + ">\n", "\n</tool_calls" + ending + ">",
                               {literal("<tool_call" + ending + ">"), tool_name(),
                                literal("<tool_sep" + ending + ">\n"), tags(pairs_form(ending))})}}};
}

CallRow kimi_k3() {
  return {"kimi-k3",
          {"<|open|>call tool=\""},
          {{.trigger = "<|open|>tools<|sep|>",
            .pattern = section("<|open|>tools<|sep|>", "<|close|>tools<|sep|>",
                               {literal("<|open|>call tool=\""), tool_name(), literal("\""), skip_behind("<|sep|>"),
                                tags({.key_begin = "<|open|>argument key=\"",
                                      .key_end = "\"",
                                      .value_begin = "<|sep|>",
                                      .value_end = "<|close|>argument<|sep|>",
                                      .end = "<|close|>call<|sep|>",
                                      .string_attribute = " type=\"string\"",
                                      .other_attribute = ""})})}}};
}

}  // namespace

std::vector<CallRow> tagged_formats() {
  const std::string minimax_mark = "]<]minimax[>[";
  const std::string equals_begin = "<function=";
  return {
      kimi_k3(),
      {"muse",
       {"<atem:function_calls>"},
       {{.trigger = "<|start|>assistant to=",
         .pattern = {literal("<|start|>assistant to="), tool_name(), literal("<|message|>"),
                     literal("<atem:function_calls>\n"), repeated("\n", invoke("atem:")),
                     literal("\n</atem:function_calls>")}},
        {.trigger = "<atem:function_calls>",
         .pattern = section("<atem:function_calls>\n", "\n</atem:function_calls>", invoke("atem:"))}}},
      dsml("deepseek-v3.2",
           "DSML\xEF\xBD\x9C"
           "function_calls>",
           "function_calls"),
      dsml("deepseek-v4",
           "DSML\xEF\xBD\x9C"
           "tool_calls>",
           "tool_calls"),
      {"minimax-m3",
       {"]<]minimax[>["},
       {{.trigger = minimax_mark + "<tool_call>",
         .pattern = section(minimax_mark + "<tool_call>\n", "\n" + minimax_mark + "</tool_call>",
                            {literal(minimax_mark + "<invoke name=\""), tool_name(), literal("\">"),
                             nested(minimax_mark, minimax_mark + "</invoke>")})}}},
      {"minimax-m2",
       {"<minimax:tool_call>", "<invoke name="},
       {{.trigger = "<minimax:tool_call>",
         .pattern = section("<minimax:tool_call>\n", "\n</minimax:tool_call>", invoke(""))}}},
      {"seed",
       {"<seed:tool_call>"},
       {{.trigger = "<seed:tool_call>",
         .pattern = {literal("<seed:tool_call>\n<function="), tool_name(), literal(">\n"), tags(equals_form(false)),
                     literal("\n</seed:tool_call>")}}}},
      hunyuan(),
      {"glm",
       {"<arg_key>", "<tool_call>"},
       {{.trigger = "<tool_call>",
         .pattern = {literal("<tool_call>"), tool_name(), literal("\n"), tags(pairs_form(""))}}}},
      {"qwen3-coder",
       {"<tool_call>", "<function=", "<parameter="},
       {{.trigger = "<tool_call>",
         .pattern = {literal("<tool_call>\n"), literal(equals_begin), tool_name(), literal(">\n"),
                     tags(equals_form(true)), literal("\n</tool_call>")}},
        // The outer tag is often forgotten.
        {.trigger = equals_begin,
         .pattern = {literal(equals_begin), tool_name(), literal(">\n"), tags(equals_form(true)),
                     tolerated("\n</tool_call>")}}}},
      {"minicpm5",
       {"<function name=\"", "<param name=\""},
       {{.trigger = "<function name=\"",
         .pattern = {literal("<function name=\""), tool_name(), literal("\">"),
                     tags({.key_begin = "<param name=\"",
                           .key_end = "\"",
                           .value_begin = ">",
                           .value_end = "</param>",
                           .end = "</function>"})}}}},
  };
}

}  // namespace kinglet::chat
