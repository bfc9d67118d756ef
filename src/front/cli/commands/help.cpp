// kinglet help, completion and man: what the program says about itself.
#include "front/cli/help.h"

#include "front/cli/commands/commands.h"
#include "front/cli/session.h"

namespace kinglet::cli {
namespace {

class Help final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.optional_argument("COMMAND", command_, "The command; without it all are listed");
  }
  void run(Session& session) override {
    session.out().write(command_ ? help_of(command_named(session.commands(), *command_))
                                 : overview(session.commands()));
  }

 private:
  std::optional<std::string> command_;
};

class Completion final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("SHELL", shell_, "The shell that it is for").choices = {"bash", "zsh", "fish"};
  }
  void run(Session& session) override { session.out().write(completion(shell_, session.commands())); }

 private:
  std::string shell_;
};

class Manual final : public Action {
 public:
  void declare(Arguments&) override {}
  void run(Session& session) override { session.out().write(manual(session.commands())); }
};

}  // namespace

Command help_command() { return {"help", "", "Explain a command", "", "kinglet help run", make_action<Help>}; }

Command completion_command() {
  return {"completion",
          "",
          "Print a script that completes commands in a shell",
          "",
          "source <(kinglet completion bash)\n"
          "kinglet completion zsh > \"${fpath[1]}/_kinglet\"\n"
          "kinglet completion fish > ~/.config/fish/completions/kinglet.fish",
          make_action<Completion>};
}

Command man_command() {
  return {"man",
          "",
          "Print the manual page",
          "",
          "kinglet man | man -l -\nkinglet man > /usr/local/share/man/man1/kinglet.1",
          make_action<Manual>};
}

}  // namespace kinglet::cli
