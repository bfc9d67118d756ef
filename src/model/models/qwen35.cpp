// Qwen 3.5, dense: layers with a gated delta net (delta_net.h) between those of attention, whose heads are gated; norms
// around one. Sources: Qwen's model cards; Gated Delta Networks, Yang et al. arXiv 2412.06464; transformers,
// Qwen3_5ForCausalLM.
#include "model/models/qwen35.h"

#include <cmath>
#include <cstring>

#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/qwen3.h"

namespace kinglet::models {

DecoderConfig read_qwen35_config(const ConfigReader& read) {
  DecoderConfig config = read_decoder_config(read);
  // Layers that guess tokens beyond the next stand behind the others.
  const size_t n_guessing = read.count_or_zero("nextn_predict_layers", ConfigReader::kMaxLayers);
  if (n_guessing >= config.n_layers) read.meta().refuse(read.key("nextn_predict_layers"), "leaves no layers");
  config.n_layers -= n_guessing;
  auto own = std::make_shared<Qwen35>();
  own->guessing.assign(config.layers.end() - static_cast<std::ptrdiff_t>(n_guessing), config.layers.end());
  config.layers.resize(config.n_layers);
  own->width = read.count("ssm.conv_kernel", 64);
  own->heads.n_key_heads = read.count("ssm.group_count", 4096);
  own->heads.n_value_heads = read.count("ssm.time_step_rank", 4096);
  own->heads.key_dim = read.count("ssm.state_size", 4096);
  const size_t inner = read.count("ssm.inner_size");
  if (own->heads.n_value_heads % own->heads.n_key_heads != 0 || inner % own->heads.n_value_heads != 0) {
    read.meta().refuse(read.key("ssm.time_step_rank"), str("is ", own->heads.n_value_heads, ", expected a multiple of ",
                                                           own->heads.n_key_heads, " that divides ", inner));
  }
  own->heads.value_dim = inner / own->heads.n_value_heads;
  config.family = std::move(own);

  const std::vector<bool> listed = read.truths("attention.recurrent_layers", config.n_layers);
  const size_t interval = read.count_or("full_attention_interval", 4);
  for (size_t i = 0; i < config.n_layers; ++i) {
    config.layers[i].is_recurrent = listed.empty() ? (i + 1) % interval != 0 : listed[i];
  }
  return config;
}

void declare_qwen35_mixer(const DecoderConfig& c, size_t i, TensorTable& t) {
  const LayerConfig& layer = c.layers[i];
  const size_t D = c.hidden_dim;
  if (!layer.is_recurrent) {
    t.of_layer(i, "attn_q.weight", 2 * layer.n_heads * layer.head_dim, D);
    t.of_layer(i, "attn_k.weight", layer.n_kv_heads * layer.head_dim, D);
    t.of_layer(i, "attn_v.weight", layer.n_kv_heads * layer.head_dim, D);
    t.of_layer(i, "attn_output.weight", D, layer.n_heads * layer.head_dim);
    declare_head_norms(c, i, t);
    return;
  }
  const auto& own = c.of_family<Qwen35>();
  t.of_layer(i, "attn_qkv.weight", own.conv_cols(), D);
  t.of_layer(i, "attn_gate.weight", own.value_cols(), D);
  t.of_layer_f32(i, "ssm_conv1d.weight", own.conv_cols(), own.width);
  t.of_layer(i, "ssm_dt.bias", 1, own.heads.n_value_heads);
  t.of_layer(i, "ssm_a", 1, own.heads.n_value_heads);
  t.of_layer(i, "ssm_beta.weight", own.heads.n_value_heads, D);
  t.of_layer(i, "ssm_alpha.weight", own.heads.n_value_heads, D);
  t.of_layer(i, "ssm_norm.weight", 1, own.heads.value_dim);
  t.of_layer(i, "ssm_out.weight", D, own.value_cols());
}

void declare_guessing_layers(const DecoderConfig& c, TensorTable& t,
                             void (*declare)(const DecoderConfig&, size_t, TensorTable&)) {
  DecoderConfig all = c;
  const auto& guessing = c.of_family<Qwen35>().guessing;
  all.layers.insert(all.layers.end(), guessing.begin(), guessing.end());
  TensorTable unread;
  const size_t D = c.hidden_dim;
  for (size_t i = c.n_layers; i < all.layers.size(); ++i) {
    unread.of_layer(i, "attn_norm.weight", 1, D);
    declare_qwen35_mixer(all, i, unread);
    unread.of_layer(i, "post_attention_norm.weight", 1, D);
    declare(all, i, unread);
    unread.of_layer(i, "nextn.eh_proj.weight", D, 2 * D);
    for (const std::string_view norm : {"enorm", "hnorm", "shared_head_norm"}) {
      unread.of_layer(i, str("nextn.", norm, ".weight"), 1, D);
    }
    for (const std::string_view words : {"embed_tokens", "shared_head_head"}) {
      unread.of_layer(i, str("nextn.", words, ".weight"), c.vocab_size, D);
    }
  }
  t.add_unread(unread);
}

namespace {

// Each head of the projection holds a query and its gate.
ir::Value gated_attention(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const LayerConfig& layer = c.layer(w);
  const ir::Value queries_and_gates = ops::linear(c.b, x_TD, w["attn_q.weight"]);
  const auto half = [&](size_t begin) {
    return ops::take_columns(c.b, queries_and_gates, {layer.n_heads, 2 * layer.head_dim, begin, layer.head_dim});
  };
  const ir::Value gate = half(layer.head_dim);
  Heads heads{half(0), ops::linear(c.b, x_TD, w["attn_k.weight"]), ops::linear(c.b, x_TD, w["attn_v.weight"])};
  heads.q = turn(c, w, rms_norm(c, w, "attn_q_norm", heads.q), layer.n_heads);
  heads.k = turn(c, w, rms_norm(c, w, "attn_k_norm", heads.k), layer.n_kv_heads);
  const ir::Value seen = attended(c, w, heads);
  return ops::linear(c.b, ops::gated(c.b, kernels::Activate::kSigmoid, gate, seen), w["attn_output.weight"]);
}

ir::Value linear_attention(Context& c, const LayerWeights& w, ir::Value x_TD) {
  constexpr float kLengthEps = 1e-6F;  // fixed in all published models
  const auto& own = c.config.of_family<Qwen35>();
  const size_t K = own.heads.key_dim;
  const ir::Value mixed =
      ops::activation(c.b, kernels::Activate::kSilu,
                      ops::short_conv(c.b, ops::linear(c.b, x_TD, w["attn_qkv.weight"]), w["ssm_conv1d.weight"]));
  const auto part = [&](size_t begin, size_t n) {
    return ops::take_columns(c.b, mixed, {1, own.conv_cols(), begin, n});
  };
  // A root mean square of one is a length of sqrt K; queries are divided by that once more.
  const float root = std::sqrt(static_cast<float>(K));
  const auto of_length = [&](ir::Value x, float length) {
    return ops::scale(c.b, ops::rms_norm(c.b, x, K, kLengthEps / static_cast<float>(K)), length / root);
  };
  ops::DeltaInputs in;
  in.q = of_length(part(0, own.key_cols()), 1.0F / root);
  in.k = of_length(part(own.key_cols(), own.key_cols()), 1.0F);
  in.v = part(2 * own.key_cols(), own.value_cols());
  in.step = ops::linear(c.b, x_TD, w["ssm_alpha.weight"]);
  in.correction = ops::linear(c.b, x_TD, w["ssm_beta.weight"]);
  const ir::Value read = ops::delta_net(c.b, in, w["ssm_dt.bias"], w["ssm_a"], own.heads);
  const ir::Value gate = ops::linear(c.b, x_TD, w["attn_gate.weight"]);
  const ir::Value y = ops::gated(c.b, kernels::Activate::kSilu, gate, rms_norm(c, w, "ssm_norm", read));
  return ops::linear(c.b, y, w["ssm_out.weight"]);
}

}  // namespace

ir::Value qwen35_mixer(Context& c, const LayerWeights& w, ir::Value x_TD) {
  return c.layer(w).is_recurrent ? linear_attention(c, w, x_TD) : gated_attention(c, w, x_TD);
}

ir::Value qwen35_layer(Context& c, const LayerWeights& w, ir::Value x_TD) {
  x_TD = add_branch(c, x_TD, c.blocks.attention(c, w, rms_norm(c, w, "attn_norm", x_TD)));
  return add_branch(c, x_TD, c.blocks.feed_forward(c, w, rms_norm(c, w, "post_attention_norm", x_TD)));
}

void fill_qwen35(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  keys.copy_count("ssm.conv_kernel", "linear_conv_kernel_dim", 4);
  keys.copy_count("ssm.state_size", "linear_key_head_dim", 128);
  keys.copy_count("ssm.group_count", "linear_num_key_heads", 16);
  const uint64_t n_heads = config.count_or("linear_num_value_heads", 32);
  keys.count("ssm.time_step_rank", "linear_num_value_heads", n_heads);
  const uint64_t head_dim = config.count_or("linear_value_head_dim", 128);
  constexpr uint64_t kMost = 1 << 16;
  if (n_heads > kMost || head_dim > kMost) config.refuse_setting("linear_value_head_dim", str(head_dim));
  keys.count("ssm.inner_size", "linear_value_head_dim", head_dim * n_heads);
  const std::vector<bool> recurrent = format::layers_of_type(config, "linear_attention");
  if (!recurrent.empty()) keys.truths("attention.recurrent_layers", recurrent);
  keys.copy_count("full_attention_interval", "full_attention_interval", 4);
  // Positions of images have three parts, each of which turns some of the pairs; those of text are alike.
  const auto sections = config.rope().sections;
  keys.counts("rope.dimension_sections", sections.empty() ? std::vector<uint32_t>{11, 11, 10, 0} : sections);
}

namespace {

/// Value heads stand by their key heads in a folder: those of the first, of the second, ...; in a file the first of
/// each, then the second of each, ....
class ValueHeads {
 public:
  explicit ValueHeads(const format::HfConfig& config)
      : n_key_heads_(config.count_or("linear_num_key_heads", 16)),
        n_value_heads_(config.count_or("linear_num_value_heads", 32)),
        key_dim_(config.count_or("linear_key_head_dim", 128)),
        value_dim_(config.count_or("linear_value_head_dim", 128)) {
    constexpr uint64_t kMost = 1 << 16;
    const bool is_sane = n_key_heads_ > 0 && n_value_heads_ > 0 && n_value_heads_ % n_key_heads_ == 0;
    if (!is_sane || n_value_heads_ > kMost || key_dim_ > kMost || value_dim_ > kMost) {
      config.refuse_setting("linear_num_value_heads",
                            str(n_value_heads_, " of ", value_dim_, " for ", n_key_heads_, " of ", key_dim_));
    }
  }

