// Completion scripts: words from the table of commands, names of models from `kinglet list`.
#include <algorithm>

#include "core/base/base.h"
#include "front/cli/help.h"
#include "front/cli/session.h"

namespace kinglet::cli {
namespace {

constexpr std::string_view kListModels = "kinglet list --offline -q 2>/dev/null | awk 'NR > 1 {print $1}'";

std::vector<ArgumentRow> rows_of(const Command& command) {
  Arguments arguments;
  GlobalOptions unused;
  const std::unique_ptr<Action> action = command.make();
  action->declare(arguments);
  declare_globals(arguments, unused);
  return arguments.rows();
}

// Each of "-p, --prompt".
std::vector<std::string> names_of(const ArgumentRow& row) {
  std::vector<std::string> names;
  for (size_t at = 0; at < row.names.size();) {
    const size_t comma = std::min(row.names.find(", ", at), row.names.size());
    names.push_back(row.names.substr(at, comma - at));
    at = comma + 2;
  }
  return names;
}

// All names of all options, or with `which` some of them, with a space between.
template <class Which>
std::string option_words(std::span<const ArgumentRow> rows, const Which& which, std::string_view between = " ") {
  std::string words;
  for (const ArgumentRow& row : rows) {
    if (row.is_argument || !which(row)) continue;
    for (const std::string& name : names_of(row)) words += str(words.empty() ? "" : between, name);
  }
  return words;
}

bool takes_model(std::span<const ArgumentRow> rows) {
  return std::ranges::any_of(rows, [](const ArgumentRow& row) { return row.is_model; });
}

std::string command_words(std::span<const Command> commands) {
  std::string words;
  for (const Command& command : commands) {
    words += str(words.empty() ? "" : " ", command.name);
    if (!command.alias.empty()) words += str(' ', command.alias);
  }
  return words;
}

std::string case_label(const Command& command) {
  return command.alias.empty() ? std::string(command.name) : str(command.name, '|', command.alias);
}

std::string for_bash(std::span<const Command> commands) {
  std::string out =
      "# bash completion of kinglet.  Use: source <(kinglet completion bash)\n_kinglet() {\n"
      "  local cur prev command words\n"
      "  _get_comp_words_by_ref -n : cur prev words 2>/dev/null || { cur=${COMP_WORDS[COMP_CWORD]}; "
      "prev=${COMP_WORDS[COMP_CWORD-1]}; words=(\"${COMP_WORDS[@]}\"); }\n"
      "  command=\n  local word\n  for word in \"${words[@]:1}\"; do\n"
      "    if [[ $word != -* && $word != \"$cur\" ]]; then command=$word; break; fi\n  done\n"
      "  local options= models=\n  case $command in\n";
  for (const Command& command : commands) {
    const std::vector<ArgumentRow> rows = rows_of(command);
    out += str("    ", case_label(command), ")\n");
    std::string choices;
    for (const ArgumentRow& row : rows) {
      if (row.is_argument || row.choices.empty()) continue;
      std::string values;
      for (const std::string& choice : row.choices) values += str(values.empty() ? "" : " ", choice);
      choices += str("        ",
                     option_words(
                         {&row, 1}, [](const auto&) { return true; }, "|"),
                     ") COMPREPLY=($(compgen -W '", values, "' -- \"$cur\")); return;;\n");
    }
    const std::string files = option_words(rows, [](const ArgumentRow& row) { return row.is_file; }, "|");
    if (!files.empty()) choices += str("        ", files, ") COMPREPLY=($(compgen -f -- \"$cur\")); return;;\n");
    const std::string values = option_words(
        rows, [](const ArgumentRow& row) { return !row.value.empty() && !row.is_file && row.choices.empty(); }, "|");
    if (!values.empty()) choices += str("        ", values, ") return;;\n");
    if (!choices.empty()) out += str("      case $prev in\n", choices, "      esac\n");
    out += str("      options='", option_words(rows, [](const auto&) { return true; }), "'\n");
    if (takes_model(rows)) out += str("      [[ $cur == -* ]] || models=$(", kListModels, ")\n");
    if (command.name == "help") out += str("      models='", command_words(commands), "'\n");
    if (command.name == "completion") out += "      models='bash zsh fish'\n";
    out += "      ;;\n";
  }
  out += str(
      "    '') options='--help --version --home'; models='", command_words(commands),
      "';;\n  esac\n"
      "  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
      "  else COMPREPLY=($(compgen -W \"$models\" -- \"$cur\") $([[ -z $command ]] || compgen -f -- \"$cur\")); fi\n"
      "  declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions \"$cur\"\n}\n"
      "complete -o filenames -F _kinglet kinglet\n");
  return out;
}

// Text inside '...' of a zsh specification.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == ':' || c == '[' || c == ']') {
      out += str('\\', c);
    } else {
      out += c;
    }
  }
  return out;
}

