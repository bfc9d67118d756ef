// The chat on a terminal.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "front/cli/model_argument.h"
#include "front/cli/tool_options.h"

namespace kinglet::cli {

struct ReplStart {
  ModelSource source;
  std::shared_ptr<const format::ModelFile> file;
  chat::Settings settings;
  std::optional<std::string> system;  ///< Instead of the stored model's.
  bool raw = false;                   ///< Each message is text to go on with, alone.
  bool timings = false;
  bool ignore_end = false;  ///< Answers go on behind end tokens.
  ToolOptions tools = {};
};

/// Until the person leaves. Failures of single commands and answers are said, and the chat goes on.
void run_repl(Session& session, ReplStart start);

}  // namespace kinglet::cli
