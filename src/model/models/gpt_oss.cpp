// gpt-oss: experts with biases and a clamped SwiGLU, attention sinks, windows on even layers, yarn whose ramp is not
// rounded to whole pairs. Source: OpenAI, gpt-oss model card (arXiv 2508.10925); transformers, GptOssConfig.
#include <array>
#include <cstring>

#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/decoder.h"
#include "model/models/experts.h"

namespace kinglet::models {
namespace {

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_decoder_config(read);
  read_windows(read, config, [](size_t i) { return i % 2 == 0; });
  read_experts(read, config);
  if (config.experts.n_used == 0) read.meta().refuse(read.key("expert_count"), "is missing");
  config.experts.by = ops::RouteBy::kSoftmaxOfChosen;
  // Files say nothing of it: the field's other programs know it of the family.
  config.ropes[0].truncate = read.truth_or("rope.scaling.yarn_truncate", false);
  return config;
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  declare_outer_tensors(c, t);
  for (size_t i = 0; i < c.n_layers; ++i) {
    const size_t E = c.layers[i].n_experts;
    t.of_layer(i, "attn_norm.weight", 1, c.hidden_dim);
    declare_attention_tensors(c, i, t);
    t.of_layer(i, "attn_sinks.weight", 1, c.layers[i].n_heads);
    t.of_layer(i, "post_attention_norm.weight", 1, c.hidden_dim);
    declare_feed_forward_tensors(c, i, t);
    if (E == 0) continue;
    t.of_layer(i, "ffn_gate_inp.bias", 1, E);
    t.of_layer_f32(i, "ffn_gate_exps.bias", E, c.experts.ffn_dim);
    t.of_layer_f32(i, "ffn_up_exps.bias", E, c.experts.ffn_dim);
    t.of_layer_f32(i, "ffn_down_exps.bias", E, c.hidden_dim);
  }
}

ir::Value layer(Context& c, const LayerWeights& w, ir::Value x_TD) {
  x_TD = add_branch(c, x_TD, c.blocks.attention(c, w, rms_norm(c, w, "attn_norm", x_TD)));
  return add_branch(c, x_TD, c.blocks.feed_forward(c, w, rms_norm(c, w, "post_attention_norm", x_TD)));
}

ir::Value attention(Context& c, const LayerWeights& w, ir::Value x_TD) {
  Heads heads = project_heads(c, w, x_TD);
  heads.q = turn(c, w, heads.q, c.layer(w).n_heads);
  heads.k = turn(c, w, heads.k, c.layer(w).n_kv_heads);
  return attend_heads(c, w, heads, w["attn_sinks.weight"]);
}

ir::Value clamped(ir::Builder& b, ir::Value gate, ir::Value up) { return ops::clamped_swiglu(b, gate, up, {}); }

ir::Value feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD) {
  if (c.layer(w).n_experts == 0) return decoder_feed_forward(c, w, x_TD);
  return run_experts(c, w, x_TD, route_rows(c, w, x_TD), clamped);
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  format::fill_decoder(keys, {.norm_eps = 1e-5, .context_len = 131072, .n_kv_heads = 8});
  std::vector<bool> is_even;
  for (uint64_t i = 0; i < config.count("num_hidden_layers"); ++i) is_even.push_back(i % 2 == 0);
  format::fill_windows(keys, format::layers_of_type(config, "sliding_attention"), is_even);
  keys.copy_count("expert_count", "num_local_experts");
  keys.copy_count("expert_used_count", config.has("num_experts_per_tok") ? "num_experts_per_tok" : "experts_per_token");
  keys.copy_count("expert_feed_forward_length", "intermediate_size");
  // Without the key a file of this family does not truncate; folders of others' making may.
  if (const format::HfRope rope = config.rope(); rope.type == "yarn" && rope.truncate)
    keys.truth("rope.scaling.yarn_truncate", true);
  if (config.number_or("swiglu_limit", 7.0) != 7.0) config.refuse_setting("swiglu_limit", "not 7");
  if (std::abs(config.number_or("swiglu_alpha", 1.702) - 1.702) > 1e-9)
    config.refuse_setting("swiglu_alpha", "not 1.702");
}

