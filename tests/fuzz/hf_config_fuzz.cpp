// Reads bytes as the config.json of a Hugging Face folder: keys of GGUF, or an error that says so.
#include "core/base/base.h"
#include "fuzz_target.h"
#include "model/format/hf_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kinglet;
  using namespace kinglet::format;
  try {
    const HfConfig config = HfConfig::parse({reinterpret_cast<const char*>(data), size}, "config.json");
    const HfFamily& family = family_of(config);
    Metadata metadata("fuzz");
    fill_metadata(family, config, &config, metadata);
    static_cast<void>(family.make(config));
    static_cast<void>(family.is_repeated(config, "lm_head.weight"));
  } catch (const Error& error) {
    KINGLET_CHECK(error.code() == ErrorCode::kInvalidFile || error.code() == ErrorCode::kUnsupported,
                  "a damaged file is called one");
  }
  return 0;
}
