// Reads bytes as a template, and what stands behind its first zero byte as the JSON of its context: it is rendered, or
// refused with the line, within the limits, the same each time.
#include <algorithm>
#include <optional>
#include <string>

#include "core/base/base.h"
#include "fuzz_target.h"
#include "home/system/json.h"
#include "model/text/jinja/json.h"
#include "model/text/jinja/template.h"

namespace {

using namespace kinglet;
using namespace kinglet::text;

constexpr std::string_view kStandard =
    R"({"messages": [{"role": "user", "content": "Hi"}], "x": [1, 2.5, null, true, "a\u00e9"],
  "tools": [{"name": "f", "parameters": {"a": {"type": "string"}}}], "n": 3, "bos_token": "<s>", "add_generation_prompt": true})";

jinja::Value context_of(std::string_view json) {
  try {
    const jinja::Value value = jinja::from_json(system::Json::parse(json, "context"));
    if (value.is_mapping()) return value;
  } catch (const Error&) {
    // No JSON: the standard context.
  }
  return jinja::from_json(system::Json::parse(kStandard, "context"));
}

struct Rendered {
  bool is_error = false;
  std::string text;
  bool operator==(const Rendered&) const = default;
};

Rendered rendered(const std::string& source, const jinja::Value& context) {
  const jinja::RenderOptions options = {
      .max_steps = 20'000, .max_made = 1 << 20, .max_output = 1 << 18, .now = 1'767'604'023};
  try {
    return {false, jinja::Template(source, "t").render(context, options)};
  } catch (const Error& error) {
    return {true, error.message()};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(bytes.find('\0'), size);
  const std::string source(bytes.substr(0, end));
  const jinja::Value context = context_of(bytes.substr(std::min(end + 1, size)));
  const Rendered once = rendered(source, context);
  KINGLET_CHECK(rendered(source, context) == once, "a template renders the same each time");
  if (once.is_error) {
    KINGLET_CHECK(once.text.starts_with("t: line ") || once.text.starts_with("from_json: "), "an error names the line");
  } else {
    KINGLET_CHECK(once.text.size() <= size_t{1} << 18, "the output keeps its limit");
  }
  return 0;
}
