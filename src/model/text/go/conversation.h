// A conversation as Ollama's chat templates see it.
//
// A template that mentions .Messages is rendered once and sees
//   .System      the texts of all system messages, an empty line between them
//   .Messages    each with .Role .Content .Thinking .ToolCalls .ToolName .ToolCallID; neighbours of the same role are
//   one
//                message, but for those of tools. A tool call has .ID and .Function with .Index .Name .Arguments
//   .Tools       each with .Type and .Function with .Name .Description .Parameters; printed, they are JSON
//   .Think .ThinkLevel .IsThinkSet   what the user wants of thinking (enable_thinking, reasoning_effort)
// Another one is rendered once for each turn and sees .System .Prompt .Response and .First (the first turn); the last
// turn ends with the answer so far.
// Source: Ollama's documentation of templates, and its rules in template/template.go.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "home/system/json.h"
#include "model/text/go/template.h"

namespace kinglet::text::go {

struct Conversation {
  const system::Json& messages;  ///< An array of {"role", "content", ...}.
  const system::Json& tools;     ///< An array, or null.
  /// More names that the template sees; these win.
  const std::vector<std::pair<std::string, system::Json>>& variables;
  bool generation_prompt = true;  ///< False: the last turn is complete. Templates with .Messages cannot be told.
};

/// Throws Error{kInvalidArgument} for messages or tools that are none, and as Template::render.
std::string render(const Template& chat_template, const Conversation& conversation, const RenderOptions& options);

}  // namespace kinglet::text::go
