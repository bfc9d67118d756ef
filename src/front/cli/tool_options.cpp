#include "front/cli/tool_options.h"

namespace kinglet::cli {

void ToolOptions::declare(Arguments& arguments) {
  arguments
      .option("--tools", "FILE", tools,
              "JSON: an array of tools that the model may call; its calls are written as JSON")
      .is_file = true;
  arguments.option("--mcp", "CONFIG", mcp, "JSON: MCP servers whose tools the model may call; asks before each call")
      .is_file = true;
  arguments.option("--allow-tool", "NAME", allowed, "Call this tool of an MCP server without asking; \"*\": all");
  arguments.flag("--think", think, "Let the model think before it answers; its thoughts go to standard error");
  arguments.flag("--no-think", no_think, "Let the model answer without thinking first");
}

}  // namespace kinglet::cli
