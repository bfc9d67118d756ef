// DeepSeek-V2 and V3: multi-head latent attention, experts behind the first layers, an expert that every row passes.
// V3 chooses by sigmoids and a bias. Sources: DeepSeek-AI, arXiv 2405.04434 and arXiv 2412.19437.
//
// Keys and values of all heads are made of one latent row, so that row (normed, and the part of the key that turns
// beside it) is what a sequence keeps: one key-value head. Queries are brought into the latent space by attn_k_b, what
// attention gives is brought out of it by attn_v_b. Files of before April 2025 have both in one matrix (attn_kv_b,
// whose keys stand the other way round): there keys and values of every head are made and kept.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/decoder.h"
#include "model/models/experts.h"

namespace kinglet::models {
namespace {

// Lengths of a head's parts, and of the latent rows.
struct LatentConfig : FamilyConfig {
  size_t q_rank = 0;  ///< 0: queries are projected at once.
  size_t kv_rank = 0;
  size_t plain_dim = 0;  ///< Of a query or key, what does not turn.
  size_t rope_dim = 0;
  size_t value_dim = 0;
  bool is_latent_kept = true;  ///< Else the file has attn_kv_b.
};

const LatentConfig& latent_of(const DecoderConfig& config) { return config.of_family<LatentConfig>(); }

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_latent_decoder_config(read);
  auto latent = std::make_shared<LatentConfig>();
  latent->q_rank = read.count_or_zero("attention.q_lora_rank");
  latent->kv_rank = read.count("attention.kv_lora_rank");
  latent->rope_dim = config.ropes[0].n_rot;
  latent->is_latent_kept = read.has("attention.key_length_mla");
  const std::string_view of_key = latent->is_latent_kept ? "attention.key_length_mla" : "attention.key_length";
  const std::string_view of_value = latent->is_latent_kept ? "attention.value_length_mla" : "attention.value_length";
  const size_t key_dim = read.count(of_key);
  latent->value_dim = read.count(of_value);
  if (key_dim <= latent->rope_dim) {
    read.meta().refuse(read.key(of_key),
                       str("is ", key_dim, ", expected more than the ", latent->rope_dim, " elements that turn"));
  }
  if (!latent->is_latent_kept && latent->value_dim > key_dim)
    read.meta().refuse(read.key(of_value), str("is ", latent->value_dim, ", more than the ", key_dim, " of a key"));
  latent->plain_dim = key_dim - latent->rope_dim;
  for (LayerConfig& layer : config.layers) {
    layer.n_kv_heads = latent->is_latent_kept ? 1 : layer.n_heads;
    layer.head_dim = latent->is_latent_kept ? latent->kv_rank + latent->rope_dim : key_dim;
  }
  RopeConfig& rope = config.ropes[0];
  rope.pairs = kernels::RopePairs::kAdjacent;
  double magnitude = 1.0;
  if (rope.scaling == RopeScaling::kYarn) {
    // Scores grow as the model says; what multiplies cos and sin is 1 unless a file says another number.
    magnitude += read.number_or("rope.scaling.yarn_log_multiplier", 0.0) * std::log(std::max(rope.factor, 1.0));
    if (read.has("rope.scaling.yarn_log_multiplier")) rope.attention_factor /= format::yarn_magnitude(rope.factor);
  }
  config.attention_scale = static_cast<float>(magnitude * magnitude / std::sqrt(static_cast<double>(key_dim)));
  read_experts(read, config);
  config.experts.renormalize = read.truth_or("expert_weights_norm", false);
  config.experts.shared_ffn_dim = read.count_or_zero("expert_shared_count", 1024) * config.experts.ffn_dim;
  config.family = std::move(latent);
  return config;
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  const LatentConfig& latent = latent_of(c);
  declare_outer_tensors(c, t);
  for (size_t i = 0; i < c.n_layers; ++i) {
    const size_t H = c.layers[i].n_heads;
    const size_t q_rows = H * (latent.plain_dim + latent.rope_dim);
    t.of_layer(i, "attn_norm.weight", 1, c.hidden_dim);
    if (latent.q_rank > 0) {
      t.of_layer(i, "attn_q_a.weight", latent.q_rank, c.hidden_dim);
      t.of_layer(i, "attn_q_a_norm.weight", 1, latent.q_rank);
      t.of_layer(i, "attn_q_b.weight", q_rows, latent.q_rank);
    } else {
      t.of_layer(i, "attn_q.weight", q_rows, c.hidden_dim);
    }
    t.of_layer(i, "attn_kv_a_mqa.weight", latent.kv_rank + latent.rope_dim, c.hidden_dim);
    t.of_layer(i, "attn_kv_a_norm.weight", 1, latent.kv_rank);
    if (latent.is_latent_kept) {
      t.of_layer(i, "attn_k_b.weight", H * latent.kv_rank, latent.plain_dim);
      t.of_layer(i, "attn_v_b.weight", H * latent.value_dim, latent.kv_rank);
    } else {
      t.of_layer(i, "attn_kv_b.weight", H * (latent.plain_dim + latent.value_dim), latent.kv_rank);
    }
    t.of_layer(i, "attn_output.weight", c.hidden_dim, H * latent.value_dim);
    t.of_layer(i, "ffn_norm.weight", 1, c.hidden_dim);
    declare_feed_forward_tensors(c, i, t);
    // It moves by the load of experts while a model is trained, not by gradients.
    if (c.layers[i].n_experts > 0 && c.experts.by == ops::RouteBy::kSigmoid)
      t.add_constant(str("blk.", i, ".exp_probs_b.bias"), c.layers[i].n_experts);
  }
}

// Norms of latent rows have an eps of their own, which transformers' class has as a constant. Published models have the
// same number for all norms, which is why llama.cpp gets by with that of the settings.
ir::Value latent_norm(Context& c, const LayerWeights& w, std::string_view name, ir::Value x) {
  return ops::rms_norm(c.b, x, w[name], 1e-6F);
}

// Rows of latent keys and what turns beside them, kept as one head; heads of queries come into their space and what was
// seen out of it.
ir::Value attend_latent(Context& c, const LayerWeights& w, ir::Value q_plain, ir::Value q_rope, ir::Value kv,
                        ir::Value k_rope) {
  const LatentConfig& latent = latent_of(c.config);
  const size_t H = c.layer(w).n_heads;
  const size_t head_dim = c.layer(w).head_dim;
  const ir::Value q_latent = ops::head_linear(c.b, q_plain, w["attn_k_b.weight"], H);
  const ir::Value keys = ops::join_columns(c.b, {kv, k_rope}, 1);
  // Values are the latent part of the same rows: what comes of the part that turns is dropped.
  const ops::AttendSpec spec{.n_heads = H,
                             .n_kv_heads = 1,
                             .head_dim = head_dim,
                             .scale = c.config.attention_scale,
                             .visibility = {c.config.is_causal, c.layer(w).window}};
  const ir::Value seen = ops::attend(c.b, ops::join_columns(c.b, {q_latent, q_rope}, H), keys, keys, spec);
  const ir::Value of_heads = ops::take_columns(c.b, seen, {H, head_dim, 0, latent.kv_rank});
  return ops::head_linear(c.b, of_heads, w["attn_v_b.weight"], H);
}

// Keys and values of every head. Values are filled up to the length of keys, and what comes of that is dropped.
ir::Value attend_expanded(Context& c, const LayerWeights& w, ir::Value q_plain, ir::Value q_rope, ir::Value kv,
                          ir::Value k_rope) {
  const LatentConfig& latent = latent_of(c.config);
  const size_t H = c.layer(w).n_heads;
  const size_t head_dim = c.layer(w).head_dim;
  const size_t both_dim = latent.plain_dim + latent.value_dim;
  const ir::Value both = ops::linear(c.b, kv, w["attn_kv_b.weight"]);
  const ir::Value k_plain = ops::take_columns(c.b, both, {H, both_dim, 0, latent.plain_dim});
  const ir::Value k_rope_of_heads = ops::join_columns(c.b, std::vector<ir::Value>(H, k_rope), 1);
  const ir::Value keys = ops::join_columns(c.b, {k_plain, k_rope_of_heads}, H);
  ir::Value values = ops::take_columns(c.b, both, {H, both_dim, latent.plain_dim, latent.value_dim});
  if (const size_t missing = head_dim - latent.value_dim; missing > 0)
    values = ops::join_columns(c.b, {values, ops::take_columns(c.b, keys, {H, head_dim, 0, missing})}, H);
  const ops::AttendSpec spec{.n_heads = H,
                             .n_kv_heads = H,
                             .head_dim = head_dim,
                             .scale = c.config.attention_scale,
                             .visibility = {c.config.is_causal, c.layer(w).window}};
  const ir::Value seen = ops::attend(c.b, ops::join_columns(c.b, {q_plain, q_rope}, H), keys, values, spec);
  return ops::take_columns(c.b, seen, {H, head_dim, 0, latent.value_dim});
}

ir::Value attention(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const LatentConfig& latent = latent_of(c.config);
  const size_t H = c.layer(w).n_heads;
  const size_t key_dim = latent.plain_dim + latent.rope_dim;
  const auto turned = [&](ir::Value x, size_t n_heads) {
    return ops::rope(c.b, x, c.rope_tables[0], {n_heads, latent.rope_dim, c.config.ropes[0].pairs});
  };
  const ir::Value q =
      latent.q_rank > 0
          ? ops::linear(c.b, latent_norm(c, w, "attn_q_a_norm.weight", ops::linear(c.b, x_TD, w["attn_q_a.weight"])),
                        w["attn_q_b.weight"])
          : ops::linear(c.b, x_TD, w["attn_q.weight"]);
  const ir::Value q_plain = ops::take_columns(c.b, q, {H, key_dim, 0, latent.plain_dim});
  const ir::Value q_rope = turned(ops::take_columns(c.b, q, {H, key_dim, latent.plain_dim, latent.rope_dim}), H);
  const ir::WeightId kv_a = w["attn_kv_a_mqa.weight"];
  const ir::Value kv =
      latent_norm(c, w, "attn_kv_a_norm.weight", ops::linear(c.b, x_TD, c.b.part_of(kv_a, 0, latent.kv_rank)));
  const ir::Value k_rope = turned(ops::linear(c.b, x_TD, c.b.part_of(kv_a, latent.kv_rank, latent.rope_dim)), 1);
  const auto attend = latent.is_latent_kept ? attend_latent : attend_expanded;
  return ops::linear(c.b, attend(c, w, q_plain, q_rope, kv, k_rope), w["attn_output.weight"]);
}

// How experts are chosen: V2 says it, V3's class knows it.
void fill_choice(format::HfKeys& keys, bool is_v3) {
  constexpr std::string_view kMethods[] = {"greedy", "group_limited_greedy", "noaux_tc"};
  const format::HfConfig& config = keys.config();
  const std::string method = config.word_or("topk_method", is_v3 ? "noaux_tc" : "greedy");
  if (std::ranges::find(kMethods, method) == std::end(kMethods)) config.refuse_setting("topk_method", method, kMethods);
  const std::string by = config.word_or("scoring_func", is_v3 ? "sigmoid" : "softmax");
  if (by != "softmax" && by != "sigmoid") config.refuse_setting("scoring_func", by);
  // noaux_tc is with sigmoids and a bias, the others are without.
  if ((by == "sigmoid") != (method == "noaux_tc"))
    config.refuse_setting("scoring_func", str(by, " with topk_method ", method));
  if (is_v3 || config.has("scoring_func")) keys.count("expert_gating_func", "scoring_func", by == "sigmoid" ? 2 : 1);
  // Groups that say nothing are left out, for programs that would use them.
  if (method != "greedy" || config.count_or("n_group", 1) == 1) {
    const auto groups = [&](std::string_view key, std::string_view hf, uint64_t of_v3) {
      if (is_v3) {
        keys.copy_count(key, hf, of_v3);
      } else {
        keys.copy_count_if_set(key, hf);
      }
    };
    groups("expert_group_count", "n_group", 8);
    groups("expert_group_used_count", "topk_group", 4);
  }
  if (is_v3) {
    keys.number("expert_weights_scale", config.number_or("routed_scaling_factor", 2.5));
  } else {
    keys.copy_number_if_set("expert_weights_scale", "routed_scaling_factor");
  }
  if (config.truth_or("norm_topk_prob", is_v3)) keys.truth("expert_weights_norm", true);
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  const format::HfRope rope = config.rope();
  const uint64_t rope_dim = config.count("qk_rope_head_dim");
  const uint64_t kv_rank = config.count_or("kv_lora_rank", 512);
  const bool is_v3 = config.class_name() == "DeepseekV3ForCausalLM";
  if (config.truth_or("attention_bias", false)) config.refuse_setting("attention_bias", "true");
  if (!config.truth_or("rope_interleave", true)) config.refuse_setting("rope_interleave", "false");
  if (const uint64_t every = config.count_or("moe_layer_freq", 1); every != 1)
    config.refuse_setting("moe_layer_freq", str(every));
  format::fill_decoder(keys, {.has_rope = false});
  format::fill_rope(keys, rope);
  keys.count("rope.dimension_count", "qk_rope_head_dim", rope_dim);
  keys.count("attention.head_count_kv", "num_key_value_heads", 1);
  keys.count("attention.key_length", "kv_lora_rank", kv_rank + rope_dim);
  keys.count("attention.value_length", "kv_lora_rank", kv_rank);
  keys.count("attention.key_length_mla", "qk_nope_head_dim", config.count("qk_nope_head_dim") + rope_dim);
  keys.copy_count("attention.value_length_mla", "v_head_dim");
  keys.copy_count_if_set("attention.q_lora_rank", "q_lora_rank");
  keys.count("attention.kv_lora_rank", "kv_lora_rank", kv_rank);
  if (rope.mscale_all_dim) {
    // What cos and sin are multiplied by is 1 where both magnitudes are the same, which files do not say.
    const double factor = rope.attention_factor.value_or(1.0);
    keys.metadata().remove("deepseek2.rope.scaling.attn_factor");
    if (std::abs(factor - 1.0) > 1e-9) keys.number("rope.scaling.attn_factor", factor);
    keys.number("rope.scaling.yarn_log_multiplier", 0.1 * *rope.mscale_all_dim);
  }
  keys.copy_count("leading_dense_block_count", "first_k_dense_replace", is_v3 ? 3 : 0);
  keys.copy_count("expert_count", "n_routed_experts");
  keys.copy_count("expert_used_count", "num_experts_per_tok");
  keys.copy_count("expert_feed_forward_length", "moe_intermediate_size");
  keys.copy_count("expert_shared_count", "n_shared_experts", is_v3 ? 1 : 0);
  fill_choice(keys, is_v3);
}

// Of kv_b_proj [H (plain + value), rank] the rows of keys as [H, rank, plain], those of values as [H, value, rank].
std::vector<format::MadeTensor> make(const format::HfConfig& config, const format::HfTensors& tensors) {
  const uint64_t H = config.count("num_attention_heads");
  const uint64_t rank = config.count_or("kv_lora_rank", 512);
  const uint64_t plain = config.count("qk_nope_head_dim");
  const uint64_t value = config.count("v_head_dim");
  std::vector<format::MadeTensor> made;
  for (uint64_t i = 0; i < config.count("num_hidden_layers"); ++i) {
    const auto& both =
        tensors.require(str("model.layers.", i, ".self_attn.kv_b_proj.weight"), {H * (plain + value), rank});
    const size_t element = both.format->block_bytes;
    made.push_back(
        {str("blk.", i, ".attn_k_b.weight"), {H, rank, plain}, both.format, [=, &both](std::span<std::byte> out) {
           for (size_t h = 0; h < H; ++h) {
             for (size_t r = 0; r < rank; ++r) {
               for (size_t p = 0; p < plain; ++p) {
                 std::memcpy(out.data() + ((h * rank + r) * plain + p) * element,
                             both.bytes.data() + ((h * (plain + value) + p) * rank + r) * element, element);
               }
             }
           }
         }});
    made.push_back(
        {str("blk.", i, ".attn_v_b.weight"), {H, value, rank}, both.format, [=, &both](std::span<std::byte> out) {
           const size_t n = value * rank * element;
           for (size_t h = 0; h < H; ++h) {
             std::memcpy(out.data() + h * n, both.bytes.data() + (h * (plain + value) + plain) * rank * element, n);
           }
         }});
  }
  return made;
}

void fill_tiny(format::Metadata& metadata) {
  const auto count = [&](std::string_view key, uint32_t n) { metadata.set(str("deepseek2.", key), n); };
  count("attention.kv_lora_rank", 32);
  count("attention.key_length", 64);
  count("attention.value_length", 32);
  count("attention.key_length_mla", 64);
  count("attention.value_length_mla", 32);
  count("attention.q_lora_rank", 32);
  count("rope.dimension_count", 32);
  count("leading_dense_block_count", 0);
  count("expert_count", 4);
  count("expert_used_count", 2);
  count("expert_feed_forward_length", 32);
  count("expert_shared_count", 1);
  count("expert_gating_func", 2);
  count("expert_group_count", 2);
  count("expert_group_used_count", 1);
  metadata.set("deepseek2.expert_weights_norm", true);
  metadata.set("deepseek2.expert_weights_scale", 2.5F);
}

}  // namespace

