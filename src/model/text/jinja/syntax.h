// The syntax tree of a template.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/text/jinja/value.h"

namespace kinglet::text::jinja {

enum class Operator : uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
  kConcatenate,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
};

/// "+", "not in", ...
std::string_view spelling(Operator op) noexcept;

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
    kCall,         ///< parts[0](parts[1...], call)
    kFilter,       ///< parts[0] | name(parts[1...], call); parts[0] is null at the begin of a block's filters
    kTest,         ///< parts[0] is name(parts[1...], call)
    kNegate,       ///< -parts[0]
    kPlus,         ///< +parts[0]
    kNot,          ///< not parts[0]
    kAnd,          ///< parts[0] and parts[1] and ...
    kOr,           ///< parts[0] or parts[1] or ...
    kBinary,       ///< parts[0] operators[0] parts[1] operators[1] parts[2] ..., from the left
    kCompare,      ///< The same, true where all hold.
    kConditional,  ///< parts[0] if parts[1] else parts[2] (null: undefined)
  };
  /// What a call has beside arguments by place.
  struct Named {
    std::vector<std::pair<std::string, ExpressionPtr>> arguments;
    ExpressionPtr more;        ///< *more
    ExpressionPtr more_named;  ///< **more_named
  };
  Kind kind;
  uint32_t line;
  int depth = 1;  ///< Of the tree from here.
  std::string name;
  Value constant = nullptr;
  std::vector<ExpressionPtr> parts;
  std::vector<Operator> operators;
  std::unique_ptr<Named> named;
};

struct Statement;
using Body = std::vector<std::unique_ptr<const Statement>>;

struct Branch {
  ExpressionPtr condition;
  Body body;
};

struct Statement {
  enum class Kind : uint8_t {
    kText,       ///< name is the text
    kPrint,      ///< value
    kIf,         ///< the first branch whose condition holds, or otherwise
    kFor,        ///< target in value if condition, body, otherwise, is_recursive
    kSet,        ///< target = value
    kSetBlock,   ///< target = what body prints, through the filter `value` if there is one
    kMacro,      ///< name(parameters), body
    kCallBlock,  ///< value is the call; parameters and body are those of caller()
    kFilter,     ///< body through the filter `value`
    kWith,       ///< parameters = their values, body
    kBreak,
    kContinue,
    kDo,  ///< value, for its effect
  };
  Kind kind;
  uint32_t line;
  std::string name;
  ExpressionPtr target;  ///< A name, a tuple of targets, or an attribute of a namespace.
  ExpressionPtr value;
  ExpressionPtr condition;
  std::vector<std::pair<std::string, ExpressionPtr>> parameters;  ///< With their defaults, or null.
  std::vector<Branch> branches;
  Body body;
  Body otherwise;
  bool is_recursive = false;
  // Of a macro: which of these names its body reads. It takes further arguments only if it does.
  bool reads_caller = false;
  bool reads_varargs = false;
  bool reads_kwargs = false;
};

}  // namespace kinglet::text::jinja
