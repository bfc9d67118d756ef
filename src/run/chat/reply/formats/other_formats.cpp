// Calls in a family's own notation, and in Python's.
#include "run/chat/reply/formats/formats.h"

namespace kinglet::chat {

std::vector<CallRow> other_formats() {
  return {
      {"gemma4",
       {"<|tool_call>"},
       {{.trigger = "<|tool_call>",
         .pattern = {literal("<|tool_call>call:"), tool_name(), arguments("<|\"|>"), literal("<tool_call|>")}}}},
      {"functiongemma",
       {"<start_function_call>"},
       {{.trigger = "<start_function_call>",
         .pattern = {literal("<start_function_call>call:"), tool_name(), arguments("<escape>"),
                     literal("<end_function_call>")}}}},
      {"lfm2",
       {"<|tool_call_start|>"},
       {{.trigger = "<|tool_call_start|>",
         .pattern = {literal("<|tool_call_start|>["), repeated(", ", {tool_name(), literal("("), keywords()}),
                     literal("]<|tool_call_end|>")}}}},
      // Templates of the same family that name no call; their vocabularies have the marks.
      {"lfm2",
       {"<|tool_list_start|>"},
       {{.trigger = "<|tool_call_start|>",
         .pattern = {literal("<|tool_call_start|>["), repeated(", ", {tool_name(), literal("("), keywords()}),
                     literal("]<|tool_call_end|>")}}}},
  };
}

}  // namespace kinglet::chat
