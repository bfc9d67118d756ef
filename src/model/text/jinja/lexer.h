// Templates as tokens, with Jinja's rules about blanks (trim_blocks and lstrip_blocks are on, as chat templates
// assume). Internal to the template engine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::text::jinja {

struct Token {
  enum class Kind : uint8_t {
    kText,        ///< Between tags.
    kPrintBegin,  ///< {{
    kPrintEnd,
    kBlockBegin,  ///< {%
    kBlockEnd,
    kName,
    kString,
    kInt,
    kFloat,
    kOperator,
    kEnd,
  };
  Kind kind;
  std::string text;  ///< Of a string: its value, escapes resolved. Of a number: its decimal digits.
  uint32_t line;
};

/// Throws Error{kInvalidArgument} "NAME: line N: ...".
std::vector<Token> tokenize(std::string_view source, std::string_view name);

}  // namespace kinglet::text::jinja
