// PEFT folders: adapter_config.json and adapter_model.safetensors.
#include <algorithm>
#include <array>

#include "model/format/adapter_builder.h"
#include "model/format/hf_config.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

constexpr std::string_view kPrefix = "base_model.model.";

// Settings that change the result in a way that is not known here; null, false, or an empty list or object is fine.
constexpr std::array<std::string_view, 14> kRefused = {
    "modules_to_save", "lora_bias",       "target_parameters", "trainable_token_indices", "layer_replication",
    "use_qalora",      "use_bdlora",      "arrow_config",      "alora_invocation_tokens", "invocation_string",
    "kasa_config",     "megatron_config", "monteclora_config", "velora_config",
};
// Ways to begin that leave the model's own weights as they are.
constexpr std::array<std::string_view, 3> kKnownBeginnings = {"gaussian", "eva", "orthogonal"};

bool says_something(const system::Json& value) {
  if (value.is_null() || (value.is_bool() && !value.as_bool(""))) return false;
  if (value.is_array()) return !value.as_array("").empty();
  if (value.is_object()) return !value.as_object("").empty();
  return true;
}

void refuse_unknown(const HfConfig& config) {
  if (const std::string kind = config.word_or("peft_type", "LORA"); kind != "LORA")
    config.refuse_setting("peft_type", printable(kind));
  if (const std::string bias = config.word_or("bias", "none"); bias != "none")
    config.refuse_setting("bias", printable(bias));
  for (const std::string_view key : kRefused) {
    const system::Json* value = config.find(key);
    if (value != nullptr && says_something(*value)) config.refuse_setting(key, printable(value->dump()));
  }
  const system::Json* begin = config.find("init_lora_weights");
  if (begin != nullptr && begin->is_string()) {
    const std::string& word = begin->as_string("init_lora_weights");
    if (std::ranges::find(kKnownBeginnings, word) == kKnownBeginnings.end())
      config.refuse_setting("init_lora_weights", str(printable(word), " (it changes the model's own weights)"));
  }
}

// Numbers that single modules have instead of the usual one, by the ends of their names.
class Pattern {
 public:
  Pattern(const HfConfig& config, std::string_view key) {
    const system::Json* value = config.find(key);
    if (value == nullptr) return;
    if (!value->is_object()) config.refuse_setting(key, "no object");
    for (const auto& [end, number] : value->as_object(key)) {
      const auto is_plain = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
      };
      if (!std::ranges::all_of(end, is_plain)) {
        config.refuse_setting(key, str("of a regular expression, ", printable(end), ","));
      }
      if (!number.is_number()) config.refuse_setting(key, str("no number for ", printable(end), ","));
      rows_.emplace_back(end, number.as_number(key));
    }
  }

  [[nodiscard]] double of(std::string_view module, double usual) const {
    for (const auto& [end, number] : rows_) {
      if (module == end ||
          (module.size() > end.size() && module.ends_with(end) && module[module.size() - end.size() - 1] == '.'))
        return number;
    }
    return usual;
  }

 private:
  std::vector<std::pair<std::string, double>> rows_;
};

AdapterMatrix matrix_of(const SafetensorsEntry& entry, const std::string& path) {
  if (entry.format == nullptr) {
    fail_with(ErrorCode::kUnsupported, path, ": tensor ", printable(entry.name), ": dtype ", entry.type->name,
              " is not supported");
  }
  if (entry.shape.empty() || entry.shape.size() > 2 || entry.bytes.empty()) {
    fail_with(ErrorCode::kUnsupported, path, ": tensor ", printable(entry.name), ": has ", entry.shape.size(),
              " dimensions, expected a matrix or a vector");
  }
  const bool is_vector = entry.shape.size() == 1;
  return {entry.name, is_vector ? 1 : static_cast<size_t>(entry.shape[0]), static_cast<size_t>(entry.shape.back()),
          HfTensors::values(entry)};
}

// "...q_proj.lora_A.weight": the module and which of its tensors this is.
struct PeftName {
  std::string_view module;
  std::string_view kind;
};

std::optional<PeftName> split(std::string_view name) {
  for (const std::string_view kind : {".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"}) {
    if (name.ends_with(kind)) return PeftName{name.substr(0, name.size() - kind.size()), kind};
  }
  return std::nullopt;
}

}  // namespace

Adapter read_peft_adapter(std::string_view config_text, const std::string& config_name, const Safetensors& tensors,
                          const AdapterTarget& target) {
  const HfConfig config = HfConfig::parse(config_text, config_name);
  refuse_unknown(config);
  const double rank = static_cast<double>(config.count_or("r", 8));
  const double alpha = config.number_or("lora_alpha", 8);
  const bool is_rslora = config.truth_or("use_rslora", false);
  const bool is_dora = config.truth_or("use_dora", false);
  const Pattern ranks(config, "rank_pattern");
  const Pattern alphas(config, "alpha_pattern");
  AdapterBuilder builder(tensors.path(), target);
  for (const SafetensorsEntry& entry : tensors.tensors()) {
    const auto refuse = [&](std::string_view why) {
      fail_with(ErrorCode::kUnsupported, tensors.path(), ": tensor ", printable(entry.name), why);
    };
    const auto name = split(entry.name);
    if (!name || !name->module.starts_with(kPrefix)) {
      refuse(
          " is none of an adapter's: expected base_model.model.MODULE.lora_A.weight, .lora_B.weight or "
          ".lora_magnitude_vector");
    }
    const std::string_view module = name->module.substr(kPrefix.size());
    const auto mapped = to_gguf_name(target.family, str(module, ".weight"));
    if (!mapped || mapped->rule->gguf.empty())
      refuse(str(": ", target.family.classes[0], " has no module of this name that takes an adapter"));
    if (mapped->expert_idx) refuse(": adapters of experts are not supported");
    AdapterWeight& weight = builder.weight(mapped->name, entry.name);
    weight.module = name->module;
    AdapterMatrix matrix = matrix_of(entry, tensors.path());
    if (name->kind == ".lora_A.weight") {
      builder.put_a(weight, std::move(matrix));
    } else if (name->kind == ".lora_B.weight") {
      builder.put_b(weight, std::move(matrix));
    } else {
      builder.put_magnitude(weight, std::move(matrix));
    }
  }
  for (AdapterWeight& weight : builder.weights()) {
    const std::string_view module = std::string_view(weight.module).substr(kPrefix.size());
    const double wanted = ranks.of(module, rank);
    if (wanted != static_cast<double>(weight.rank)) {
      fail_with(ErrorCode::kInvalidFile, tensors.path(), ": ", printable(weight.module), ": rank ", weight.rank,
                ", expected ", wanted, " as ", config_name, " says");
    }
    if (is_dora == weight.magnitude.empty()) {
      fail_with(ErrorCode::kInvalidFile, tensors.path(), ": ", printable(weight.module),
                is_dora ? ": has no lora_magnitude_vector, which use_dora wants"
                        : ": has a lora_magnitude_vector and use_dora is false");
    }
    weight.scale = static_cast<float>(alphas.of(module, alpha) / (is_rslora ? std::sqrt(wanted) : wanted));
    if (!std::isfinite(weight.scale)) fail_with(ErrorCode::kInvalidFile, config_name, ": lora_alpha is out of range");
  }
  return builder.finish(true);
}

}  // namespace kinglet::format
