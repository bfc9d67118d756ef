#include "model/models/shared_keys.h"

namespace kinglet::models {

void declare_shared_keys_attention(const DecoderConfig& c, size_t i, size_t n_own_keys, TensorTable& t) {
  const LayerConfig& layer = c.layers[i];
  const size_t kv_dim = layer.n_kv_heads * layer.head_dim;
  t.of_layer(i, "attn_q.weight", layer.n_heads * layer.head_dim, c.hidden_dim);
  t.of_layer(i, "attn_q_norm.weight", 1, layer.head_dim);
  if (i < n_own_keys) {
    t.of_layer(i, "attn_k.weight", kv_dim, c.hidden_dim);
    t.of_layer_optional(i, "attn_v.weight", kv_dim, c.hidden_dim);
    t.of_layer(i, "attn_k_norm.weight", 1, layer.head_dim);
  }
  t.of_layer(i, "attn_output.weight", c.hidden_dim, layer.n_heads * layer.head_dim);
}

ir::Value shared_keys_attention(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const LayerConfig& layer = c.layer(w);
  const auto& family = c.config.of_family<SharedKeysConfig>();
  Heads heads;
  heads.q = turn(c, w, rms_norm(c, w, "attn_q_norm", ops::linear(c.b, x_TD, w["attn_q.weight"])), layer.n_heads);
  if (w.layer_idx() < family.n_own_keys) {
    const ir::Value k = ops::linear(c.b, x_TD, w["attn_k.weight"]);
    const auto v_weight = w.find("attn_v.weight");
    const ir::Value v = v_weight ? ops::linear(c.b, x_TD, *v_weight) : k;
    heads.k = turn(c, w, rms_norm(c, w, "attn_k_norm", k), layer.n_kv_heads);
    heads.v = ops::rms_norm(c.b, v, layer.head_dim, c.config.norm_eps);
  } else {
    size_t source = family.n_own_keys - 1;
    while (source > 0 && (c.config.layers[source].window > 0) != (layer.window > 0)) --source;
    heads.k = c.keys_values[source].first;
    heads.v = c.keys_values[source].second;
  }
  c.keys_values.emplace_back(heads.k, heads.v);
  return attend_heads(c, w, heads);
}

}  // namespace kinglet::models
