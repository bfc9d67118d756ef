// Gemma 3n, text: several streams of which one passes the layer and the others are predicted and corrected (alternating
// updates), a low-rank branch beside attention, embeddings of each layer, sparse activations, shared keys and values.
// Sources: Google's model card; Baykal et al. arXiv 2301.13310 (AltUp); Menghani et al. arXiv 2411.07501 (LAuReL).
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/gemma3.h"
#include "model/models/per_layer_embedding.h"
#include "model/models/qwen3.h"
#include "model/models/shared_keys.h"

namespace kinglet::models {
namespace {

constexpr float kLeastSquare = 1e-5F;                            // of a stream whose magnitude is matched
constexpr float kAll = -std::numeric_limits<float>::infinity();  // deviations of a layer whose activations all count

struct Gemma3nConfig : SharedKeysConfig {
  size_t n_streams = 4;
  size_t active = 0;  // the stream that passes the layers
  size_t laurel_rank = 0;
  std::vector<double> deviations;  // of each layer's sparse activations
};

const Gemma3nConfig& family_of(const Context& c) { return c.config.of_family<Gemma3nConfig>(); }

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_gemma_config(read);
  config.attention_scale = 1.0F;
  read_windows(read, config, [](size_t i) { return i % 5 + 1 < 5; });
  read_local_rope(read, config);
  auto family = std::make_shared<Gemma3nConfig>();
  family->n_streams = read.count_or("altup.num_inputs", 4, 64);
  family->active = read.count_or_zero("altup.active_idx", family->n_streams - 1);
  family->per_layer_dim = read.count("embedding_length_per_layer_input");
  family->n_own_keys = config.n_layers - read.count_or_zero("attention.shared_kv_layers", config.n_layers - 1);
  family->deviations = read.numbers("activation_sparsity_scale", config.n_layers);
  const format::TensorEntry* laurel = read.file().find("blk.0.laurel_l.weight");
  family->laurel_rank = laurel == nullptr ? read.count_or("laurel_rank", 64) : static_cast<size_t>(laurel->n_rows());
  config.family = std::move(family);
  return config;
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  const auto& family = c.of_family<Gemma3nConfig>();
  const size_t N = family.n_streams;
  declare_outer_tensors(c, t);
  declare_per_layer_embedding(c, family.per_layer_dim, t);
  t.add("altup_proj.weight", (N - 1) * c.hidden_dim, c.hidden_dim);
  t.add("altup_unembd_proj.weight", (N - 1) * c.hidden_dim, c.hidden_dim);
  for (size_t i = 0; i < c.n_layers; ++i) {
    t.of_layer(i, "attn_norm.weight", 1, c.hidden_dim);
    declare_shared_keys_attention(c, i, family.n_own_keys, t);
    declare_sandwich_norms(c, i, t);
    t.of_layer(i, "ffn_norm.weight", 1, c.hidden_dim);
    declare_gated_tensors(c, i, t);
    declare_per_layer_block(c, i, family.per_layer_dim, t);
    t.of_layer(i, "altup_predict_coef.weight", N * N, N);
    t.of_layer(i, "altup_correct_coef.weight", N, N);
    t.of_layer(i, "altup_correct_scale.weight", 1, c.hidden_dim);
    t.of_layer(i, "altup_router.weight", N, c.hidden_dim);
    t.of_layer(i, "altup_router_norm.weight", 1, c.hidden_dim);
    t.of_layer(i, "laurel_l.weight", family.laurel_rank, c.hidden_dim);
    t.of_layer(i, "laurel_r.weight", c.hidden_dim, family.laurel_rank);
    t.of_layer(i, "laurel_post_norm.weight", 1, c.hidden_dim);
  }
}

ir::Value stream(Context& c, ir::Value x_TND, size_t i) {
  const size_t D = c.config.hidden_dim;
  return ops::take_columns(c.b, x_TND, {1, family_of(c).n_streams * D, i * D, D});
}

// The embedding, and projections of it that are as large.
ir::Value embed(Context& c, ir::Value ids) {
  const ir::Value x_TD = decoder_embed(c, ids);
  c.per_layer_inputs = per_layer_inputs(c, ids, x_TD, family_of(c).per_layer_dim);
  const size_t D = c.config.hidden_dim;
  std::vector<ir::Value> streams{x_TD};
  for (size_t i = 1; i < family_of(c).n_streams; ++i) {
    const ir::Value projected = ops::linear(c.b, x_TD, c.b.part_of(c.names["altup_proj.weight"], (i - 1) * D, D));
    streams.push_back(ops::match_magnitude(c.b, projected, x_TD, kLeastSquare));
  }
  return ops::join_columns(c.b, streams, 1);
}

// What the coefficients of a token's streams are made of.
ir::Value modalities(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const ir::Value normed =
      ops::scale(c.b, rms_norm(c, w, "altup_router_norm", x_TD), 1.0F / static_cast<float>(c.config.hidden_dim));
  return ops::activation(c.b, kernels::Activate::kTanh, ops::linear(c.b, normed, w["altup_router.weight"]));
}

ir::Value feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const auto& deviations = family_of(c).deviations;
  ir::Value gate = ops::linear(c.b, x_TD, w["ffn_gate.weight"]);
  if (!deviations.empty() && std::isfinite(deviations[w.layer_idx()])) {
    gate = ops::keep_high(c.b, gate, static_cast<float>(deviations[w.layer_idx()]));
  }
  const ir::Value up = ops::linear(c.b, x_TD, w["ffn_up.weight"]);
  return ops::linear(c.b, ops::gated(c.b, kernels::Activate::kGeluTanh, gate, up), w["ffn_down.weight"]);
}

