#include "model/format/hf_keys.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace kinglet::format {
namespace {

constexpr uint64_t kMaxHeadDim = 1 << 16;

// Of a head, the elements that turn.
uint64_t n_rot_of(const HfConfig& config, const HfRope& rope) {
  return static_cast<uint64_t>(static_cast<double>(head_dim_of(config)) * rope.partial);
}

uint64_t original_context_of(const HfConfig& config, const HfRope& rope) {
  if (rope.original_context_len) return *rope.original_context_len;
  return config.count_or("original_max_position_embeddings", config.count_or("max_position_embeddings", 2048));
}

}  // namespace

void HfKeys::count(std::string_view key, std::string_view hf_key, uint64_t value) {
  if (!std::in_range<uint32_t>(value))
    fail_with(ErrorCode::kInvalidFile, config_.name(), ": ", hf_key, ": ", value, " is out of range");
  metadata_.set(prefix_ + std::string(key), static_cast<uint32_t>(value));
}

void HfKeys::copy_count(std::string_view key, std::string_view hf_key, std::optional<uint64_t> fallback) {
  count(key, hf_key, fallback ? config_.count_or(hf_key, *fallback) : config_.count(hf_key));
}

void HfKeys::copy_count_if_set(std::string_view key, std::string_view hf_key) {
  if (const auto value = config_.find_count(hf_key)) count(key, hf_key, *value);
}

void HfKeys::counts(std::string_view key, std::span<const uint32_t> values) {
  metadata_.set_array(prefix_ + std::string(key), values);
}

void HfKeys::truths(std::string_view key, const std::vector<bool>& values) {
  metadata_.set_truths(prefix_ + std::string(key), values);
}

void HfKeys::copy_number_if_set(std::string_view key, std::string_view hf_key) {
  if (config_.find(hf_key) != nullptr) number(key, config_.number_or(hf_key, 0));
}

uint64_t head_dim_of(const HfConfig& config) {
  const uint64_t n_heads = config.count("num_attention_heads");
  if (n_heads == 0) fail_with(ErrorCode::kInvalidFile, config.name(), ": num_attention_heads: is 0");
  const auto own = config.find_count("head_dim");
  const uint64_t head_dim = own ? *own : config.count("hidden_size") / n_heads;
  if (head_dim == 0 || head_dim > kMaxHeadDim) {
    fail_with(ErrorCode::kInvalidFile, config.name(), ": head_dim: is ", head_dim, ", expected 1 to ", kMaxHeadDim);
  }
  return head_dim;
}

void fill_decoder(HfKeys& keys, const HfDecoderDefaults& defaults) {
  const HfConfig& config = keys.config();
  const std::string key = config.has("hidden_activation") ? "hidden_activation" : "hidden_act";
  const std::string act = config.word_or(key, defaults.activations[0]);
  if (std::ranges::find(defaults.activations, act) == defaults.activations.end())
    config.refuse_setting(key, act, defaults.activations);
  if (config.truth_or("mlp_bias", false)) config.refuse_setting("mlp_bias", "true");
  keys.copy_count("vocab_size", "vocab_size");
  keys.copy_count("context_length", "max_position_embeddings", defaults.context_len);
  keys.copy_count("embedding_length", "hidden_size");
  keys.copy_count("block_count", "num_hidden_layers");
  keys.count("feed_forward_length", "intermediate_size",
             defaults.ffn_dim ? *defaults.ffn_dim : config.count("intermediate_size"));
  const uint64_t n_heads = config.count("num_attention_heads");
  keys.count("attention.head_count", "num_attention_heads", n_heads);
  keys.copy_count("attention.head_count_kv", "num_key_value_heads", defaults.n_kv_heads.value_or(n_heads));
  keys.count("attention.key_length", "head_dim", head_dim_of(config));
  keys.count("attention.value_length", "head_dim", head_dim_of(config));
  const bool is_rms = defaults.norm != "layer_norm_eps";
  keys.number(is_rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon",
              config.number_or(defaults.norm, defaults.norm_eps));
  if (defaults.has_rope) fill_rope(keys, config.rope());
}

