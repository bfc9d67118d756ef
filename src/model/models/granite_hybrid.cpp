// Granite 4, hybrid: state space layers (Mamba-2) with attention between them, the factors of Granite 3; experts beside
// a feed-forward that every token passes, or that alone. Sources: IBM's model cards; Dao and Gu, arXiv 2405.21060;
// transformers, GraniteMoeHybridForCausalLM.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/granite.h"

namespace kinglet::models {
namespace {

struct GraniteHybrid : FamilyConfig {
  ops::SsmHeads heads{};
  size_t width = 0;  // rows that a convolution sees, its own included

  [[nodiscard]] size_t inner_cols() const noexcept { return heads.n_heads * heads.head_dim; }
  [[nodiscard]] size_t conv_cols() const noexcept { return inner_cols() + 2 * heads.n_groups * heads.state_dim; }
};

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_granite_config(read);
  auto own = std::make_shared<GraniteHybrid>();
  own->width = read.count("ssm.conv_kernel", 64);
  own->heads.n_heads = read.count("ssm.time_step_rank", 65536);
  own->heads.n_groups = read.count("ssm.group_count", 65536);
  own->heads.state_dim = read.count("ssm.state_size", 65536);
  const size_t inner = read.count("ssm.inner_size");
  if (own->heads.n_heads % own->heads.n_groups != 0 || inner % own->heads.n_heads != 0) {
    read.meta().refuse(read.key("ssm.time_step_rank"), str("is ", own->heads.n_heads, ", expected a multiple of ",
                                                           own->heads.n_groups, " that divides ", inner));
  }
  own->heads.head_dim = inner / own->heads.n_heads;
  config.family = std::move(own);
  read_granite_experts(read, config);
  // Layers without heads for keys have a state; most files turn nothing.
  const std::vector<size_t> n_kv_heads = read.counts("attention.head_count_kv", config.n_layers, std::nullopt);
  const bool has_rope = read.truth_or("rope.scaling.finetuned", true);
  for (size_t i = 0; i < config.n_layers; ++i) {
    config.layers[i].is_recurrent = n_kv_heads[i] == 0;
    if (!has_rope) config.layers[i].rope = std::nullopt;
  }
  return config;
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  const auto& own = c.of_family<GraniteHybrid>();
  const size_t n_heads = own.heads.n_heads;
  declare_outer_tensors(c, t);
  for (size_t i = 0; i < c.n_layers; ++i) {
    t.of_layer(i, "attn_norm.weight", 1, c.hidden_dim);
    if (c.layers[i].is_recurrent) {
      t.of_layer(i, "ssm_in.weight", own.inner_cols() + own.conv_cols() + n_heads, c.hidden_dim);
      t.of_layer_f32(i, "ssm_conv1d.weight", own.conv_cols(), own.width);
      t.of_layer_optional(i, "ssm_conv1d.bias", 1, own.conv_cols());
      t.of_layer(i, "ssm_dt.bias", 1, n_heads);
      t.of_layer_flat(i, "ssm_a", n_heads, 1);
      t.of_layer_flat(i, "ssm_d", n_heads, 1);
      t.of_layer_flat(i, "ssm_norm.weight", own.heads.n_groups, own.inner_cols() / own.heads.n_groups);
      t.of_layer(i, "ssm_out.weight", c.hidden_dim, own.inner_cols());
    } else {
      declare_attention_tensors(c, i, t);
    }
    t.of_layer(i, "ffn_norm.weight", 1, c.hidden_dim);
    declare_feed_forward_tensors(c, i, t);
  }
}

// The gate comes before the norm, which is of each group.
ir::Value state_space(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const auto& own = c.config.of_family<GraniteHybrid>();
  const auto project = [&](size_t begin, size_t n) {
    return ops::linear(c.b, x_TD, c.b.part_of(w["ssm_in.weight"], begin, n));
  };
  const ir::Value gate = project(0, own.inner_cols());
  const ir::Value taken = project(own.inner_cols(), own.conv_cols());
  const ir::Value step = project(own.inner_cols() + own.conv_cols(), own.heads.n_heads);
  const ir::Value xbc = ops::activation(c.b, kernels::Activate::kSilu,
                                        ops::short_conv(c.b, taken, w["ssm_conv1d.weight"], w.find("ssm_conv1d.bias")));
  const ir::Value read = ops::ssm_scan(c.b, xbc, step, {w["ssm_dt.bias"], w["ssm_a"], w["ssm_d"]}, own.heads);
  const ir::Value gated = ops::gated(c.b, kernels::Activate::kSilu, gate, read);
  const ir::Value normed = ops::rms_norm(c.b, gated, own.inner_cols() / own.heads.n_groups, c.config.norm_eps);
  return ops::linear(c.b, ops::scale_by(c.b, normed, w["ssm_norm.weight"]), w["ssm_out.weight"]);
}

ir::Value attention_or_state_space(Context& c, const LayerWeights& w, ir::Value x_TD) {
  return c.layer(w).is_recurrent ? state_space(c, w, x_TD) : decoder_attention(c, w, x_TD);
}

/// Whether each layer is of attention, in either spelling.
std::vector<bool> attention_layers(const format::HfConfig& config) {
  std::vector<bool> older = format::layers_of_type(config, "attention");
  const std::vector<bool> newer = format::layers_of_type(config, "full_attention");
  for (size_t i = 0; i < older.size(); ++i) older[i] = older[i] || newer[i];
  if (older.empty()) config.refuse_setting("layer_types", "absent");
  return older;
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  if (config.truth_or("mamba_proj_bias", false)) config.refuse_setting("mamba_proj_bias", "true");
  format::fill_decoder(keys);
  format::keep_halves(keys);
  fill_granite_scales(keys);
  keys.copy_count("ssm.conv_kernel", "mamba_d_conv", 4);
  keys.copy_count("ssm.state_size", "mamba_d_state", 256);
  keys.copy_count("ssm.group_count", "mamba_n_groups", 1);
  keys.copy_count("ssm.time_step_rank", "mamba_n_heads", 128);
  constexpr uint64_t kMost = 1 << 20;
  keys.count("ssm.inner_size", "mamba_expand",
             std::min(config.count_or("mamba_expand", 2), kMost) * std::min(config.count("hidden_size"), kMost));
  keys.copy_count("expert_shared_feed_forward_length", "shared_intermediate_size", 1024);
  const uint64_t n_experts = config.count_or("num_local_experts", 0);
  if (n_experts > 0) {
    keys.count("expert_count", "num_local_experts", n_experts);
    keys.copy_count("expert_used_count", "num_experts_per_tok", 1);
  }
  const auto n_kv_heads = static_cast<uint32_t>(
      std::min<uint64_t>(config.count_or("num_key_value_heads", config.count("num_attention_heads")), UINT32_MAX));
  std::vector<uint32_t> of_layers;
  for (const bool has_attention : attention_layers(config)) of_layers.push_back(has_attention ? n_kv_heads : 0);
  keys.counts("attention.head_count_kv", of_layers);
  const bool has_rope = config.word_or("position_embedding_type", "nope") == "rope";
  keys.truth("rope.scaling.finetuned", has_rope);
  if (!has_rope) keys.count("context_length", "max_position_embeddings", 1 << 20);
}

// Vectors that files have as matrices, and what all Granites with experts have.
std::vector<format::MadeTensor> make(const format::HfConfig& config, const format::HfTensors& tensors) {
  std::vector<format::MadeTensor> made;
  const uint64_t D = config.count("hidden_size");
  const uint64_t F = config.count_or("shared_intermediate_size", 1024);
  const uint64_t n_experts = config.count_or("num_local_experts", 0);
  const uint64_t expert_width = config.count("intermediate_size");
  const uint64_t n_groups = std::max<uint64_t>(1, config.count_or("mamba_n_groups", 1));
  for (uint64_t i = 0; i < config.count("num_hidden_layers"); ++i) {
    make_granite_experts(i, {D, n_experts > 0 ? expert_width : 0, F, n_experts}, tensors, made);
    const auto hf = [&](std::string_view name) { return str("model.layers.", i, ".", name); };
    const auto gguf = [&](std::string_view name) { return str("blk.", i, ".", name); };
    if (tensors.find(hf("mamba.A_log")) == nullptr) continue;
    const auto values = [&](std::string_view name) { return format::HfTensors::values(tensors.require(hf(name))); };
    std::vector<float> rates = values("mamba.A_log");
    for (float& rate : rates) rate = -std::exp(rate);
    made.push_back(format::made_of(gguf("ssm_a"), {rates.size(), 1}, rates));
    const std::vector<float> through = values("mamba.D");
    made.push_back(format::made_of(gguf("ssm_d"), {through.size(), 1}, through));
    const std::vector<float> norm = values("mamba.norm.weight");
    if (norm.size() % n_groups != 0) config.refuse_setting("mamba_n_groups", str(n_groups));
    made.push_back(format::made_of(gguf("ssm_norm.weight"), {n_groups, norm.size() / n_groups}, norm));
  }
  return made;
}

void fill_tiny(format::Metadata& metadata) {
  metadata.set("granitehybrid.attention.scale", 0.1F);
  metadata.set("granitehybrid.embedding_scale", 3.0F);
  metadata.set("granitehybrid.residual_scale", 0.8F);
  metadata.set("granitehybrid.logit_scale", 3.0F);
  metadata.set("granitehybrid.ssm.conv_kernel", uint32_t{4});
  metadata.set("granitehybrid.ssm.group_count", uint32_t{2});
  metadata.set("granitehybrid.ssm.time_step_rank", uint32_t{4});
  metadata.set("granitehybrid.ssm.state_size", uint32_t{8});
  metadata.set("granitehybrid.ssm.inner_size", uint32_t{256});
  metadata.set("granitehybrid.rope.scaling.finetuned", false);
  metadata.set("granitehybrid.expert_count", uint32_t{4});
  metadata.set("granitehybrid.expert_used_count", uint32_t{2});
  metadata.set("granitehybrid.expert_shared_feed_forward_length", uint32_t{32});
  constexpr uint32_t kHeads[] = {0, 1, 0, 1};
  metadata.set_array("granitehybrid.attention.head_count_kv", std::span<const uint32_t>(kHeads));
}

}  // namespace

Architecture granite_hybrid() {
  Blocks blocks = kDecoderBlocks;
  blocks.attention = attention_or_state_space;
  std::vector<format::TensorRule> rules = granite_expert_rules({
      {"model.layers.*.mamba.in_proj.weight", "blk.*.ssm_in.weight"},
      {"model.layers.*.mamba.conv1d.weight", "blk.*.ssm_conv1d.weight"},
      {"model.layers.*.mamba.conv1d.bias", "blk.*.ssm_conv1d.bias"},
      {"model.layers.*.mamba.dt_bias", "blk.*.ssm_dt.bias"},
      {"model.layers.*.mamba.out_proj.weight", "blk.*.ssm_out.weight"},
      {"model.layers.*.mamba.A_log", ""},
      {"model.layers.*.mamba.D", ""},
      {"model.layers.*.mamba.norm.weight", ""},
  });
  return {"granitemoehybrid",
          "granitehybrid",
          read_config,
          declare_tensors,
          blocks,
          {.classes = {"GraniteMoeHybridForCausalLM"},
           .architecture = "granitehybrid",
           .tensors = std::move(rules),
           .fill = fill,
           .make = make,
           .ids = {.bos = 1, .eos = 2}},
          fill_tiny};
}

}  // namespace kinglet::models