ir::Value layer(Context& c, const LayerWeights& w, ir::Value x_TND) {
  const Gemma3nConfig& family = family_of(c);
  const ir::Value coefficients =
      ops::linear(c.b, modalities(c, w, stream(c, x_TND, family.active)), w["altup_predict_coef.weight"]);
  const ir::Value predicted = ops::add(c.b, ops::mix_streams(c.b, x_TND, coefficients, family.n_streams), x_TND);
  const ir::Value x_TD = stream(c, predicted, family.active);

  const ir::Value normed = rms_norm(c, w, "attn_norm", x_TD);
  const ir::Value low_rank = ops::linear(c.b, ops::linear(c.b, normed, w["laurel_l.weight"]), w["laurel_r.weight"]);
  const ir::Value laurel = ops::add(c.b, normed, rms_norm(c, w, "laurel_post_norm", low_rank));
  const ir::Value attended = rms_norm(c, w, "post_attention_norm", c.blocks.attention(c, w, normed));
  const ir::Value both = ops::add(c.b, ops::add(c.b, x_TD, attended), laurel);
  const ir::Value joined = ops::scale(c.b, both, 1.0F / std::sqrt(2.0F));
  const ir::Value fed = c.blocks.feed_forward(c, w, rms_norm(c, w, "ffn_norm", joined));
  const ir::Value activated = ops::add(c.b, joined, rms_norm(c, w, "post_ffw_norm", fed));

  // Each stream moves by what the active one turned out to be beyond its prediction, times one and a coefficient.
  const ir::Value innovation = ops::add(c.b, activated, ops::scale(c.b, x_TD, -1.0F));
  const ir::Value factors = ops::linear(c.b, modalities(c, w, activated), w["altup_correct_coef.weight"]);
  const ir::Value corrected =
      ops::add(c.b, ops::add_to_streams(c.b, predicted, innovation, 0), ops::mix_streams(c.b, innovation, factors, 1));
  const ir::Value first = ops::scale_by(c.b, stream(c, corrected, family.active), w["altup_correct_scale.weight"]);
  return ops::add_to_streams(c.b, corrected, per_layer_block(c, w, first, family.per_layer_dim), 1);
}

// The mean of all streams, each as large as the first.
ir::Value final_norm(Context& c, ir::Value x_NND) {
  const size_t n_streams = family_of(c).n_streams;
  const size_t D = c.config.hidden_dim;
  const ir::Value first = stream(c, x_NND, 0);
  ir::Value total = first;
  for (size_t i = 1; i < n_streams; ++i) {
    const ir::WeightId weight = c.b.part_of(c.names["altup_unembd_proj.weight"], (i - 1) * D, D);
    const ir::Value projected = ops::linear(c.b, stream(c, x_NND, i), weight);
    total = ops::add(c.b, total, ops::match_magnitude(c.b, projected, first, kLeastSquare));
  }
  return decoder_norm(c, ops::scale(c.b, total, 1.0F / static_cast<float>(n_streams)));
}

