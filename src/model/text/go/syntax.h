// The tree of a Go template. Internal to the template engine.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "model/text/go/lexer.h"
#include "model/text/go/value.h"

namespace kinglet::text::go {

struct Pipe;

/// Something that has a value, and the fields that are taken of it.
struct Operand {
  enum class Kind : uint8_t { kDot, kNil, kConstant, kVariable, kFunction, kPipe };
  Kind kind = Kind::kDot;
  Position position = {};
  std::string name = {};  ///< Of a variable ("$x") or a function.
  Value constant = {};
  std::shared_ptr<const Pipe> pipe = {};
  std::vector<std::string> fields = {};
};

/// The first operand, applied to the others where it is a function.
struct Command {
  std::vector<Operand> operands;
};

/// Commands, each of which is the last argument of the next one; variables take the result.
struct Pipe {
  Position position = {};
  std::vector<std::string> variables = {};
  bool assigns = false;  ///< "=": the variables are there already.
  std::vector<Command> commands = {};
};

struct Node;
using Nodes = std::vector<Node>;

struct Node {
  enum class Kind : uint8_t { kText, kAction, kIf, kWith, kRange, kTemplate, kBreak, kContinue };
  Kind kind = Kind::kText;
  Position position = {};
  /// Its place in the whole, outer nodes before inner ones.
  uint32_t order = 0;
  std::string text = {};                  ///< Of a text; of kTemplate its name.
  std::shared_ptr<const Pipe> pipe = {};  ///< Null: none.
  Nodes body = {};
  Nodes otherwise = {};
};

struct Tree {
  Nodes root;
  std::map<std::string, Nodes, std::less<>> templates;  ///< Of define and block.
  std::set<std::string, std::less<>> names;             ///< All fields that are named anywhere, in small letters.
};

}  // namespace kinglet::text::go
