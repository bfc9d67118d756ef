// Modelfiles: what a model is made from, as Ollama writes it down.
//
// A line is a command and its value; commands count alike in small letters, and lines that begin with '#' are comments.
// A value that begins with """ (or ") ends where a line ends with the same, and may have several lines; single quotes
// are part of a value. Source: Ollama's documentation of the Modelfile, and its parser's rules for quotes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::store {

struct Instruction {
  enum class Command : uint8_t { kFrom, kParameter, kTemplate, kSystem, kAdapter, kLicense, kMessage };
  Command command = Command::kFrom;
  std::string name = {};  ///< Of a parameter; of a message its role: system, user or assistant.
  std::string value = {};
  uint32_t line = 0;  ///< Where it begins, from 1.
};
/// "FROM", "PARAMETER", ...
std::string_view name_of(Instruction::Command command) noexcept;

struct Modelfile {
  static constexpr uint64_t kMaxBytes = uint64_t{4} << 20;

  std::vector<Instruction> instructions;

  /// Reads UTF-8, or UTF-16 that begins with its mark. `name` is for messages. Throws Error{kInvalidArgument}
  /// "NAME: line N: COMMAND: ..." for what is none: another command, a value that does not end, FROM missing or twice.
  static Modelfile parse(std::string_view text, std::string_view name);
  /// The one that names the model to begin with; there is one in what was parsed.
  [[nodiscard]] const Instruction& from() const noexcept {
    return *std::ranges::find(instructions, Instruction::Command::kFrom, &Instruction::command);
  }
  /// Text that reads back, as long as no line within a value ends with three quotes.
  [[nodiscard]] std::string to_text() const;
};

}  // namespace kinglet::store
