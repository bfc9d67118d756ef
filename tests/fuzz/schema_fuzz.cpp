// Reads bytes as a JSON Schema, and what stands behind its first zero byte as a text for it: a text that its grammar
// takes is valid for its validator.
#include <optional>

#include "grammar_fuzz.h"
#include "home/system/json.h"

namespace {

using kinglet::system::Json;

// Of a name that is written twice readers keep one, so such values are not judged.
bool has_twins(const Json& value) {
  if (value.is_array()) {
    const auto& items = value.as_array("value");
    return std::any_of(items.begin(), items.end(), has_twins);
  }
  if (!value.is_object()) return false;
  const auto& members = value.as_object("value");
  return std::any_of(members.begin(), members.end(), [&](const auto& member) {
    return value.find(member.first) != &member.second || has_twins(member.second);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kinglet;
  const auto [source, text] = grammar::split_input(data, size);
  std::optional<system::Json> schema;
  std::optional<system::Json> value;
  try {
    schema = system::Json::parse(source, "schema", {.max_depth = 64});
    value = system::Json::parse(text, "value", {.max_depth = 64});
  } catch (const Error&) {
    if (!schema) return 0;
  }
  try {
    const auto compiled = grammar::Grammar::from_schema(*schema);
    const bool takes = grammar::check_masks(compiled, text);
    if (takes && value && !has_twins(*value))
      KINGLET_CHECK(!grammar::validate(*schema, *value), "what a schema's grammar takes is valid");
  } catch (const Error& error) {
    KINGLET_CHECK(error.code() == ErrorCode::kInvalidArgument || error.code() == ErrorCode::kUnsupported,
                  "a schema is refused as an argument or as not supported");
  }
  return 0;
}
