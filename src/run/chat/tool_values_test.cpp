#include "run/chat/tool_values.h"

#include <gtest/gtest.h>

namespace kinglet::chat {
namespace {

using system::Json;

std::string changed(std::string_view messages) { return with_tool_values(Json::parse(messages, "messages")).dump(); }

TEST(ToolValues, TextsOfJsonBecomeValues) {
  EXPECT_EQ(
      changed(
          R"([{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"x\": [1, 2]}"}}]}])"),
      R"([{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":{"x":[1,2]}}}]}])");
  EXPECT_EQ(changed(R"([{"role":"tool","content":"22.5"},{"role":"tool","content":"warm"}])"),
            R"([{"role":"tool","content":22.5},{"role":"tool","content":"warm"}])");
}

TEST(ToolValues, AllElseStays) {
  for (const char* messages :
       {R"([{"role":"user","content":"22"}])", R"([{"role":"assistant","content":"{}","tool_calls":null}])",
        R"([{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{"x":"1"}}}]}])",
        R"([{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{"}},3,{"function":4}]}])",
        R"([{"role":4},5])", R"("text")", "null"}) {
    EXPECT_EQ(changed(messages), messages);
  }
}

}  // namespace
}  // namespace kinglet::chat