void fill_rope(HfKeys& keys, const HfRope& rope) {
  const HfConfig& config = keys.config();
  keys.count("rope.dimension_count", "head_dim", n_rot_of(config, rope));
  keys.number("rope.freq_base", rope.base);
  if (rope.type == "default" || rope.type == "llama3") return;  // llama3 becomes rope_freqs.weight
  constexpr std::array<std::string_view, 7> kKnown = {"default", "linear",   "dynamic", "yarn",
                                                      "llama3",  "longrope", "su"};
  if (std::ranges::find(kKnown, rope.type) == kKnown.end()) config.refuse_setting("rope_type", rope.type, kKnown);
  const bool is_longrope = rope.type == "longrope" || rope.type == "su";
  if (rope.type == "dynamic") return keys.number("rope.dynamic_factor", rope.factor);  // a key of ours; GGUF has none
  keys.word("rope.scaling.type", is_longrope ? "longrope" : rope.type);
  if (is_longrope) {
    const uint64_t original = original_context_of(config, rope);
    keys.count("rope.scaling.original_context_length", "original_max_position_embeddings", original);
    // Of the short factors and of the long ones.
    const double stretch =
        static_cast<double>(config.count_or("max_position_embeddings", 2048)) / static_cast<double>(original);
    const double magnitude =
        stretch <= 1.0 ? 1.0 : std::sqrt(1.0 + std::log(stretch) / std::log(static_cast<double>(original)));
    keys.number("rope.scaling.attn_factor", rope.attention_factor.value_or(magnitude));
    return;
  }
  keys.number("rope.scaling.factor", rope.factor);
  if (rope.type != "yarn") return;
  if (rope.original_context_len) {
    keys.count("rope.scaling.original_context_length", "original_max_position_embeddings", *rope.original_context_len);
  }
  // The folder says the whole magnitude, GGUF what multiplies the usual one.
  if (rope.attention_factor)
    keys.number("rope.scaling.attn_factor", *rope.attention_factor / yarn_magnitude(rope.factor));
  if (rope.beta_fast) keys.number("rope.scaling.yarn_beta_fast", *rope.beta_fast);
  if (rope.beta_slow) keys.number("rope.scaling.yarn_beta_slow", *rope.beta_slow);
  if (!rope.truncate) keys.truth("rope.scaling.yarn_truncate", false);  // a key of ours; GGUF has none
}

void keep_halves(HfKeys& keys) { keys.word("rope.pairs", "halves"); }

std::vector<MadeTensor> rope_tensors(const HfConfig& config, const HfTensors& /*tensors*/) {
  const HfRope rope = config.rope();
  if (rope.type == "llama3") {
    if (!(rope.low_freq_factor > 0) || !(rope.high_freq_factor > rope.low_freq_factor)) {
      fail_with(ErrorCode::kInvalidFile, config.name(), ": high_freq_factor: is not over low_freq_factor");
    }
    std::vector<float> factors =
        llama3_rope_factors(rope, head_dim_of(config), rope.original_context_len.value_or(8192));
    const uint64_t n = factors.size();
    return {made_of("rope_freqs.weight", {n}, std::move(factors))};
  }
  if (rope.type != "longrope" && rope.type != "su") return {};
  std::vector<MadeTensor> made;
  for (const bool is_long : {true, false}) {
    const std::vector<float>& factors = is_long ? rope.long_factors : rope.short_factors;
    const uint64_t expected = n_rot_of(config, rope) / 2;
    if (factors.size() != expected) {
      fail_with(ErrorCode::kInvalidFile, config.name(), is_long ? ": long_factor: has " : ": short_factor: has ",
                factors.size(), " numbers, expected ", expected);
    }
    made.push_back(made_of(is_long ? "rope_factors_long.weight" : "rope_factors_short.weight", {expected}, factors));
  }
  return made;
}

std::vector<float> llama3_rope_factors(const HfRope& rope, uint64_t head_dim, uint64_t original_context_len) {
  const auto original = static_cast<double>(original_context_len);
  const double longest = original / rope.low_freq_factor;
  const double shortest = original / rope.high_freq_factor;
  std::vector<float> factors;
  for (uint64_t i = 0; i < head_dim / 2; ++i) {
    const double frequency = std::pow(rope.base, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
    const double wavelength = 2.0 * std::numbers::pi / frequency;
    double factor = 1.0;
    if (wavelength > longest) {
      factor = rope.factor;
    } else if (wavelength >= shortest) {
      const double share =
          (original / wavelength - rope.low_freq_factor) / (rope.high_freq_factor - rope.low_freq_factor);
      factor = 1.0 / ((1.0 - share) / rope.factor + share);
    }
    factors.push_back(static_cast<float>(factor));
  }
  return factors;
}

void fill_windows(HfKeys& keys, const std::vector<bool>& is_windowed, const std::vector<bool>& usual) {
  keys.copy_count_if_set("attention.sliding_window", "sliding_window");
  if (!is_windowed.empty() && is_windowed != usual) keys.truths("attention.sliding_window_pattern", is_windowed);
}

std::vector<bool> layers_of_type(const HfConfig& config, std::string_view type) {
  std::vector<bool> layers;
  for (const std::string& word : config.words("layer_types")) layers.push_back(word == type);
  return layers;
}

}  // namespace kinglet::format
