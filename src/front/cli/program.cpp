#include "front/cli/program.h"

#include <algorithm>
#include <clocale>
#include <csignal>
#include <exception>
#include <new>

#include "core/base/base.h"
#include "front/cli/help.h"
#include "front/cli/session.h"
#include "front/cli/terminal.h"
#include "model/format/printable.h"

namespace kinglet::cli {
namespace {

constexpr size_t kLongestMessage = 2000;

// What to do next, where the message does not say it.
std::string advice(ErrorCode code, std::string_view command) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return str("`kinglet help", command.empty() ? "" : " ", command, "` shows how it is used");
    case ErrorCode::kContextFull:
      return "shorten it, or give a larger --context";
    case ErrorCode::kNotFound:
      return "`kinglet list` shows the models that are here";
    case ErrorCode::kInvalidFile:
      return "get the file anew; `kinglet inspect FILE` looks into it";
    case ErrorCode::kUnsupported:
      return "`kinglet inspect FILE` shows what it holds";
    case ErrorCode::kBusy:
      return "try again later";
    case ErrorCode::kNetwork:
      return "try again: what has arrived is kept";
    case ErrorCode::kNoSpace:
      return "make room and run it again";
    case ErrorCode::kOutOfMemory:
      return "close other programs or take a smaller model";
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
    case ErrorCode::kRefused:
    case ErrorCode::kCancelled:
      return "";
  }
  return "";
}

void say_failure(ErrorCode code, std::string_view message, std::string_view command) {
  std::string line = str("kinglet: ", format::printable(message, kLongestMessage));
  const std::string next = advice(code, command);
  if (!next.empty() && message.find(';') == std::string_view::npos) line += str("; ", next);
  write_to_stderr(line + '\n');
}

// The place of the command in the words; words.size() where there is none.
size_t find_command(std::span<const std::string> words) {
  GlobalOptions unused;
  Arguments globals;
  declare_globals(globals, unused);
  for (size_t i = 0; i < words.size(); ++i) {
    if (!words[i].starts_with('-')) return i;
    const bool takes_next = std::ranges::any_of(
        globals.rows(), [&](const ArgumentRow& row) { return !row.value.empty() && long_name(row) == words[i]; });
    if (takes_next) ++i;
  }
  return words.size();
}

void run_command(std::span<const Command> commands, std::vector<std::string> words, Session::Clock::time_point started,
                 std::string_view& name) {
  const size_t place = find_command(words);
  if (std::ranges::find(words, "--version") < words.begin() + static_cast<ptrdiff_t>(place)) {
    Output out(1);
    out.write(str("kinglet ", version(), '\n'));
    return out.flush();
  }
  if (place == words.size()) {
    GlobalOptions options;
    Arguments globals;
    declare_globals(globals, options);
    globals.parse(words, "COMMAND");
    Output out(1);
    out.write(overview(commands));
    return out.flush();
  }
  const Command& command = command_named(commands, words[place]);
  name = command.name;
  words.erase(words.begin() + static_cast<ptrdiff_t>(place));
  GlobalOptions options;
  Arguments arguments;
  const std::unique_ptr<Action> action = command.make();
  action->declare(arguments);
  declare_globals(arguments, options);
  // Asked for help, a command needs none of its arguments.
  const auto end = std::ranges::find(words, "--");
  if (std::find(words.begin(), end, "--help") != end || std::find(words.begin(), end, "-h") != end) {
    Output out(1);
    out.write(help_of(command));
    return out.flush();
  }
  arguments.parse(words, command.name);
  Session session(options, Environment::read(), commands, started);
  try {
    action->run(session);
  } catch (const Error&) {
    session.out().flush();  // what was finished is kept
    throw;
  }
  session.out().flush();
}

}  // namespace

int run_program(std::span<const Command> commands, int n_words, char** words) noexcept {
  const auto started = Session::Clock::now();
  hold_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);  // writing says so instead
  std::setlocale(LC_CTYPE, "");
  std::string_view command;
  try {
    run_command(commands, {words + 1, words + std::max(n_words, 1)}, started, command);
    return 0;
  } catch (const OutputClosed&) {
    return 0;
  } catch (const Error& error) {
    say_failure(error.code(), error.message(), command);
    return exit_status(error.code());
  } catch (const std::bad_alloc&) {
    say_failure(ErrorCode::kOutOfMemory, "memory: there is not enough", command);
    return exit_status(ErrorCode::kOutOfMemory);
  } catch (const std::exception& error) {
    say_failure(ErrorCode::kInternal, error.what(), command);
    return exit_status(ErrorCode::kInternal);
  }
}

}  // namespace kinglet::cli
