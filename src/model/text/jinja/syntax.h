// The syntax tree of a template.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/text/jinja/value.h"

namespace kinglet::text::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<const Expression>;

/// `parts` by kind; `name` where there is one.
struct Expression {
  enum class Kind : uint8_t {
    kConstant,     ///< constant
    kName,         ///< name
    kList,         ///< parts
    kTuple,        ///< parts
    kDict,         ///< key, value, key, value, ...
    kAttribute,    ///< parts[0].name
    kItem,         ///< parts[0][parts[1]]
    kSlice,        ///< parts[0][parts[1] : parts[2] : parts[3]]; a missing part is null
    kCall,         ///< parts[0](parts[1...], named)
    kFilter,       ///< parts[0] | name(parts[1...], named); parts[0] is null in a filter block
    kTest,         ///< parts[0] is name(parts[1...])
    kNegate,       ///< -parts[0]
    kPlus,         ///< +parts[0]
    kNot,
    kAnd,
    kOr,
    kBinary,       ///< parts[0] name parts[1]
    kCompare,      ///< parts[0] operators[0] parts[1] operators[1] parts[2] ...
    kConditional,  ///< parts[0] if parts[1] else parts[2] (null: undefined)
  };
  Kind kind;
  uint32_t line;
  std::string name;
  Value constant;
  std::vector<ExpressionPtr> parts;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  std::vector<std::string> operators;
};

struct Statement;
using Body = std::vector<std::unique_ptr<const Statement>>;

struct Statement {
  enum class Kind : uint8_t {
    kText,      ///< name is the text
    kPrint,     ///< value
    kIf,        ///< value, body, otherwise
    kFor,       ///< target in value if condition, body, otherwise, is_recursive
    kSet,       ///< target = value
    kSetBlock,  ///< target = what body prints, through the filter `value` if there is one
    kMacro,     ///< name(parameters), body
    kCallBlock, ///< value is the call; parameters and body are those of caller()
    kFilter,    ///< body through the filter `value`
    kScope,     ///< body as it is (generation blocks)
    kBreak,
    kContinue,
    kDo,        ///< value, for its effect
  };
  Kind kind;
  uint32_t line;
  std::string name;
  ExpressionPtr target;  ///< A name, a tuple of names, or an attribute of a namespace.
  ExpressionPtr value;
  ExpressionPtr condition;
  std::vector<std::pair<std::string, ExpressionPtr>> parameters;  ///< With their defaults, or null.
  Body body;
  Body otherwise;
  bool is_recursive = false;
};

}  // namespace kinglet::text::jinja
