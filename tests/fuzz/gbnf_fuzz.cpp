// Reads bytes as a grammar, and what stands behind its first zero byte as a text for it: both are refused or taken
// within the limits; masks hold what is accepted byte by byte.
#include "grammar_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kinglet;
  const auto [source, text] = grammar::split_input(data, size);
  try {
    grammar::check_masks(grammar::Grammar::from_gbnf(source), text);
  } catch (const Error& error) {
    KINGLET_CHECK(error.code() == ErrorCode::kInvalidArgument, "a grammar is refused as an argument");
  }
  return 0;
}
