#include "model/models/encoder.h"

#include <algorithm>

namespace kinglet::models {
void fill_labels(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  const system::Json* labels = config.find("id2label");
  if (labels == nullptr || !labels->is_object()) return;
  std::vector<std::string> names;
  const size_t n = labels->as_object("id2label").size();
  for (size_t i = 0; i < n; ++i) {
    const system::Json* name = labels->find(str(i));
    if (name == nullptr || !name->is_string())
      fail_with(ErrorCode::kInvalidFile, config.name(), ": id2label: has no name for label ", i);
    names.push_back(name->as_string("id2label"));
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  keys.words("classifier.output_labels", views);
}

DecoderConfig read_encoder_config(const ConfigReader& read, bool has_rope) {
  DecoderConfig config = read_decoder_config(read);
  config.is_causal = false;
  if (const format::TensorEntry* types = read.file().find("token_types.weight"))
    config.n_token_types = static_cast<size_t>(types->n_rows());
  if (!has_rope) {
    config.ropes.clear();
    for (LayerConfig& layer : config.layers) layer.rope.reset();
  }
  read_heads(read, config);
  return config;
}

void read_symmetric_windows(const ConfigReader& read, DecoderConfig& config,
                            const std::function<bool(size_t)>& is_windowed) {
  const size_t width = read.count_or_zero("attention.sliding_window", ConfigReader::kMaxContext);
  if (width == 0) return;
  for (size_t i = 0; i < config.n_layers; ++i) {
    // Half of it to each side; the row itself counts on both.
    if (is_windowed(i)) config.layers[i].window = width / 2 + 1;
  }
}

void declare_encoder_embedding(const DecoderConfig& c, TensorTable& t) {
  t.add("token_embd.weight", c.vocab_size, c.hidden_dim);
  if (c.n_token_types > 0) t.add("token_types.weight", c.n_token_types, c.hidden_dim);
  t.add("token_embd_norm.weight", 1, c.hidden_dim);
  t.add_optional("token_embd_norm.bias", 1, c.hidden_dim);
}

void declare_post_norms(const DecoderConfig& c, size_t i, TensorTable& t) {
  for (const std::string_view name : {"attn_output_norm", "layer_output_norm"}) {
    t.of_layer(i, str(name, ".weight"), 1, c.hidden_dim);
    t.of_layer_optional(i, str(name, ".bias"), 1, c.hidden_dim);
  }
}

ir::Value embed_with_types(Context& c, ir::Value ids) {
  const ir::Value x_TD = ops::embed(c.b, ids, c.names["token_embd.weight"]);
  if (c.config.n_token_types == 0) return x_TD;
  return ops::add(c.b, x_TD, ops::embed(c.b, c.b.input(ir::Input::kTokenTypes), c.names["token_types.weight"]));
}

ir::Value embedding_norm(Context& c, ir::Value x_TD) {
  return ops::layer_norm(c.b, x_TD, c.names["token_embd_norm.weight"], c.names.find("token_embd_norm.bias"),
                         c.config.norm_eps);
}

ir::Value post_norm_layer(Context& c, const LayerWeights& w, ir::Value x_TD) {
  x_TD = layer_norm(c, w, "attn_output_norm", ops::add(c.b, x_TD, c.blocks.attention(c, w, x_TD)));
  return layer_norm(c, w, "layer_output_norm", ops::add(c.b, x_TD, c.blocks.feed_forward(c, w, x_TD)));
}

ir::Value no_final_norm(Context& /*c*/, ir::Value x_ND) { return x_ND; }

void fill_encoder(format::HfKeys& keys, const HfEncoderKeys& defaults) {
  const format::HfConfig& config = keys.config();
  keys.copy_count("context_length", "max_position_embeddings", defaults.context_len);
  keys.copy_count("embedding_length", "hidden_size");
  keys.copy_count("block_count", "num_hidden_layers");
  keys.copy_count("feed_forward_length", "intermediate_size");
  keys.copy_count("attention.head_count", "num_attention_heads");
  keys.number("attention.layer_norm_epsilon", config.number_or(defaults.eps, defaults.eps_default));
  keys.truth("attention.causal", false);
  const uint64_t n_types = config.count_or("type_vocab_size", 1);
  if (std::in_range<uint32_t>(n_types))
    keys.metadata().set("tokenizer.ggml.token_type_count", static_cast<uint32_t>(n_types));
  const std::string name = config.class_name();
  if (name.ends_with("Classification")) fill_labels(keys);
  if (name.ends_with("ForTokenClassification")) keys.count("pooling_type", "architectures", 0);
}

void require_activation(const format::HfConfig& config, std::string_view key,
                        std::initializer_list<std::string_view> known) {
  const std::string word = config.word_or(key, *known.begin());
  if (std::ranges::find(known, word) == known.end()) config.refuse_setting(key, word, known);
}

}  // namespace kinglet::models
