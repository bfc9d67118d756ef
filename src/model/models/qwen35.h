// What the families of Qwen 3.5 share: a gated delta net on most layers, gated attention on the others.
#pragma once

#include <initializer_list>

#include "model/models/decoder.h"

namespace kinglet::models {

struct Qwen35 : FamilyConfig {
  ops::DeltaHeads heads{};
  size_t width = 0;  ///< Rows that a convolution sees, its own included.
  /// Layers behind the last that guess tokens beyond the next one; nothing reads them.
  std::vector<LayerConfig> guessing = {};

  [[nodiscard]] size_t key_cols() const noexcept { return heads.n_key_heads * heads.key_dim; }
  [[nodiscard]] size_t value_cols() const noexcept { return heads.n_value_heads * heads.value_dim; }
  [[nodiscard]] size_t conv_cols() const noexcept { return 2 * key_cols() + value_cols(); }
};

DecoderConfig read_qwen35_config(const ConfigReader& read);
/// Attention or delta net of a layer.
void declare_qwen35_mixer(const DecoderConfig& config, size_t layer_idx, TensorTable& table);
ir::Value qwen35_mixer(Context& c, const LayerWeights& w, ir::Value x_TD);
/// Layers that guess, with the feed-forward that `declare` adds to each.
void declare_guessing_layers(const DecoderConfig& config, TensorTable& table,
                             void (*declare)(const DecoderConfig&, size_t layer_idx, TensorTable&));
/// A layer whose second norm is called post_attention_norm.
ir::Value qwen35_layer(Context& c, const LayerWeights& w, ir::Value x_TD);

/// Keys beyond fill_decoder.
void fill_qwen35(format::HfKeys& keys);
/// Tensors of delta nets, whose value heads files have in another order.
std::vector<format::MadeTensor> make_qwen35(const format::HfConfig& config, const format::HfTensors& tensors);
/// All but the feed-forward.
std::vector<format::TensorRule> qwen35_rules(std::initializer_list<format::TensorRule> more);
/// Keys of a tiny model under an architecture's name.
void fill_tiny_qwen35(format::Metadata& metadata, std::string_view name);

}  // namespace kinglet::models