// How many standard deviations above the mean leave out this share of a normal distribution (Newton's steps).
float normal_quantile(double share) {
  double x = 0.0;
  for (int i = 0; i < 60; ++i) {
    const double below = 0.5 * std::erfc(-x / std::numbers::sqrt2);
    const double density = std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::numbers::pi);
    x -= std::clamp((below - share) / density, -1.0, 1.0);
  }
  return static_cast<float>(x);
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  const std::vector<uint64_t> widths = config.list_of_counts("intermediate_size");
  format::HfDecoderDefaults defaults{.context_len = 32768, .n_kv_heads = 2, .activations = {"gelu_pytorch_tanh"}};
  if (!widths.empty()) defaults.ffn_dim = widths[0];
  format::fill_decoder(keys, defaults);
  if (std::ranges::any_of(widths, [&](uint64_t width) { return width != widths[0]; }))
    keys.counts("feed_forward_length", std::vector<uint32_t>(widths.begin(), widths.end()));
  keys.number("final_logit_softcapping", config.number_or("final_logit_softcapping", 30.0));
  fill_local_rope(keys);
  keys.copy_count("attention.sliding_window", "sliding_window", 512);
  std::vector<bool> is_windowed = format::layers_of_type(config, "sliding_attention");
  const uint64_t n_layers = config.count("num_hidden_layers");
  for (uint64_t i = is_windowed.size(); i < n_layers; ++i) is_windowed.push_back((i + 1) % 5 != 0);
  keys.truths("attention.sliding_window_pattern", is_windowed);
  keys.copy_count("altup.num_inputs", "altup_num_inputs", 4);
  keys.copy_count("altup.active_idx", "altup_active_idx", 0);
  keys.copy_count("embedding_length_per_layer_input", "hidden_size_per_layer_input", 256);
  keys.copy_count("attention.shared_kv_layers", "num_kv_shared_layers", 15);
  if (!config.truth_or("altup_correct_scale", true)) config.refuse_setting("altup_correct_scale", "false");
  std::vector<float> deviations;
  for (const double share : config.numbers("activation_sparsity_pattern")) {
    if (!(share < 1.0)) config.refuse_setting("activation_sparsity_pattern", str(share));
    deviations.push_back(share > 0.0 ? normal_quantile(share) : kAll);
  }
  if (!deviations.empty()) keys.numbers("activation_sparsity_scale", deviations);
}

void fill_tiny(format::Metadata& metadata) {
  metadata.set("gemma3n.block_count", uint32_t{4});
  metadata.set("gemma3n.attention.sliding_window", uint32_t{5});
  metadata.set_truths("gemma3n.attention.sliding_window_pattern", {true, false, false, true});
  metadata.set("gemma3n.attention.shared_kv_layers", uint32_t{2});
  metadata.set("gemma3n.altup.num_inputs", uint32_t{3});
  metadata.set("gemma3n.embedding_length_per_layer_input", uint32_t{32});
  metadata.set("gemma3n.laurel_rank", uint32_t{6});
  metadata.set("gemma3n.final_logit_softcapping", 6.0F);
  const std::vector<float> deviations{0.8F, kAll, kAll, kAll};
  metadata.set_array("gemma3n.activation_sparsity_scale", std::span<const float>(deviations));
}

}  // namespace

Architecture gemma3n() {
  std::vector<format::TensorRule> rules = with_head_norms(sandwich_rules({
      {"model.altup_projections.*.weight", "altup_proj.weight"},
      {"model.altup_unembed_projections.*.weight", "altup_unembd_proj.weight"},
      {"model.layers.*.altup.correct_output_scale", "blk.*.altup_correct_scale.weight"},
      {"model.layers.*.altup.correction_coefs.weight", "blk.*.altup_correct_coef.weight"},
      {"model.layers.*.altup.modality_router.weight", "blk.*.altup_router.weight"},
      {"model.layers.*.altup.prediction_coefs.weight", "blk.*.altup_predict_coef.weight"},
      {"model.layers.*.altup.router_norm.weight", "blk.*.altup_router_norm.weight"},
      {"model.layers.*.laurel.linear_left.weight", "blk.*.laurel_l.weight"},
      {"model.layers.*.laurel.linear_right.weight", "blk.*.laurel_r.weight"},
      {"model.layers.*.laurel.post_laurel_norm.weight", "blk.*.laurel_post_norm.weight"},
  }));
  return {"gemma3n",
          "gemma3n",
          read_config,
          declare_tensors,
          {embed, layer, shared_keys_attention, feed_forward, final_norm, decoder_head},
          {.classes = {"Gemma3nForCausalLM", "Gemma3nForConditionalGeneration"},
           .architecture = "gemma3n",
           .tensors = per_layer_rules(std::move(rules)),
           .prefixes = {"language_model."},
           .fill = fill,
           .is_tied = true,
           .ids = {.bos = 2, .eos = 1, .pad = 0}},
          fill_tiny,
          {"attn_k.weight", "attn_v.weight", "attn_k_norm.weight"}};  // of layers that read the keys of others
}

}  // namespace kinglet::models