// gate_up_proj [E, D, 2 F] has gate in its even columns and up in its odd ones: one of them as [E, F, D].
format::MadeTensor half_of(std::string name, const format::SafetensorsEntry& entry, size_t parity) {
  const uint64_t E = entry.shape[0];
  const uint64_t D = entry.shape[1];
  const uint64_t F = entry.shape[2] / 2;
  return {std::move(name), {E, F, D}, entry.format, [&entry, E, D, F, parity](std::span<std::byte> out) {
            const size_t element = entry.format->block_bytes;
            const std::byte* from = entry.bytes.data();
            for (size_t e = 0; e < E; ++e) {
              for (size_t d = 0; d < D; ++d) {
                for (size_t f = 0; f < F; ++f) {
                  std::memcpy(out.data() + ((e * F + f) * D + d) * element,
                              from + ((e * D + d) * 2 * F + 2 * f + parity) * element, element);
                }
              }
            }
          }};
}

format::MadeTensor half_of_bias(std::string name, const format::SafetensorsEntry& entry, size_t parity) {
  const std::vector<float> both = format::HfTensors::values(entry);
  std::vector<float> half;
  for (size_t i = parity; i < both.size(); i += 2) half.push_back(both[i]);
  return format::made_of(std::move(name), {entry.shape[0], entry.shape[1] / 2}, std::move(half));
}

// Of bytes [E, rows, cols / 32, 16] and exponents [E, rows, cols / 32] of published checkpoints every step-th row, from
// `begin` on, as MXFP4. There a byte holds two elements that stand side by side, in a file two that are 16 apart.
format::MadeTensor packed_rows(std::string name, const format::HfTensors& tensors, const std::string& hf,
                               std::array<uint64_t, 3> shape, size_t begin, size_t step) {
  constexpr size_t kLen = 32;
  const auto [E, rows, cols] = shape;
  if (cols % kLen != 0)
    fail_with(ErrorCode::kInvalidFile, hf, "_blocks: rows of ", cols, " are no whole blocks of ", kLen);
  const auto& codes = tensors.require(hf + "_blocks", {E, rows, cols / kLen, kLen / 2});
  const auto& exponents = tensors.require(hf + "_scales", {E, rows, cols / kLen});
  return {std::move(name),
          {E, rows / step, cols},
          quant::find_by_name("MXFP4"),
          [&codes, &exponents, begin, step, n_rows = E * rows, n_blocks = cols / kLen](std::span<std::byte> out) {
            std::byte* to = out.data();
            for (size_t r = begin; r < n_rows; r += step) {
              for (size_t i = r * n_blocks; i < (r + 1) * n_blocks; ++i) {
                const std::byte* from = codes.bytes.data() + i * (kLen / 2);
                const auto code = [from](size_t e) {
                  return e % 2 == 0 ? from[e / 2] & std::byte{15} : from[e / 2] >> 4;
                };
                *to++ = exponents.bytes[i];
                for (size_t e = 0; e < kLen / 2; ++e) *to++ = code(e) | code(e + kLen / 2) << 4;
              }
            }
          }};
}

