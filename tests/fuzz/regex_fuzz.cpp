// Reads bytes as a regular expression, and what stands behind its first zero byte as a text for it.
#include "grammar_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kinglet;
  const auto [source, text] = grammar::split_input(data, size);
  try {
    grammar::check_masks(grammar::Grammar::from_regex(source), text);
  } catch (const Error& error) {
    KINGLET_CHECK(error.code() == ErrorCode::kInvalidArgument || error.code() == ErrorCode::kUnsupported,
                  "a pattern is refused as an argument or as not supported");
  }
  return 0;
}
