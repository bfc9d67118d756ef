// Reads bytes as a Go template and renders it as a chat template and with data that it chooses: it is rendered, or
// refused with line and column, within the limits, the same each time.
#include <algorithm>
#include <string>

#include "core/base/base.h"
#include "fuzz_target.h"
#include "home/system/json.h"
#include "model/text/go/conversation.h"

namespace {

using namespace kinglet;
using namespace kinglet::text;

constexpr std::string_view kMessages =
    R"([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"},
  {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": {"a": 1, "b": [null]}}}]},
  {"role": "tool", "content": "5", "tool_name": "f"}, {"role": "user", "content": "\u00e9<|x|>"}])";
constexpr std::string_view kTools =
    R"([{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {"a": {"type": ["integer", "null"], "enum": [1]}}}}}])";

struct Rendered {
  bool is_error = false;
  std::string text;
  bool operator==(const Rendered&) const = default;
};

Rendered rendered(const std::string& source) {
  static const system::Json kMessagesJson = system::Json::parse(kMessages, "messages");
  static const system::Json kToolsJson = system::Json::parse(kTools, "tools");
  const go::RenderOptions options = {
      .max_steps = 20'000, .max_made = 1 << 20, .max_output = 1 << 18, .now = 1'767'604'023};
  try {
    const go::Template chat_template(source, "t");
    return {false, go::render(chat_template, {kMessagesJson, kToolsJson, {{"n", 3}}}, options)};
  } catch (const Error& error) {
    return {true, error.message()};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string source(reinterpret_cast<const char*>(data), size);
  const Rendered once = rendered(source);
  KINGLET_CHECK(rendered(source) == once, "a template renders the same each time");
  if (once.is_error) {
    KINGLET_CHECK(once.text.starts_with("t: line "), "an error names the line");
    KINGLET_CHECK(once.text.find(", column ") != std::string::npos, "an error names the column");
  } else {
    KINGLET_CHECK(once.text.size() <= size_t{1} << 18, "the output keeps its limit");
  }
  return 0;
}
