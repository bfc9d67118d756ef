// What the standard streams are connected to.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace kinglet::cli {

/// A stream is a terminal.
bool is_terminal(int fd) noexcept;

/// Columns of the terminal; 80 where it does not say.
size_t terminal_width(int fd) noexcept;

/// Opens /dev/null for a standard stream that is closed, so that no file of ours gets its number.
void hold_standard_streams() noexcept;

/// Whether somebody feeds standard input: a pipe, a socket or a file, not a terminal or /dev/null.
bool has_piped_input() noexcept;

/// All of standard input. Calls `on_wait` (may be empty) once where nothing has come for some seconds. Throws
/// Error{kIo}, or Error{kInvalidArgument} over max_bytes.
std::string read_standard_input(size_t max_bytes, const std::function<void()>& on_wait = {});

/// Appends what has come, waiting for it; false at the end. Calls `on_signal` where a signal came meanwhile, which may
/// throw. Throws Error{kIo}.
bool read_standard_input_piece(std::string& text, const std::function<void()>& on_signal);

/// Whether reading would not wait.
bool has_input_waiting() noexcept;

/// Writes to standard error as it is; what cannot be written is lost.
void write_to_stderr(std::string_view text) noexcept;

}  // namespace kinglet::cli
