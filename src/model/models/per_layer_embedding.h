// Embeddings that each layer has of its own, as the small Gemmas 3n and 4 have them.
#pragma once

#include "model/models/decoder.h"

namespace kinglet::models {

/// per_layer_token_embd, per_layer_model_proj and per_layer_proj_norm; `dim` elements for each layer.
void declare_per_layer_embedding(const DecoderConfig& config, size_t dim, TensorTable& table);
/// inp_gate, proj and post_norm of a layer.
void declare_per_layer_block(const DecoderConfig& config, size_t layer_idx, size_t dim, TensorTable& table);
/// Input of all layers [T, layers dim]: a row of a table by token, and a projection of the embedding x [T, D].
ir::Value per_layer_inputs(Context& c, ir::Value ids, ir::Value x_TD, size_t dim);
/// x [T, D] -> what the layer's own input adds to it: norm(proj(gelu(inp_gate(x)) * input)).
ir::Value per_layer_block(Context& c, const LayerWeights& w, ir::Value x_TD, size_t dim);
/// These rules and the names of what is declared here.
std::vector<format::TensorRule> per_layer_rules(std::vector<format::TensorRule> rules);

}  // namespace kinglet::models
