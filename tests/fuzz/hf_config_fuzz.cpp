// Reads bytes as the config.json of a Hugging Face folder: keys of GGUF, or an error that says so.
#include "core/base/base.h"
#include "fuzz_target.h"
#include "model/models/models.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kinglet;
  using namespace kinglet::format;
  try {
    const HfConfig config = HfConfig::parse({reinterpret_cast<const char*>(data), size}, "config.json");
    const HfFamily& family = family_of(models::hf_families(), config);
    Metadata metadata("fuzz");
    fill_metadata(family, config, &config, metadata);
    class NoTensors final : public HfTensors {
      const SafetensorsEntry* find(std::string_view /*name*/) const override { return nullptr; }
    };
    if (family.make != nullptr) static_cast<void>(family.make(config, NoTensors()));
  } catch (const Error& error) {
    KINGLET_CHECK(error.code() == ErrorCode::kInvalidFile || error.code() == ErrorCode::kUnsupported,
                  "a damaged file is called one");
  }
  return 0;
}
