// What the program says about itself: help, manual and shell completion, all from the table of commands.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "front/cli/command.h"

namespace kinglet::cli {

/// "0.1.0".
std::string_view version();

/// The command of this name or alias. Throws Error{kInvalidArgument} with near names.
const Command& command_named(std::span<const Command> commands, std::string_view name);

/// All that is said of a row: its help, its choices, and whether it repeats. Without a period.
std::string help_text(const ArgumentRow& row);

/// The list of commands.
std::string overview(std::span<const Command> commands);

/// One command: usage, options, examples.
std::string help_of(const Command& command);

/// The manual page, in roff.
std::string manual(std::span<const Command> commands);

/// The completion script of "bash", "zsh" or "fish". Throws Error{kInvalidArgument} for another shell.
std::string completion(std::string_view shell, std::span<const Command> commands);

}  // namespace kinglet::cli
