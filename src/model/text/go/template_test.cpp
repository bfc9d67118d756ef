// What the goldens cannot say: limits, places of errors, and what is newer than the Go that made them.
#include "model/text/go/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "home/system/test_failure.h"
#include "model/text/go/conversation.h"

namespace kinglet::text::go {
namespace {

using system::failure;
using system::Json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Value data() { return from_json(Json::parse(R"({"n": 3, "xs": [1, 2, 3], "s": "text", "e": ""})", "data")); }

std::string message(const std::string& source, const RenderOptions& options = {}) {
  const Error error = failure([&] { static_cast<void>(Template(source, "file").render(data(), options)); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  return error.message();
}

TEST(GoTemplate, ErrorsNameLineAndColumn) {
  EXPECT_EQ(message("a\n b{{ foo }}"), "file: line 2, column 6: function \"foo\" not defined");
  EXPECT_EQ(message("{{ if .n }}\n"), "file: line 1, column 4: {{if}} has no {{end}}");
  EXPECT_EQ(message("x\n{{ .s.y }}"), "file: line 2, column 4: can't evaluate field y in type string");
  EXPECT_EQ(message("x\n  {{ index .xs 3 }}"), "file: line 2, column 6: error calling index: index out of range: 3");
  EXPECT_EQ(message("{{ .n "), "file: line 1, column 1: unclosed action");
}

TEST(GoTemplate, NewerParts) {
  EXPECT_EQ(Template("{{with .e}}1{{else with .s}}{{.}}{{else}}2{{end}}", "t").render(data()), "text");
  EXPECT_EQ(Template("{{range $i := 3}}{{$i}}{{end}}", "t").render(data()), "012");
  EXPECT_EQ(Template("{{json \"\\b\\f\"}}", "t").render(data()), "\"\\b\\f\"");
}

TEST(GoTemplate, CostIsBounded) {
  const RenderOptions few{.max_steps = 10'000, .max_made = 100'000, .max_output = 10'000};
  EXPECT_THAT(message("{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}"), HasSubstr("nested deeper"));
  EXPECT_THAT(message("{{range 1000000000}}{{end}}", few), HasSubstr("steps"));
  EXPECT_THAT(message("{{range 5000}}0123456789{{end}}", few), HasSubstr("longer than 10000"));
  EXPECT_THAT(message("{{$x := \"0123456789\"}}{{range 50}}{{$x = print $x $x}}{{end}}", few), HasSubstr("makes more"));
  EXPECT_THAT(message("{{printf \"%99999d\" 1}}"), HasSubstr("width"));
  // Nesting is refused where the template is parsed.
  std::string parens;
  std::string blocks;
  for (int i = 0; i < 100'000; ++i) {
    parens += '(';
    blocks += "{{if .n}}";
  }
  EXPECT_THAT(message("{{" + parens + "}}"), HasSubstr("nested deeper"));
  EXPECT_THAT(message(blocks), HasSubstr("nested deeper"));
  std::string otherwise = "{{if .e}}";
  for (int i = 0; i < 10'000; ++i) otherwise += "{{else if .e}}";
  EXPECT_THAT(message(otherwise + "{{end}}"), HasSubstr("nested deeper"));
  EXPECT_THAT(message(std::string(Template::kMaxSource + 1, 'x')),
              StartsWith("file: line 1, column 1: the template has"));
}

std::string chat(const std::string& source, std::string_view messages, bool generation_prompt = true) {
  const Json json = Json::parse(messages, "messages");
  return render(Template(source, "t"), {json, Json(), {}, generation_prompt}, {});
}

TEST(GoConversation, ATurnThatIsCompleteHasItsEnd) {
  const std::string source = "<u>{{ .Prompt }}<a>{{ .Response }}<end>";
  constexpr std::string_view kMessages =
      R"([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}])";
  EXPECT_EQ(chat(source, kMessages), "<u>Hi<a>Ho");
  EXPECT_EQ(chat(source, kMessages, false), "<u>Hi<a>Ho<end>");
}

TEST(GoConversation, PartsOfTextAndArgumentsAsText) {
  EXPECT_EQ(chat("{{ range .Messages }}{{ .Content }}{{ range .ToolCalls }}{{ .Function.Arguments }}{{ end }}{{ end }}",
                 R"([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                     {"role": "assistant", "content": null,
                      "tool_calls": [{"function": {"name": "f", "arguments": "{\"x\": 1}"}}]}])"),
            "ab{\"x\":1}");
}

TEST(GoConversation, MessagesThatAreNone) {
  EXPECT_EQ(failure([] { chat("{{ .Messages }}", R"([{"content": "x"}])"); }).code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(failure([] { chat("{{ .Messages }}", R"({"role": "x"})"); }).code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(failure([] { chat("{{ .Messages }}", R"([{"role": "a", "tool_calls": [{"function": {}}]}])"); }).code(),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace kinglet::text::go
