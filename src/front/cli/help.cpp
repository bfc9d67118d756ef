#include "front/cli/help.h"
#include "front/cli/did_you_mean.h"

#include <algorithm>

#include "core/base/base.h"
#include "front/cli/session.h"
#include "home/store/near_names.h"

namespace kinglet::cli {
namespace {

constexpr size_t kWidth = 100;

// Words of a paragraph in lines of at most kWidth columns, all but the first behind `indent` spaces.
std::string wrapped(std::string_view text, size_t indent) {
  std::string out;
  size_t column = indent;
  for (size_t at = 0; at < text.size();) {
    const size_t space = std::min(text.find(' ', at), text.size());
    const std::string_view word = text.substr(at, space - at);
    if (column > indent && column + 1 + word.size() > kWidth) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    at = space + 1;
  }
  return out;
}

std::string label_of(const ArgumentRow& row) {
  if (row.is_argument) return row.names + (row.repeats ? "..." : "");
  const std::string names = row.names.starts_with("--") ? str("    ", row.names) : row.names;
  return row.value.empty() ? names : str(names, ' ', row.value);
}

std::string table_of(std::span<const ArgumentRow> rows) {
  size_t width = 0;
  for (const ArgumentRow& row : rows) width = std::max(width, label_of(row).size());
  std::string out;
  for (const ArgumentRow& row : rows) {
    const std::string label = label_of(row);
    out += str("  ", label, std::string(width - label.size() + 2, ' '), wrapped(help_text(row), width + 4), '\n');
  }
  return out;
}

std::string indented(std::string_view lines) {
  std::string out;
  for (size_t at = 0; at < lines.size();) {
    const size_t end = std::min(lines.find('\n', at), lines.size());
    out += str("  ", lines.substr(at, end - at), '\n');
    at = end + 1;
  }
  return out;
}

std::vector<ArgumentRow> global_rows() {
  GlobalOptions unused;
  Arguments arguments;
  declare_globals(arguments, unused);
  return arguments.rows();
}

}  // namespace

std::string help_text(const ArgumentRow& row) {
  std::string text = row.help;
  for (size_t i = 0; i < row.choices.size(); ++i) text += str(i == 0 ? ": " : ", ", row.choices[i]);
  if (!row.is_argument && row.repeats) text += "; may be given several times";
  return text;
}

std::string_view version() { return KINGLET_VERSION; }

const Command& command_named(std::span<const Command> commands, std::string_view word) {
  std::vector<std::string> names;
  for (const Command& command : commands) {
    if (command.name == word || (!command.alias.empty() && command.alias == word)) return command;
    names.emplace_back(command.name);
  }
  fail_with(ErrorCode::kInvalidArgument, word, ": no such command", did_you_mean(store::nearest(word, names)),
            names.empty() ? "" : "; `kinglet` lists them");
}

std::string overview(std::span<const Command> commands) {
  std::string out =
      "Kinglet runs small language models on your own machine.\n\nusage: kinglet COMMAND [ARGUMENTS]\n\ncommands:\n";
  size_t width = 0;
  for (const Command& command : commands) width = std::max(width, command.name.size());
  for (const Command& command : commands) {
    out += str("  ", command.name, std::string(width - command.name.size() + 2, ' '), command.summary, '\n');
  }
  out += str("\noptions of every command:\n", table_of(global_rows()));
  out += "\nMODEL is a name (smollm2:135m, hf.co/USER/REPO:Q4_K_M), a GGUF file, or a Hugging Face model folder.\n";
  out +=
      "\nexamples:\n  kinglet run smollm2:135m\n  kinglet run smollm2:135m \"Why is the sky blue?\"\n  kinglet help "
      "run\n";
  return out;
}

std::string help_of(const Command& command) {
  Arguments arguments;
  const std::unique_ptr<Action> action = command.make();
  action->declare(arguments);
  std::vector<ArgumentRow> places;
  std::vector<ArgumentRow> options;
  for (const ArgumentRow& row : arguments.rows()) (row.is_argument ? places : options).push_back(row);
  const std::string usage = arguments.usage();
  std::string out =
      str(command.summary, ".\n\nusage: kinglet ", command.name, usage.empty() ? "" : " ", usage, " [OPTIONS]\n");
  if (!command.alias.empty()) out += str("   or: kinglet ", command.alias, " ...\n");
  for (std::string_view rest = command.details; !rest.empty();) {
    const size_t end = std::min(rest.find("\n\n"), rest.size());
    out += str('\n', wrapped(rest.substr(0, end), 0), '\n');
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  if (!places.empty()) out += str("\narguments:\n", table_of(places));
  if (!options.empty()) out += str("\noptions:\n", table_of(options));
  out += str("\noptions of every command:\n", table_of(global_rows()));
  out += str(command.example.find('\n') == std::string_view::npos ? "\nexample:\n" : "\nexamples:\n",
             indented(command.example));
  return out;
}

}  // namespace kinglet::cli
