// Keys for the settings of a folder: the family's own, then ids of special tokens and sampling settings as
// generation_config.json has them (config.json where that has none).
#include <array>
#include <span>

#include "model/format/hf_keys.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

void fill_generation(const HfConfig& config, const HfConfig* generation, Metadata& metadata) {
  const auto ids = [&](std::string_view key) {
    if (generation != nullptr && generation->has(key)) return generation->ids(key);
    return config.ids(key);
  };
  const auto set_first = [&](std::string_view key, std::string_view hf_key) {
    const std::vector<uint32_t> found = ids(hf_key);
    if (!found.empty()) metadata.set(key, found[0]);
    return found;
  };
  set_first("tokenizer.ggml.bos_token_id", "bos_token_id");
  set_first("tokenizer.ggml.padding_token_id", "pad_token_id");
  const std::vector<uint32_t> ends = set_first("tokenizer.ggml.eos_token_id", "eos_token_id");
  // GGUF has one such id; a list is a key of ours. open_hf_folder drops it where it says no more.
  if (!ends.empty()) metadata.set_array("kinglet.eos_token_ids", std::span<const uint32_t>(ends));
  if (generation == nullptr) return;
  const auto number = [&](std::string_view key, std::string_view hf_key) {
    if (generation->find(hf_key) != nullptr) metadata.set(key, static_cast<float>(generation->number_or(hf_key, 0)));
  };
  if (const auto top_k = generation->find_count("top_k"); top_k && std::in_range<int32_t>(*top_k)) {
    metadata.set("general.sampling.top_k", static_cast<int32_t>(*top_k));
  }
  number("general.sampling.top_p", "top_p");
  number("general.sampling.min_p", "min_p");
  number("general.sampling.temp", "temperature");
  number("general.sampling.penalty_repeat", "repetition_penalty");
}

// How the weights of the folder are quantized; empty: they are not.
std::string quant_method(const HfConfig& config) {
  const system::Json* settings = config.find("quantization_config");
  if (settings == nullptr) return "";
  try {
    const system::Json* method = settings->find("quant_method");
    return method == nullptr ? "none that is said" : method->as_string("quant_method");
  } catch (const Error& error) {
    fail_with(ErrorCode::kInvalidFile, config.name(), ": quantization_config: ", error.message());
  }
}

}  // namespace

void fill_metadata(const HfFamily& family, const HfConfig& config, const HfConfig* generation, Metadata& metadata) {
  HfKeys keys(config, family.architecture, metadata);
  if (const std::string method = quant_method(config); !method.empty() && method != family.quant_method) {
    const std::array known{family.quant_method};
    config.refuse_setting("quantization_config", str("of method ", printable(method)),
                          std::span(known).first(family.quant_method.empty() ? 0 : 1));
  }
  family.fill(keys);
  fill_generation(config, generation, metadata);
  const auto set_default = [&](std::string_view key, std::string_view hf_key, std::optional<uint32_t> id) {
    if (id && metadata.find(key) == nullptr && !config.has(hf_key)) metadata.set(key, *id);
  };
  set_default("tokenizer.ggml.bos_token_id", "bos_token_id", family.ids.bos);
  set_default("tokenizer.ggml.eos_token_id", "eos_token_id", family.ids.eos);
  set_default("tokenizer.ggml.padding_token_id", "pad_token_id", family.ids.pad);
}

}  // namespace kinglet::format
