// From the words of a command line to an exit status.
#pragma once

#include <span>
#include <string>

#include "front/cli/command.h"

namespace kinglet::cli {

/// Runs one command. Nothing is thrown: failures become a line on standard error and a status.
int run_program(std::span<const Command> commands, int n_words, char** words) noexcept;

}  // namespace kinglet::cli
