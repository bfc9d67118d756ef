// Go templates as tokens. Internal to the template engine. Source: Go's package text/template/parse.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::text::go {

struct Position {
  uint32_t line = 1;
  uint32_t column = 1;  ///< In bytes.
};

struct Token {
  enum class Kind : uint8_t {
    kText,        ///< What stands outside of actions, trimmed already.
    kLeft,        ///< {{
    kRight,       ///< }}
    kIdentifier,  ///< Also keywords.
    kField,       ///< .Name; text: the name.
    kVariable,    ///< $ or $name; text: with its sign.
    kDot,
    kString,     ///< text: what it says.
    kNumber,     ///< text: as it is written.
    kCharacter,  ///< 'x'; text: its code point in decimal.
    kPipe,
    kLeftParen,
    kRightParen,
    kComma,
    kAssign,
    kDeclare,
    kEnd,
  };
  Kind kind = Kind::kEnd;
  std::string text = {};
  Position position = {};
  bool space_before = false;  ///< White space stands in front of it, within an action.
};

/// All tokens, the last one kEnd. Throws Error{kInvalidArgument} "NAME: line L, column C: ...".
std::vector<Token> tokenize(std::string_view source, std::string_view name);

/// Raises that error.
[[noreturn]] void refuse(std::string_view name, Position position, std::string_view why);

}  // namespace kinglet::text::go