void make_weights(const format::HfTensors& tensors, const std::string& hf, const std::string& gguf,
                  std::array<uint64_t, 3> sizes, std::vector<format::MadeTensor>& made) {
  const auto [E, D, F] = sizes;
  if (tensors.find(hf + "gate_up_proj_blocks") != nullptr) {
    made.push_back(packed_rows(gguf + "ffn_gate_exps.weight", tensors, hf + "gate_up_proj", {E, 2 * F, D}, 0, 2));
    made.push_back(packed_rows(gguf + "ffn_up_exps.weight", tensors, hf + "gate_up_proj", {E, 2 * F, D}, 1, 2));
  } else {
    const auto& both = tensors.require(hf + "gate_up_proj", {E, D, 2 * F});
    made.push_back(half_of(gguf + "ffn_gate_exps.weight", both, 0));
    made.push_back(half_of(gguf + "ffn_up_exps.weight", both, 1));
  }
  if (tensors.find(hf + "down_proj_blocks") != nullptr)
    made.push_back(packed_rows(gguf + "ffn_down_exps.weight", tensors, hf + "down_proj", {E, D, F}, 0, 1));
}

std::vector<format::MadeTensor> make(const format::HfConfig& config, const format::HfTensors& tensors) {
  const uint64_t E = config.count("num_local_experts");
  const uint64_t D = config.count("hidden_size");
  const uint64_t F = config.count("intermediate_size");
  std::vector<format::MadeTensor> made;
  for (uint64_t i = 0; i < config.count("num_hidden_layers"); ++i) {
    const std::string hf = str("model.layers.", i, ".mlp.experts.");
    const std::string gguf = str("blk.", i, ".");
    make_weights(tensors, hf, gguf, {E, D, F}, made);
    const auto& bias = tensors.require(hf + "gate_up_proj_bias", {E, 2 * F});
    made.push_back(half_of_bias(gguf + "ffn_gate_exps.bias", bias, 0));
    made.push_back(half_of_bias(gguf + "ffn_up_exps.bias", bias, 1));
    const auto& of_down = tensors.require(hf + "down_proj_bias", {E, D});
    made.push_back(format::made_of(gguf + "ffn_down_exps.bias", {E, D}, format::HfTensors::values(of_down)));
  }
  return made;
}

void fill_tiny(format::Metadata& metadata) {
  metadata.set("gpt-oss.expert_count", uint32_t{4});
  metadata.set("gpt-oss.expert_used_count", uint32_t{2});
  metadata.set("gpt-oss.expert_feed_forward_length", uint32_t{32});
  metadata.set("gpt-oss.attention.sliding_window", uint32_t{5});
}

}  // namespace

Architecture gpt_oss() {
  Blocks blocks = kDecoderBlocks;
  blocks.layer = layer;
  blocks.attention = attention;
  blocks.feed_forward = feed_forward;
  return {"gpt_oss",
          "gpt-oss",
          read_config,
          declare_tensors,
          blocks,
          {.classes = {"GptOssForCausalLM"},
           .architecture = "gpt-oss",
           .tensors = decoder_rules({
               {"model.layers.*.post_attention_layernorm.weight", "blk.*.post_attention_norm.weight"},
               {"model.layers.*.self_attn.sinks", "blk.*.attn_sinks.weight"},
               {"model.layers.*.mlp.router.weight", "blk.*.ffn_gate_inp.weight"},
               {"model.layers.*.mlp.router.bias", "blk.*.ffn_gate_inp.bias"},
               {"model.layers.*.mlp.experts.down_proj", "blk.*.ffn_down_exps.weight", format::Change::kTransposed},
               {"model.layers.*.mlp.experts.down_proj_bias", ""},
               {"model.layers.*.mlp.experts.gate_up_proj", ""},
               {"model.layers.*.mlp.experts.gate_up_proj_bias", ""},
               {"model.layers.*.mlp.experts.gate_up_proj_blocks", "", format::Change::kNone, true},
               {"model.layers.*.mlp.experts.gate_up_proj_scales", "", format::Change::kNone, true},
               {"model.layers.*.mlp.experts.down_proj_blocks", "", format::Change::kNone, true},
               {"model.layers.*.mlp.experts.down_proj_scales", "", format::Change::kNone, true},
           }),
           .fill = fill,
           .make = make,
           .quant_method = "mxfp4"},
          fill_tiny};
}

}  // namespace kinglet::models
