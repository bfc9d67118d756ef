// What the generations of Gemma share.
#pragma once

#include <initializer_list>

#include "model/models/decoder.h"

namespace kinglet::models {

/// Embeddings times the root of their width, soft caps, a scale of queries that may differ from the usual one.
DecoderConfig read_gemma_config(const ConfigReader& read);
/// Scales queries by hidden / heads instead of the head's size, where the file does not say how.
void scale_by_hidden(const ConfigReader& read, DecoderConfig& config);
/// gelu(gate(x)) * up(x), then down.
ir::Value gelu_feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD);
/// Norms before and after attention and feed-forward.
ir::Value sandwich_layer(Context& c, const LayerWeights& w, ir::Value x_TD);
void declare_sandwich_norms(const DecoderConfig& config, size_t layer_idx, TensorTable& table);
/// decoder_rules with the four norms of sandwich_layer.
std::vector<format::TensorRule> sandwich_rules(std::initializer_list<format::TensorRule> more = {});
/// The same rules for folders whose norms are stored as distances from one.
std::vector<format::TensorRule> around_one(std::vector<format::TensorRule> rules);
/// attention.scale where query_pre_attn_scalar is not head_dim: a key that the field's other programs do not read, as
/// they know the published sizes.
void fill_query_scale(format::HfKeys& keys, uint64_t usual);

}  // namespace kinglet::models