std::string zsh_action(const ArgumentRow& row) {
  if (!row.choices.empty()) {
    std::string values;
    for (const std::string& choice : row.choices) values += str(values.empty() ? "" : " ", choice);
    return str('(', values, ')');
  }
  if (row.is_model) return "_kinglet_models";
  return row.is_file || row.is_argument ? "_files" : "";
}

std::string for_zsh(std::span<const Command> commands) {
  std::string out = str("#compdef kinglet\n_kinglet_models() {\n  local -a models\n  models=(${(f)\"$(", kListModels,
                        ")\"})\n  models=(${models//:/\\\\:})\n  _describe model models\n  _files\n}\n"
                        "_kinglet_commands() {\n  local -a commands\n  commands=(\n");
  for (const Command& command : commands) out += str("    '", command.name, ':', zsh_text(command.summary), "'\n");
  out +=
      "  )\n  _describe command commands\n}\n_kinglet() {\n  local line state\n"
      "  _arguments -C '--version[Show the version]' '--help[Show help]' '1:command:_kinglet_commands' "
      "'*::argument:->rest'\n"
      "  [[ $state == rest ]] || return\n  case $words[1] in\n";
  for (const Command& command : commands) {
    out += str("    ", case_label(command), ") _arguments");
    for (const ArgumentRow& row : rows_of(command)) {
      if (row.is_argument) {
        const std::string action = command.name == "help" ? "_kinglet_commands" : zsh_action(row);
        out += str(" \\\n      '", row.repeats ? "*" : "", ':', zsh_text(row.names), ':', action, "'");
        continue;
      }
      for (const std::string& name : names_of(row)) {
        out += str(" \\\n      '", row.repeats ? "*" : "", name, '[', zsh_text(row.help), ']');
        if (!row.value.empty()) out += str(':', zsh_text(row.value), ':', zsh_action(row));
        out += "'";
      }
    }
    out += ";;\n";
  }
  return out + "  esac\n}\n_kinglet \"$@\"\n";
}

std::string fish_text(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\'' || c == '\\' ? str('\\', c) : std::string(1, c);
  return out;
}

std::string for_fish(std::span<const Command> commands) {
  std::string out = "# fish completion of kinglet\ncomplete -c kinglet -f\n";
  for (const Command& command : commands) {
    out += str("complete -c kinglet -n __fish_use_subcommand -a ", command.name, " -d '", fish_text(command.summary),
               "'\n");
  }
  for (const Command& command : commands) {
    const std::string condition = str("-n '__fish_seen_subcommand_from ", command.name,
                                      command.alias.empty() ? "" : str(' ', command.alias), "'");
    for (const ArgumentRow& row : rows_of(command)) {
      if (row.is_argument) {
        if (row.is_model)
          out += str("complete -c kinglet ", condition, " -F -a \"(",
                     "kinglet list --offline -q 2>/dev/null | awk 'NR > 1 {print \\$1}'", ")\"\n");
        if (row.is_file) out += str("complete -c kinglet ", condition, " -F\n");
        if (command.name == "help")
          out += str("complete -c kinglet ", condition, " -a '", command_words(commands), "'\n");
        if (command.name == "completion") out += str("complete -c kinglet ", condition, " -a 'bash zsh fish'\n");
        continue;
      }
      out += str("complete -c kinglet ", condition);
      for (const std::string& name : names_of(row))
        out += name.starts_with("--") ? str(" -l ", name.substr(2)) : str(" -s ", name.substr(1));
      if (!row.choices.empty()) {
        std::string values;
        for (const std::string& choice : row.choices) values += str(values.empty() ? "" : " ", choice);
        out += str(" -x -a '", values, '\'');
      } else if (!row.value.empty()) {
        out += row.is_file ? " -r -F" : " -x";
      }
      out += str(" -d '", fish_text(row.help), "'\n");
    }
  }
  return out;
}

}  // namespace

std::string completion(std::string_view shell, std::span<const Command> commands) {
  if (shell == "bash") return for_bash(commands);
  if (shell == "zsh") return for_zsh(commands);
  if (shell == "fish") return for_fish(commands);
  fail_with(ErrorCode::kInvalidArgument, shell, ": no such shell; there are bash, zsh and fish");
}

}  // namespace kinglet::cli
