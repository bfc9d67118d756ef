// What a command of the program is: a row of words, and an action that declares its options and runs.
#pragma once

#include <memory>
#include <string_view>

#include "front/cli/arguments.h"

namespace kinglet::cli {

class Session;

/// One use of a command.
class Action {
 public:
  virtual ~Action() = default;
  virtual void declare(Arguments& arguments) = 0;
  /// Failures are thrown as Error.
  virtual void run(Session& session) = 0;
};

struct Command {
  std::string_view name;
  std::string_view alias;    ///< A second name; empty: none.
  std::string_view summary;  ///< One line, for the list of commands.
  std::string_view details;  ///< Paragraphs for `kinglet help NAME`; may be empty.
  std::string_view example;  ///< Lines that can be typed.
  std::unique_ptr<Action> (*make)();
};

template <class T>
std::unique_ptr<Action> make_action() {
  return std::make_unique<T>();
}

}  // namespace kinglet::cli
