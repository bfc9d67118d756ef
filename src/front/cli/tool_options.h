// Options of commands that chat with tools.
#pragma once

#include <string>
#include <vector>

#include "front/cli/arguments.h"

namespace kinglet::cli {

struct ToolOptions {
  std::string tools;                 ///< A file with tools.
  std::string mcp;                   ///< A file with MCP servers.
  std::vector<std::string> allowed;  ///< Tools that are called without asking; "*": all.
  bool think = false;
  bool no_think = false;

  void declare(Arguments& arguments);
  /// Any of them was given.
  [[nodiscard]] bool used() const noexcept {
    return !tools.empty() || !mcp.empty() || !allowed.empty() || think || no_think;
  }
};

}  // namespace kinglet::cli
