// Attention of the Gemmas whose last layers read keys and values of an earlier one: heads of q and k are normed, v is
// normed without a weight, scores are not scaled.
#pragma once

#include "model/models/decoder.h"

namespace kinglet::models {

/// Settings of such a family.
struct SharedKeysConfig : FamilyConfig {
  size_t n_own_keys = 0;     ///< Layers from here on have no keys of their own.
  size_t per_layer_dim = 0;  ///< Of embeddings that each layer has of its own; 0: none.
};

/// Layers that have no keys of their own read those of the last layer before that has, of the same kind (with a window
/// or without).
ir::Value shared_keys_attention(Context& c, const LayerWeights& w, ir::Value x_TD);
/// attn_q, attn_output and their norms; attn_k, attn_v and attn_k_norm where the layer has keys of its own (attn_v may
/// lack: values are the keys' projection).
void declare_shared_keys_attention(const DecoderConfig& config, size_t layer_idx, size_t n_own_keys,
                                   TensorTable& table);

}  // namespace kinglet::models
