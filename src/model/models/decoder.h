// The pre-norm decoder that most families are, as functions that a family may replace one by one.
#pragma once

#include "model/models/architecture.h"

namespace kinglet::models {

/// Embedding, norms, projections (biases where a file has them), gated feed-forward, head (optional: tied to the
/// embedding).
void declare_decoder_tensors(const DecoderConfig& config, TensorTable& table);
/// The parts of it: what is outside of layers, attn_q to attn_output of a layer, and its dense feed-forward.
void declare_outer_tensors(const DecoderConfig& config, TensorTable& table);
void declare_attention_tensors(const DecoderConfig& config, size_t layer_idx, TensorTable& table);
void declare_gated_tensors(const DecoderConfig& config, size_t layer_idx, TensorTable& table);
/// The dense feed-forward of a layer, or its experts (experts.h).
void declare_feed_forward_tensors(const DecoderConfig& config, size_t layer_idx, TensorTable& table);
/// attn_qkv in place of attn_q, attn_k and attn_v.
void declare_fused_attention_tensors(const DecoderConfig& config, size_t layer_idx, TensorTable& table);

/// Rows of the embedding, times the file's scale.
ir::Value decoder_embed(Context& c, ir::Value ids);
/// x + attention(attn_norm(x)), then x + feed_forward(ffn_norm(x)); branches times the file's scale.
ir::Value pre_norm_layer(Context& c, const LayerWeights& w, ir::Value x_TD);
/// Attention with rotary embedding and grouped heads; biases where the file has them.
ir::Value decoder_attention(Context& c, const LayerWeights& w, ir::Value x_TD);
/// silu(gate(x)) * up(x), then down; or the layer's experts (experts.h).
ir::Value decoder_feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD);
ir::Value decoder_norm(Context& c, ir::Value x_ND);
/// The same by layer_norm, with a bias.
ir::Value decoder_layer_norm(Context& c, ir::Value x_ND);
/// The head's rows or the embedding's, times the file's scale, capped where it says so.
ir::Value decoder_head(Context& c, ir::Value x_ND);

inline constexpr Blocks kDecoderBlocks{decoder_embed,        pre_norm_layer, decoder_attention,
                                       decoder_feed_forward, decoder_norm,   decoder_head};

// Pieces of blocks.

struct Heads {
  ir::Value q;  ///< [T, H d].
  ir::Value k;  ///< [T, K d].
  ir::Value v;
};

/// attn_q, attn_k and attn_v of x, or the parts of attn_qkv; biases where the file has them.
Heads project_heads(Context& c, const LayerWeights& w, ir::Value x_TD);
/// Turns heads by the layer's rope; unchanged where it has none.
ir::Value turn(Context& c, const LayerWeights& w, ir::Value x, size_t n_heads);
/// Attention as the settings say.
ir::Value attended(Context& c, const LayerWeights& w, const Heads& heads,
                   std::optional<ir::WeightId> sinks = std::nullopt);
/// The same, then attn_output.
ir::Value attend_heads(Context& c, const LayerWeights& w, const Heads& heads,
                       std::optional<ir::WeightId> sinks = std::nullopt);
/// act(gate(x)) * up(x), then down; ffn_up may hold gate and up, one after the other.
ir::Value gated_feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD, kernels::Activate activate);
/// down(act(up(x))), with biases where the file has them.
ir::Value plain_feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD, kernels::Activate activate);
/// rms_norm with the weight NAME.weight of a layer; layer_norm likewise, with its bias where there is one.
ir::Value rms_norm(Context& c, const LayerWeights& w, std::string_view name, ir::Value x);
ir::Value layer_norm(Context& c, const LayerWeights& w, std::string_view name, ir::Value x);
/// x + branch times the file's scale of residuals.
ir::Value add_branch(Context& c, ir::Value x_TD, ir::Value branch_TD);

/// The names that folders of most decoders share, then the family's own.
std::vector<format::TensorRule> decoder_rules(std::initializer_list<format::TensorRule> more = {});

/// Files of the family pair neighbours in a head; a folder's rows pair halves, which a key of ours says.
void pair_neighbours(const ConfigReader& read, DecoderConfig& config);

}  // namespace kinglet::models
