// What the relatives of Qwen 3 take from it.
#pragma once

#include <vector>

#include "model/models/decoder.h"

namespace kinglet::models {

/// attn_q_norm and attn_k_norm of a layer, over a head.
void declare_head_norms(const DecoderConfig& config, size_t layer_idx, TensorTable& table);
/// decoder_attention with queries and keys normed head by head before they turn.
ir::Value head_norm_attention(Context& c, const LayerWeights& w, ir::Value x_TD);
/// The names of these norms in folders, then `rules`.
std::vector<format::TensorRule> with_head_norms(std::vector<format::TensorRule> rules);

}  // namespace kinglet::models
