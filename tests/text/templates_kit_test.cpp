// Chat templates of published models, against what Jinja2 itself renders (data kit, templates/).
#include <gtest/gtest.h>

#include "home/system/file.h"
#include "home/system/json.h"
#include "kit_files.h"
#include "model/text/jinja/json.h"
#include "model/text/jinja/template.h"

namespace kinglet::tests {
namespace {

TEST(Templates, RenderAsJinja2Does) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  const std::string folder = kit() + "/templates/";
  const auto cases = system::Json::parse(system::read_file(folder + "cases.json", 1 << 20), "cases");
  size_t n = 0;
  size_t n_wrong = 0;
  for (const std::string& line : split(unpacked(folder + "golden.jsonl.gz"), "\n")) {
    if (line.empty()) continue;
    const auto golden = system::Json::parse(line, "golden");
    const std::string& name = golden.at("template").as_string("template");
    const std::string& wanted_case = golden.at("case").as_string("case");
    const system::Json* context = nullptr;
    for (const auto& entry : cases.as_array("cases")) {
      if (entry.at("case").as_string("case") == wanted_case) context = &entry.at("context");
    }
    ASSERT_NE(context, nullptr) << wanted_case;
    const bool ok = golden.at("ok").as_bool("ok");
    std::string got;
    bool failed = false;
    try {
      text::jinja::RenderOptions options;
      options.now = 1768478400;  // 2026-01-15 12:00:00
      got = text::jinja::Template(system::read_file(folder + name, 1 << 20), name)
                .render(text::jinja::from_json(*context), options);
    } catch (const Error& error) {
      got = error.message();
      failed = true;
    }
    ++n;
    const std::string want = ok ? golden.at("expected").as_string("expected") : golden.at("error").as_string("error");
    if (failed == ok || (ok && got != want)) {
      size_t at = 0;
      while (at < got.size() && at < want.size() && got[at] == want[at]) ++at;
      const size_t from = at > 80 ? at - 80 : 0;
      if (++n_wrong <= 12) {
        ADD_FAILURE() << name << " " << wanted_case << " differs at " << at << (failed ? " (raised)" : "")
                      << "\n got: ..." << got.substr(from, 240) << "\nwant: ..." << want.substr(from, 240);
      }
    }
  }
  EXPECT_EQ(n_wrong, 0U) << "of " << n;
  EXPECT_EQ(n, 420U);
}

}  // namespace
}  // namespace kinglet::tests