  [[nodiscard]] uint64_t n() const noexcept { return n_value_heads_; }
  [[nodiscard]] uint64_t value_dim() const noexcept { return value_dim_; }
  [[nodiscard]] uint64_t key_rows() const noexcept { return 2 * n_key_heads_ * key_dim_; }
  [[nodiscard]] uint64_t value_rows() const noexcept { return n_value_heads_ * value_dim_; }

  /// Copies n_value_heads pieces of piece_bytes each into the file's order.
  void order(const std::byte* from, std::byte* to, size_t piece_bytes) const {
    const size_t n_of_key = n_value_heads_ / n_key_heads_;
    for (size_t i = 0; i < n_value_heads_; ++i) {
      const size_t source = i % n_key_heads_ * n_of_key + i / n_key_heads_;
      std::memcpy(to + i * piece_bytes, from + source * piece_bytes, piece_bytes);
    }
  }

 private:
  uint64_t n_key_heads_;
  uint64_t n_value_heads_;
  uint64_t key_dim_;
  uint64_t value_dim_;
};

/// A matrix whose last rows are those of value heads.
format::MadeTensor ordered_rows(std::string name, const format::SafetensorsEntry& entry, ValueHeads heads,
                                size_t rows_of_head) {
  const uint64_t n_rows = entry.shape[0];
  return {std::move(name), entry.shape, entry.format, [&entry, heads, rows_of_head, n_rows](std::span<std::byte> out) {
            const size_t row_bytes = out.size() / static_cast<size_t>(n_rows);
            const size_t before = out.size() - row_bytes * rows_of_head * static_cast<size_t>(heads.n());
            std::memcpy(out.data(), entry.bytes.data(), before);
            heads.order(entry.bytes.data() + before, out.data() + before, row_bytes * rows_of_head);
          }};
}

/// A matrix whose columns are those of value heads.
format::MadeTensor ordered_columns(std::string name, const format::SafetensorsEntry& entry, ValueHeads heads) {
  return {std::move(name), entry.shape, entry.format, [&entry, heads](std::span<std::byte> out) {
            const size_t row_bytes = out.size() / static_cast<size_t>(entry.shape[0]);
            for (size_t at = 0; at < out.size(); at += row_bytes) {
              heads.order(entry.bytes.data() + at, out.data() + at, row_bytes / static_cast<size_t>(heads.n()));
            }
          }};
}

format::MadeTensor ordered_vector(std::string name, const std::vector<float>& values, ValueHeads heads) {
  std::vector<float> ordered(values.size());
  heads.order(reinterpret_cast<const std::byte*>(values.data()), reinterpret_cast<std::byte*>(ordered.data()),
              sizeof(float));
  return format::made_of(std::move(name), {values.size()}, std::move(ordered));
}

}  // namespace

std::vector<format::MadeTensor> make_qwen35(const format::HfConfig& config, const format::HfTensors& tensors) {
  std::vector<format::MadeTensor> made = format::rope_tensors(config, tensors);
  const ValueHeads heads(config);
  const uint64_t D = config.count("hidden_size");
  const uint64_t conv_rows = heads.key_rows() + heads.value_rows();
  for (uint64_t i = 0; i < config.count("num_hidden_layers"); ++i) {
    const auto hf = [&](std::string_view name) { return str("layers.", i, ".linear_attn.", name); };
    if (tensors.find(hf("in_proj_qkv.weight")) == nullptr) continue;
    const auto gguf = [&](std::string_view name) { return str("blk.", i, ".", name); };
    const auto values = [&](std::string_view name, std::vector<uint64_t> shape) {
      return format::HfTensors::values(tensors.require(hf(name), std::move(shape)));
    };
    const auto value_dim = static_cast<size_t>(heads.value_dim());
    made.push_back(ordered_rows(gguf("attn_qkv.weight"), tensors.require(hf("in_proj_qkv.weight"), {conv_rows, D}),
                                heads, value_dim));
    made.push_back(ordered_rows(gguf("attn_gate.weight"),
                                tensors.require(hf("in_proj_z.weight"), {heads.value_rows(), D}), heads, value_dim));
    made.push_back(
        ordered_rows(gguf("ssm_beta.weight"), tensors.require(hf("in_proj_b.weight"), {heads.n(), D}), heads, 1));
    made.push_back(
        ordered_rows(gguf("ssm_alpha.weight"), tensors.require(hf("in_proj_a.weight"), {heads.n(), D}), heads, 1));
    made.push_back(ordered_columns(gguf("ssm_out.weight"),
                                   tensors.require(hf("out_proj.weight"), {D, heads.value_rows()}), heads));
    made.push_back(ordered_vector(gguf("ssm_dt.bias"), values("dt_bias", {heads.n()}), heads));
    std::vector<float> rates = values("A_log", {heads.n()});
    for (float& rate : rates) rate = -std::exp(rate);
    made.push_back(ordered_vector(gguf("ssm_a"), rates, heads));
    const uint64_t width = config.count_or("linear_conv_kernel_dim", 4);
    const std::vector<float> kernels = values("conv1d.weight", {conv_rows, 1, width});
    std::vector<float> ordered = kernels;
    const size_t first = static_cast<size_t>(heads.key_rows() * width);
    heads.order(reinterpret_cast<const std::byte*>(kernels.data() + first),
                reinterpret_cast<std::byte*>(ordered.data() + first),
                value_dim * static_cast<size_t>(width) * sizeof(float));
    made.push_back(format::made_of(gguf("ssm_conv1d.weight"), {conv_rows, width}, std::move(ordered)));
  }
  return made;
}

std::vector<format::TensorRule> qwen35_rules(std::initializer_list<format::TensorRule> more) {
  using enum format::Change;
  std::vector<format::TensorRule> rules = {
      {"embed_tokens.weight", "token_embd.weight"},
      {"norm.weight", "output_norm.weight", kPlusOne},
      {"lm_head.weight", "output.weight"},
      {"layers.*.input_layernorm.weight", "blk.*.attn_norm.weight", kPlusOne},
      {"layers.*.post_attention_layernorm.weight", "blk.*.post_attention_norm.weight", kPlusOne},
      {"layers.*.self_attn.q_proj.weight", "blk.*.attn_q.weight"},
      {"layers.*.self_attn.k_proj.weight", "blk.*.attn_k.weight"},
      {"layers.*.self_attn.v_proj.weight", "blk.*.attn_v.weight"},
      {"layers.*.self_attn.o_proj.weight", "blk.*.attn_output.weight"},
      {"layers.*.self_attn.q_norm.weight", "blk.*.attn_q_norm.weight", kPlusOne},
      {"layers.*.self_attn.k_norm.weight", "blk.*.attn_k_norm.weight", kPlusOne},
      {"layers.*.linear_attn.norm.weight", "blk.*.ssm_norm.weight"},
      {"layers.*.linear_attn.in_proj_qkv.weight", ""},
      {"layers.*.linear_attn.in_proj_z.weight", ""},
      {"layers.*.linear_attn.in_proj_a.weight", ""},
      {"layers.*.linear_attn.in_proj_b.weight", ""},
      {"layers.*.linear_attn.out_proj.weight", ""},
      {"layers.*.linear_attn.conv1d.weight", ""},
      {"layers.*.linear_attn.A_log", ""},
      {"layers.*.linear_attn.dt_bias", ""},
  };
  rules.insert(rules.end(), more.begin(), more.end());
  return rules;
}

void fill_tiny_qwen35(format::Metadata& metadata, std::string_view name) {
  const auto key = [&](std::string_view end) { return str(name, ".", end); };
  metadata.set_truths(key("attention.recurrent_layers"), {true, false, true, true});
  metadata.set(key("ssm.conv_kernel"), uint32_t{4});
  metadata.set(key("ssm.group_count"), uint32_t{2});
  metadata.set(key("ssm.time_step_rank"), uint32_t{4});
  metadata.set(key("ssm.state_size"), uint32_t{8});
  metadata.set(key("ssm.inner_size"), uint32_t{256});
  metadata.set(key("rope.dimension_count"), uint32_t{8});
}

namespace {

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  declare_outer_tensors(c, t);
  for (size_t i = 0; i < c.n_layers; ++i) {
    t.of_layer(i, "attn_norm.weight", 1, c.hidden_dim);
    declare_qwen35_mixer(c, i, t);
    t.of_layer(i, "post_attention_norm.weight", 1, c.hidden_dim);
    declare_gated_tensors(c, i, t);
  }
  declare_guessing_layers(c, t, declare_gated_tensors);
}

void fill(format::HfKeys& keys) {
  format::fill_decoder(keys, {.context_len = 32768});
  fill_qwen35(keys);
}

void fill_tiny(format::Metadata& metadata) { fill_tiny_qwen35(metadata, "qwen35"); }

}  // namespace

Architecture qwen35() {
  return {"qwen3_5",
          "qwen35",
          read_qwen35_config,
          declare_tensors,
          {decoder_embed, qwen35_layer, qwen35_mixer, decoder_feed_forward, decoder_norm, decoder_head},
          {.classes = {"Qwen3_5ForCausalLM", "Qwen3_5ForConditionalGeneration"},
           .architecture = "qwen35",
           .tensors = qwen35_rules({
               {"layers.*.mlp.gate_proj.weight", "blk.*.ffn_gate.weight"},
               {"layers.*.mlp.up_proj.weight", "blk.*.ffn_up.weight"},
               {"layers.*.mlp.down_proj.weight", "blk.*.ffn_down.weight"},
           }),
           .prefixes = {"model.language_model.", "model."},
           .other_parts = {"model.visual.", "mtp."},
           .fill = fill,
           .make = make_qwen35},
          fill_tiny};
}

}  // namespace kinglet::models
