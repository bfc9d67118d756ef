// Go templates against what Go's own text/template renders (tests/golden/text/go_*, tools/make_go_template_goldens.go).
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "core/base/base.h"
#include "home/system/file.h"
#include "home/system/json.h"
#include "model/text/go/conversation.h"

namespace kinglet::text::go {
namespace {

using system::Json;

constexpr int64_t kNow = 1767604023;  // 2026-01-05 09:07:03

std::string read_golden(const std::string& name) {
  return system::read_file(str(std::getenv("KINGLET_SOURCE"), "/tests/golden/text/", name), 1 << 22);
}

// Nullopt where the template raises an error; `why` says which.
template <class Render>
std::optional<std::string> rendered(const Render& render, std::string& why) {
  try {
    return render();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_TRUE(error.message().starts_with("t: line ")) << error.message();
    EXPECT_NE(error.message().find(", column "), std::string::npos) << error.message();
    why = error.message();
    return std::nullopt;
  }
}

std::optional<std::string> text_of(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(json.as_string("text"));
}

TEST(GoGoldens, TemplatesAreRenderedAsGoDoes) {
  const std::string file = read_golden("go_templates.jsonl");
  std::optional<Value> data;
  size_t n = 0;
  for (size_t begin = 0; begin < file.size();) {
    const size_t end = file.find('\n', begin);
    const Json line = Json::parse(std::string_view(file).substr(begin, end - begin), "go_templates.jsonl");
    begin = end + 1;
    if (!data) {
      data = from_json(line);
      continue;
    }
    const std::string& source = line.at("source").as_string("source");
    std::string why;
    const auto got = rendered([&] { return Template(source, "t").render(*data, {.now = kNow}); }, why);
    EXPECT_EQ(got, text_of(line.at("text"))) << source << "\n" << why;
    ++n;
  }
  EXPECT_GT(n, 200U);
}

TEST(GoGoldens, ChatsAreRenderedAsOllamaDoes) {
  const Json file = Json::parse(read_golden("go_chats.json"), "go_chats.json");
  size_t n = 0;
  for (const auto& [name, text] : file.at("cases").as_object("cases")) {
    const size_t slash = name.find('/');
    const Template chat_template(file.at("templates").at(name.substr(0, slash)).as_string("template"), "t");
    const Json& chat = file.at("chats").at(name.substr(slash + 1));
    const Json* tools = chat.find("tools");
    const Json no_tools;
    std::vector<std::pair<std::string, Json>> variables;
    if (const Json* think = chat.find("enable_thinking")) variables.emplace_back("enable_thinking", *think);
    const Conversation conversation{chat.at("messages"), tools != nullptr ? *tools : no_tools, variables};
    std::string why;
    const auto got = rendered([&] { return render(chat_template, conversation, {.now = kNow}); }, why);
    EXPECT_EQ(got, text_of(text)) << name << "\n" << why;
    ++n;
  }
  EXPECT_GT(n, 120U);
}

}  // namespace
}  // namespace kinglet::text::go
