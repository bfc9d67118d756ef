// What encoders share: rows see each other in both directions, norms behind the branches, no head over a vocabulary.
#pragma once

#include "model/format/hf_keys.h"
#include "model/models/heads.h"

namespace kinglet::models {

/// Keys that decoders share, without a causal mask and, at first, without rotary embedding (`has_rope`).
DecoderConfig read_encoder_config(const ConfigReader& read, bool has_rope);
/// A window of `width` keys around a row, itself in the middle, on the layers that `is_windowed` names.
void read_symmetric_windows(const ConfigReader& read, DecoderConfig& config,
                            const std::function<bool(size_t)>& is_windowed);

/// token_embd, token_types where there are any, and token_embd_norm.
void declare_encoder_embedding(const DecoderConfig& config, TensorTable& table);
/// attn_output_norm and layer_output_norm.
void declare_post_norms(const DecoderConfig& config, size_t layer_idx, TensorTable& table);

/// The embedding of tokens and, where the model has them, of their types (Input::kTokenTypes).
ir::Value embed_with_types(Context& c, ir::Value ids);
ir::Value embedding_norm(Context& c, ir::Value x_TD);
/// attn_output_norm(x + attention(x)), then layer_output_norm(x + feed_forward(x)).
ir::Value post_norm_layer(Context& c, const LayerWeights& w, ir::Value x_TD);
/// Rows as the last layer left them.
ir::Value no_final_norm(Context& c, ir::Value x_ND);

struct HfEncoderKeys {
  std::string_view eps = "layer_norm_eps";
  double eps_default = 1e-12;
  uint64_t context_len = 512;
};
/// Sizes, heads, eps, token types, and the labels of a classifier.
void fill_encoder(format::HfKeys& keys, const HfEncoderKeys& defaults = {});
/// The names of a classifier's labels, in the order of its scores.
void fill_labels(format::HfKeys& keys);
/// Throws Error{kUnsupported} for an activation that is not among these.
void require_activation(const format::HfConfig& config, std::string_view key,
                        std::initializer_list<std::string_view> known);

}  // namespace kinglet::models
