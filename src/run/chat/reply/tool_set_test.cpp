#include "run/chat/reply/tool_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/base.h"

namespace kinglet::chat {
namespace {

using system::Json;

TEST(ToolSet, TakesBothFormsOfTools) {
  const ToolSet tools(Json::parse(R"([
    {"type": "function", "function": {"name": "a", "parameters": {"type": "object"}}}, {"name": "b"}])",
                                  "tools"));
  ASSERT_EQ(tools.tools().size(), 2U);
  EXPECT_TRUE(tools.find("a")->parameters.is_object());
  EXPECT_TRUE(tools.find("b")->parameters.is_null());
  EXPECT_EQ(tools.find("c"), nullptr);
  EXPECT_TRUE(ToolSet(Json()).empty());
}

TEST(ToolSet, RefusesWhatIsNoTool) {
  const auto message = [](const char* tools) {
    try {
      ToolSet(Json::parse(tools, "tools"));
      return std::string("none");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.message();
    }
  };
  EXPECT_THAT(message("{}"), testing::HasSubstr("expected an array"));
  EXPECT_THAT(message("[{}]"), testing::HasSubstr("name: is missing"));
  EXPECT_THAT(message(R"([{"name": 1}])"), testing::HasSubstr("expected a string"));
  EXPECT_THAT(message(R"([{"name": ""}])"), testing::HasSubstr("empty"));
  EXPECT_THAT(message(R"([{"name": "a"}, {"name": "a"}])"), testing::HasSubstr("a is there twice"));
  EXPECT_THAT(message(R"([{"name": "a", "parameters": 3}])"), testing::HasSubstr("parameters of a"));
}

TEST(ToolSet, KnowsWhatAParameterMayBe) {
  const ToolSet tools(Json::parse(R"([{"name": "f", "parameters": {"type": "object", "properties": {
    "string": {"type": "string"}, "number": {"type": "number"}, "both": {"type": ["string", "null"]}, "any": {},
    "words": {"enum": ["a", "b"]}, "digits": {"enum": [1, 2]}, "mixed": {"enum": ["a", 1]},
    "constant": {"const": "x"}, "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    "numbers": {"oneOf": [{"type": "integer"}, {"type": "null"}]}, "all": {"allOf": [{}, {"type": "string"}]},
    "named": {"$ref": "#/$defs/word"}, "loop": {"$ref": "#/$defs/loop"}, "gone": {"$ref": "#/$defs/gone"},
    "dict": {"type": "dict"}, "free": {"type": "any"}},
    "$defs": {"word": {"type": "string"}, "loop": {"$ref": "#/$defs/loop"}}}}])",
                                  "tools"));
  const Tool& tool = tools.tools()[0];
  for (const char* name : {"string", "words", "constant", "all", "named"})
    EXPECT_EQ(kind_of_parameter(tool, name), ParameterKind::kString) << name;
  for (const char* name : {"number", "digits", "numbers", "dict"})
    EXPECT_EQ(kind_of_parameter(tool, name), ParameterKind::kValue) << name;
  for (const char* name : {"both", "any", "mixed", "either", "loop", "gone", "free", "not there"})
    EXPECT_EQ(kind_of_parameter(tool, name), ParameterKind::kEither) << name;
}

}  // namespace
}  // namespace kinglet::chat