Architecture deepseek_v2() {
  Blocks blocks = kDecoderBlocks;
  blocks.attention = attention;
  return {"deepseek_v2",
          "deepseek2",
          read_config,
          declare_tensors,
          blocks,
          {.classes = {"DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM"},
           .architecture = "deepseek2",
           .tensors = decoder_rules({
               {"model.layers.*.self_attn.q_a_proj.weight", "blk.*.attn_q_a.weight"},
               {"model.layers.*.self_attn.q_a_layernorm.weight", "blk.*.attn_q_a_norm.weight"},
               {"model.layers.*.self_attn.q_b_proj.weight", "blk.*.attn_q_b.weight"},
               {"model.layers.*.self_attn.kv_a_proj_with_mqa.weight", "blk.*.attn_kv_a_mqa.weight"},
               {"model.layers.*.self_attn.kv_a_layernorm.weight", "blk.*.attn_kv_a_norm.weight"},
               {"model.layers.*.self_attn.kv_b_proj.weight", ""},
               {"model.layers.*.mlp.gate.weight", "blk.*.ffn_gate_inp.weight"},
               {"model.layers.*.mlp.gate.e_score_correction_bias", "blk.*.exp_probs_b.bias"},
               {"model.layers.*.mlp.experts.*.gate_proj.weight", "blk.*.ffn_gate_exps.weight"},
               {"model.layers.*.mlp.experts.*.up_proj.weight", "blk.*.ffn_up_exps.weight"},
               {"model.layers.*.mlp.experts.*.down_proj.weight", "blk.*.ffn_down_exps.weight"},
               {"model.layers.*.mlp.shared_experts.gate_proj.weight", "blk.*.ffn_gate_shexp.weight"},
               {"model.layers.*.mlp.shared_experts.up_proj.weight", "blk.*.ffn_up_shexp.weight"},
               {"model.layers.*.mlp.shared_experts.down_proj.weight", "blk.*.ffn_down_shexp.weight"},
           }),
           .fill = fill,
           .make = make},
          fill_tiny};
}

}  // namespace kinglet::models
