// The tools that a request offers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "home/system/json.h"

namespace kinglet::chat {

/// What a parameter may be, as far as a reader of texts without quotes needs to know.
enum class ParameterKind : uint8_t {
  kString,  ///< A string and nothing else.
  kValue,   ///< Anything but a string.
  kEither,  ///< Both, or nobody says.
};

struct Tool {
  std::string name;
  system::Json parameters;  ///< A JSON Schema of an object; null: nobody says.
};

/// Constant. Names are unique.
class ToolSet {
 public:
  ToolSet() = default;
  /// Takes an array of {"type": "function", "function": {"name", "parameters", ...}}, or of what "function" holds; null
  /// is an empty one. Throws Error{kInvalidArgument} for a tool without a name, for one name twice, and for what is of
  /// another type.
  explicit ToolSet(const system::Json& tools);

  [[nodiscard]] bool empty() const noexcept { return tools_.empty(); }
  [[nodiscard]] const std::vector<Tool>& tools() const noexcept { return tools_; }
  /// Null: none of this name.
  [[nodiscard]] const Tool* find(std::string_view name) const noexcept;

 private:
  std::vector<Tool> tools_;
};

/// By the tool's schema: `type`, `enum`, `const`, `anyOf`, `oneOf`, `allOf` and `$ref` inside the schema.
ParameterKind kind_of_schema(const system::Json& schema, const system::Json& root);
/// Of a parameter of the tool; of one that its schema does not name: kEither.
ParameterKind kind_of_parameter(const Tool& tool, std::string_view parameter);

}  // namespace kinglet::chat
