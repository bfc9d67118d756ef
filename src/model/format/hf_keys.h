// Writes the keys of GGUF from the settings of a config.json: what families have in common.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/format/hf_config.h"
#include "model/format/hf_family.h"
#include "model/format/metadata.h"

namespace kinglet::format {

/// Keys of one architecture. Errors name the setting of config.json.
class HfKeys {
 public:
  HfKeys(const HfConfig& config, std::string_view architecture, Metadata& metadata)
      : config_(config), prefix_(str(architecture, ".")), metadata_(metadata) {}

  [[nodiscard]] const HfConfig& config() const noexcept { return config_; }
  [[nodiscard]] Metadata& metadata() noexcept { return metadata_; }

  /// A key under the architecture's name. Throws Error{kInvalidFile} for a count over 32 bits; `hf_key` is for
  /// messages.
  void count(std::string_view key, std::string_view hf_key, uint64_t value);
  /// The count that config.json has under `hf_key`; without a fallback it must be there.
  void copy_count(std::string_view key, std::string_view hf_key, std::optional<uint64_t> fallback = std::nullopt);
  /// Nothing where config.json has none.
  void copy_count_if_set(std::string_view key, std::string_view hf_key);
  void counts(std::string_view key, std::span<const uint32_t> values);
  void truths(std::string_view key, const std::vector<bool>& values);
  void numbers(std::string_view key, std::span<const float> values) {
    metadata_.set_array(prefix_ + std::string(key), values);
  }
  void number(std::string_view key, double value) {
    metadata_.set(prefix_ + std::string(key), static_cast<float>(value));
  }
  void copy_number_if_set(std::string_view key, std::string_view hf_key);
  void truth(std::string_view key, bool value) { metadata_.set(prefix_ + std::string(key), value); }
  void words(std::string_view key, std::span<const std::string_view> values) {
    metadata_.set_strings(prefix_ + std::string(key), values);
  }
  void word(std::string_view key, std::string_view value) { metadata_.set(prefix_ + std::string(key), value); }

 private:
  const HfConfig& config_;
  std::string prefix_;
  Metadata& metadata_;
};

/// head_dim, or hidden_size / num_attention_heads.
uint64_t head_dim_of(const HfConfig& config);

/// What differs between the configuration classes of decoders.
struct HfDecoderDefaults {
  std::string_view norm = "rms_norm_eps";  ///< Or "norm_eps", the same; or "layer_norm_eps".
  double norm_eps = 1e-6;
  uint64_t context_len = 2048;
  std::optional<uint64_t> n_kv_heads = std::nullopt;     ///< None: num_attention_heads.
  std::optional<uint64_t> ffn_dim = std::nullopt;        ///< In place of intermediate_size.
  bool has_rope = true;                                  ///< Else the family fills its rotary settings itself.
  std::vector<std::string_view> activations = {"silu"};  ///< Words for the family's; the first where there is none.
};

/// Sizes, heads, eps, activation (which must be the family's own) and the plain rotary settings, under the usual names.
void fill_decoder(HfKeys& keys, const HfDecoderDefaults& defaults = {});
/// Rotary settings alone: base, turning elements, scaling. longrope's factors and llama3's become tensors
/// (rope_tensors).
void fill_rope(HfKeys& keys, const HfRope& rope);
/// rope.pairs: rows of q and k stay as the folder has them. For families whose files pair neighbours.
void keep_halves(HfKeys& keys);

/// rope_freqs, or rope_factors_long and _short, where the scaling has them.
std::vector<MadeTensor> rope_tensors(const HfConfig& config, const HfTensors& tensors);
/// Divisors of each pair's frequency under the scaling of Llama 3.
std::vector<float> llama3_rope_factors(const HfRope& rope, uint64_t head_dim, uint64_t original_context_len);

/// attention.sliding_window, and which layers have it where that is not the family's rule
/// (attention.sliding_window_pattern).
void fill_windows(HfKeys& keys, const std::vector<bool>& is_windowed, const std::vector<bool>& usual);

/// Whether each layer has this word in layer_types; empty where config.json has no such list.
std::vector<bool> layers_of_type(const HfConfig& config, std::string_view type);

}  // namespace kinglet::format
