// Reads bytes as a Modelfile: what is one reads back from the text that it writes, unless a value has three quotes.
#include <algorithm>
#include <string>

#include "core/base/base.h"
#include "fuzz_target.h"
#include "home/store/modelfile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kinglet;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const store::Modelfile file = store::Modelfile::parse(bytes, "m");
    const bool has_quotes = std::ranges::any_of(file.instructions, [](const store::Instruction& instruction) {
      return instruction.value.find("\"\"\"") != std::string::npos;
    });
    if (has_quotes) return 0;
    const store::Modelfile again = store::Modelfile::parse(file.to_text(), "again");
    KINGLET_CHECK(again.instructions.size() == file.instructions.size(), "as many instructions");
    for (size_t i = 0; i < again.instructions.size(); ++i) {
      KINGLET_CHECK(again.instructions[i].value == file.instructions[i].value, "the same value");
      KINGLET_CHECK(again.instructions[i].name == file.instructions[i].name, "the same name");
    }
  } catch (const Error& error) {
    KINGLET_CHECK(error.code() == ErrorCode::kInvalidArgument && error.message().starts_with("m: "), "a reason");
  }
  return 0;
}
