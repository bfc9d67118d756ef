// Chat templates of published models, against what Jinja2 itself renders (data kit, templates/).
#include <gtest/gtest.h>

#include <algorithm>

#include "home/system/file.h"
#include "home/system/json.h"
#include "kit_files.h"
#include "model/text/jinja/json.h"
#include "model/text/jinja/template.h"
#include "run/chat/chat_template.h"

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

// What the kit's templates of the same families say of these cases.
struct Fallback {
  std::vector<std::string_view> tokens;
  std::string name;  // of the kit's template
  std::vector<std::string> cases;
  std::string extra = {};  // what that one adds
};

TEST(FallbackTemplates, SayWhatTheirFamiliesTemplatesSay) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  const std::string folder = kit() + "/templates/";
  const auto cases = system::Json::parse(system::read_file(folder + "cases.json", 1 << 20), "cases");
  const std::vector<Fallback> rows = {
      {{"<|im_start|>", "<|im_end|>"}, "Qwen-Qwen2.5-7B-Instruct.jinja", {"system_user", "multi_turn"}},
      {{"<start_of_turn>", "<end_of_turn>"}, "google-gemma-2-2b-it.jinja", {"user", "user_nogen", "tools_user"}},
      {{"<|user|>", "<|assistant|>", "<|end|>"},
       "microsoft-Phi-3.5-mini-instruct.jinja",
       {"user", "system_user", "multi_turn", "tools_user"}},
      {{"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"},
       "meta-llama-Llama-3.2-3B-Instruct.jinja",
       {"system_user", "multi_turn"},
       "Cutting Knowledge Date: December 2023\nToday Date: 15 Jan 2026\n\n"}};
  size_t n = 0;
  for (const std::string& line : split(unpacked(folder + "golden.jsonl.gz"), "\n")) {
    if (line.empty()) continue;
    const auto golden = system::Json::parse(line, "golden");
    for (const Fallback& row : rows) {
      const std::string& which = golden.at("case").as_string("case");
      if (row.name != golden.at("template").as_string("template") || std::ranges::count(row.cases, which) == 0)
        continue;
      format::Metadata metadata("file");
      std::vector<std::string_view> tokens = {"<BOS>", "<EOS>"};
      tokens.insert(tokens.end(), row.tokens.begin(), row.tokens.end());
      metadata.set("tokenizer.ggml.model", "gpt2");
      metadata.set_strings("tokenizer.ggml.tokens", tokens);
      metadata.set("tokenizer.ggml.bos_token_id", 0);
      metadata.set("tokenizer.ggml.eos_token_id", 1);
      chat::TemplateInput input;
      for (const auto& entry : cases.as_array("cases")) {
        if (entry.at("case").as_string("case") != which) continue;
        const system::Json& context = entry.at("context");
        input.messages = context.at("messages");
        input.generation_prompt = context.at("add_generation_prompt").as_bool("add_generation_prompt");
      }
      std::string want = golden.at("expected").as_string("expected");
      if (const size_t at = want.find(row.extra); at != std::string::npos) want.erase(at, row.extra.size());
      EXPECT_EQ(chat::ChatTemplate::of(metadata).render(input), want) << row.name << ' ' << which;
      ++n;
    }
  }
  EXPECT_EQ(n, 11U);
}

}  // namespace
}  // namespace kinglet::tests
