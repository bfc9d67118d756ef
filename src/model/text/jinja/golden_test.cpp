// Many small templates against what Jinja2 itself renders (tests/golden/text/templates.jsonl,
// tools/make_template_goldens).
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "core/base/base.h"
#include "home/system/file.h"
#include "home/system/json.h"
#include "model/text/jinja/json.h"
#include "model/text/jinja/template.h"

namespace kinglet::text::jinja {
namespace {

constexpr int64_t kNow = 1767604023;  // 2026-01-05 09:07:03

// Nullopt where the template raises an error; `why` says which.
std::optional<std::string> rendered(const std::string& source, const Value& context, std::string& why) {
  try {
    return Template(source, "t").render(context, {.now = kNow});
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_TRUE(error.message().starts_with("t: line ")) << error.message();
    why = error.message();
    return std::nullopt;
  }
}

TEST(JinjaGoldens, AreRenderedAsJinja2Does) {
  const std::string file =
      system::read_file(std::string(std::getenv("KINGLET_SOURCE")) + "/tests/golden/text/templates.jsonl", 1 << 26);
  std::optional<Value> context;
  size_t n = 0;
  for (size_t begin = 0; begin < file.size();) {
    const size_t end = file.find('\n', begin);
    const auto line = system::Json::parse(std::string_view(file).substr(begin, end - begin), "templates.jsonl");
    begin = end + 1;
    if (!context) {
      context = from_json(line);
      continue;
    }
    const std::string& source = line.at("source").as_string("source");
    const system::Json& text = line.at("text");
    std::string why;
    const std::optional<std::string> got = rendered(source, *context, why);
    const auto want = text.is_null() ? std::nullopt : std::optional(text.as_string("text"));
    EXPECT_EQ(got, want) << source << "\n" << why;
    ++n;
  }
  EXPECT_GT(n, 1500U);
}

}  // namespace
}  // namespace kinglet::text::jinja
