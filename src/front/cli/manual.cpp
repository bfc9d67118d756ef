// The manual page, in the man macros of roff.
#include <algorithm>

#include "core/base/base.h"
#include "front/cli/help.h"
#include "front/cli/session.h"

namespace kinglet::cli {
namespace {

// Text as roff takes it literally.
std::string escaped(std::string_view text) {
  std::string out;
  bool at_line_start = true;
  for (const char c : text) {
    if (at_line_start && (c == '.' || c == '\'')) out += "\\&";
    at_line_start = c == '\n';
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string rows_of(std::span<const ArgumentRow> rows, bool arguments) {
  std::string out;
  for (const ArgumentRow& row : rows) {
    if (row.is_argument != arguments) continue;
    out += str(".TP\n\\fB", escaped(row.names), "\\fR",
               row.value.empty() ? "" : str(" \\fI", escaped(row.value), "\\fR"), '\n', escaped(help_text(row)), ".\n");
  }
  return out;
}

std::string section_of(const Command& command) {
  Arguments arguments;
  const std::unique_ptr<Action> action = command.make();
  action->declare(arguments);
  std::string out =
      str(".SS \\fBkinglet ", command.name, "\\fR ", escaped(arguments.usage()), '\n', escaped(command.summary), ".\n");
  for (std::string_view rest = command.details; !rest.empty();) {
    const size_t end = std::min(rest.find("\n\n"), rest.size());
    out += str(".PP\n", escaped(rest.substr(0, end)), '\n');
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  out += rows_of(arguments.rows(), true) + rows_of(arguments.rows(), false);
  return out + str(".PP\n.nf\n.RS\n", escaped(command.example), "\n.RE\n.fi\n");
}

}  // namespace

std::string manual(std::span<const Command> commands) {
  std::string out = str(".TH KINGLET 1 \"\" \"kinglet ", version(), "\" \"User Commands\"\n");
  out += ".SH NAME\nkinglet \\- run small language models on your own machine\n";
  out += ".SH SYNOPSIS\n\\fBkinglet\\fR \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n";
  out +=
      ".SH DESCRIPTION\n\\fIMODEL\\fR is a name (smollm2:135m, hf.co/USER/REPO:Q4_K_M, HOST/NAMESPACE/NAME:TAG), a "
      "GGUF file, or a "
      "Hugging Face model folder; files are used in place. A name that is not here is pulled.\n"
      "Standard output holds the result and nothing else; progress, warnings and timings go to standard error.\n";
  out += ".SH COMMANDS\n";
  for (const Command& command : commands) out += section_of(command);
  GlobalOptions unused;
  Arguments globals;
  declare_globals(globals, unused);
  out += ".SH OPTIONS\nEvery command takes these.\n" + rows_of(globals.rows(), false);
  out +=
      ".SH ENVIRONMENT\n"
      ".TP\n\\fBKINGLET_HOME\\fR\nWhere models and settings are kept, unless \\-\\-home says it (default ~/.kinglet).\n"
      ".TP\n\\fBOLLAMA_MODELS\\fR\nWhere an Ollama store lies whose models are used in place (default "
      "~/.ollama/models).\n"
      ".TP\n\\fBHF_TOKEN\\fR, \\fBHF_HOME\\fR, \\fBHF_HUB_CACHE\\fR\nToken and cache of Hugging Face.\n"
      ".TP\n\\fBHF_ENDPOINT\\fR\nA mirror that is asked instead of Hugging Face.\n"
      ".TP\n\\fBhttps_proxy\\fR, \\fBhttp_proxy\\fR, \\fBno_proxy\\fR\nThe proxy for pulls, and hosts that are reached "
      "without it.\n"
      ".TP\n\\fBSSL_CERT_FILE\\fR\nCertificates to trust instead of the system's.\n"
      ".TP\n\\fBNO_COLOR\\fR\nNothing is coloured, with or without it.\n";
  out +=
      ".SH EXIT STATUS\n"
      ".TP\n\\fB0\\fR\nDone; also when the reader of standard output has gone.\n"
      ".TP\n\\fB1\\fR\nFailed.\n"
      ".TP\n\\fB2\\fR\nWrong usage or unreadable input: text that is not UTF\\-8, a prompt over the context.\n"
      ".TP\n\\fB3\\fR\nNo such model or file.\n"
      ".TP\n\\fB4\\fR\nA damaged or unsupported file.\n"
      ".TP\n\\fB5\\fR\nRefused by policy, for example with \\-\\-offline.\n"
      ".TP\n\\fB6\\fR\nNot enough memory or room on the disk.\n"
      ".TP\n\\fB130\\fR\nInterrupted.\n";
  out +=
      ".SH FILES\n.TP\n\\fB~/.kinglet/models\\fR\nModels: blobs named by their digest, manifests named by the model.\n"
      ".TP\n\\fB~/.kinglet/history\\fR\nLines typed in chats.\n";
  return out;
}

}  // namespace kinglet::cli
