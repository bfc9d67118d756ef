// What the relatives of Qwen 3 take from it.
#pragma once

#include <initializer_list>

#include "model/models/decoder.h"

namespace kinglet::models {

DecoderConfig read_qwen3_config(const ConfigReader& read);
/// attn_q_norm and attn_k_norm of a layer, over a head.
void declare_head_norms(const DecoderConfig& config, size_t layer_idx, TensorTable& table);
/// decoder_attention with queries and keys normed head by head before they turn.
ir::Value head_norm_attention(Context& c, const LayerWeights& w, ir::Value x_TD);
std::vector<format::TensorRule> qwen3_rules(std::initializer_list<format::TensorRule> more = {});

}  // namespace kinglet::models
