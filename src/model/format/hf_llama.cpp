#include "model/format/hf_llama.h"

#include <array>
#include <cmath>
#include <numbers>

namespace kinglet::format {
namespace {

constexpr TensorRule kTensors[] = {
    {"model.embed_tokens.weight", "token_embd.weight"},
    {"model.norm.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight"},
    {"model.layers.*.input_layernorm.weight", "blk.*.attn_norm.weight"},
    {"model.layers.*.self_attn.q_proj.weight", "blk.*.attn_q.weight", RowOrder::kQueryHeads},
    {"model.layers.*.self_attn.k_proj.weight", "blk.*.attn_k.weight", RowOrder::kKeyHeads},
    {"model.layers.*.self_attn.v_proj.weight", "blk.*.attn_v.weight"},
    {"model.layers.*.self_attn.o_proj.weight", "blk.*.attn_output.weight"},
    {"model.layers.*.self_attn.q_proj.bias", "blk.*.attn_q.bias", RowOrder::kQueryHeads},
    {"model.layers.*.self_attn.k_proj.bias", "blk.*.attn_k.bias", RowOrder::kKeyHeads},
    {"model.layers.*.self_attn.v_proj.bias", "blk.*.attn_v.bias"},
    {"model.layers.*.self_attn.o_proj.bias", "blk.*.attn_output.bias"},
    {"model.layers.*.post_attention_layernorm.weight", "blk.*.ffn_norm.weight"},
    {"model.layers.*.mlp.gate_proj.weight", "blk.*.ffn_gate.weight"},
    {"model.layers.*.mlp.up_proj.weight", "blk.*.ffn_up.weight"},
    {"model.layers.*.mlp.down_proj.weight", "blk.*.ffn_down.weight"},
};

constexpr uint64_t kMaxHeadDim = 1 << 16;

// Older checkpoints keep the table of frequencies.
constexpr std::string_view kIgnored[] = {".rotary_emb.inv_freq"};

uint64_t head_dim_of(const HfConfig& config) {
  const uint64_t n_heads = config.count("num_attention_heads");
  if (n_heads == 0) fail_with(ErrorCode::kInvalidFile, config.name(), ": num_attention_heads: is 0");
  const uint64_t head_dim = config.count_or("head_dim", config.count("hidden_size") / n_heads);
  if (head_dim == 0 || head_dim > kMaxHeadDim) {
    fail_with(ErrorCode::kInvalidFile, config.name(), ": head_dim: is ", head_dim, ", expected 1 to ", kMaxHeadDim);
  }
  return head_dim;
}

uint32_t narrow(const HfConfig& config, std::string_view key, uint64_t count) {
  if (!std::in_range<uint32_t>(count))
    fail_with(ErrorCode::kInvalidFile, config.name(), ": ", key, ": ", count, " is out of range");
  return static_cast<uint32_t>(count);
}

void fill_rope(const HfConfig& config, Metadata& metadata) {
  const HfRope rope = config.rope();
  metadata.set("llama.rope.dimension_count", narrow(config, "head_dim", head_dim_of(config)));
  metadata.set("llama.rope.freq_base", static_cast<float>(rope.base));
  // Rows of q and k stay as the folder has them, which pairs each element with the one half a head further.
  metadata.set("llama.rope.pairs", "halves");
  if (rope.type == "default" || rope.type == "llama3") return;  // llama3 becomes rope_freqs.weight
  if (rope.type != "linear" && rope.type != "dynamic" && rope.type != "yarn")
    config.refuse_setting("rope_type", rope.type);
  metadata.set("llama.rope.scaling.type", rope.type);
  metadata.set("llama.rope.scaling.factor", static_cast<float>(rope.factor));
  if (rope.type != "yarn") return;
  if (!rope.truncate) config.refuse_setting("truncate", "false");
  if (rope.original_context_len) {
    metadata.set("llama.rope.scaling.original_context_length",
                 narrow(config, "original_max_position_embeddings", *rope.original_context_len));
  }
  if (rope.attention_factor) {
    // The folder says the whole magnitude, GGUF what multiplies the usual one.
    metadata.set("llama.rope.scaling.attn_factor",
                 static_cast<float>(*rope.attention_factor / yarn_magnitude(rope.factor)));
  }
  if (rope.beta_fast) metadata.set("llama.rope.scaling.yarn_beta_fast", static_cast<float>(*rope.beta_fast));
  if (rope.beta_slow) metadata.set("llama.rope.scaling.yarn_beta_slow", static_cast<float>(*rope.beta_slow));
}

// Defaults are those of transformers' LlamaConfig.
void fill(const HfConfig& config, Metadata& metadata) {
  if (const std::string act = config.word_or("hidden_act", "silu"); act != "silu")
    config.refuse_setting("hidden_act", act);
  if (config.truth_or("mlp_bias", false)) config.refuse_setting("mlp_bias", "true");
  const auto count = [&](std::string_view key, std::string_view hf_key, uint64_t value) {
    metadata.set(key, narrow(config, hf_key, value));
  };
  count("llama.vocab_size", "vocab_size", config.count("vocab_size"));
  count("llama.context_length", "max_position_embeddings", config.count_or("max_position_embeddings", 2048));
  count("llama.embedding_length", "hidden_size", config.count("hidden_size"));
  count("llama.block_count", "num_hidden_layers", config.count("num_hidden_layers"));
  count("llama.feed_forward_length", "intermediate_size", config.count("intermediate_size"));
  const uint64_t n_heads = config.count("num_attention_heads");
  count("llama.attention.head_count", "num_attention_heads", n_heads);
  count("llama.attention.head_count_kv", "num_key_value_heads", config.count_or("num_key_value_heads", n_heads));
  count("llama.attention.key_length", "head_dim", head_dim_of(config));
  count("llama.attention.value_length", "head_dim", head_dim_of(config));
  metadata.set("llama.attention.layer_norm_rms_epsilon", static_cast<float>(config.number_or("rms_norm_eps", 1e-6)));
  fill_rope(config, metadata);
  if (!config.has("bos_token_id")) metadata.set("tokenizer.ggml.bos_token_id", uint32_t{1});
  if (!config.has("eos_token_id")) metadata.set("tokenizer.ggml.eos_token_id", uint32_t{2});
}

std::vector<MadeTensor> make(const HfConfig& config) {
  const HfRope rope = config.rope();
  if (rope.type != "llama3") return {};
  if (!(rope.low_freq_factor > 0) || !(rope.high_freq_factor > rope.low_freq_factor)) {
    fail_with(ErrorCode::kInvalidFile, config.name(), ": high_freq_factor: is not over low_freq_factor");
  }
  const uint64_t original = rope.original_context_len.value_or(8192);
  return {{"rope_freqs.weight", llama3_rope_factors(rope, head_dim_of(config), original)}};
}

bool is_repeated(const HfConfig& config, std::string_view hf_name) {
  return hf_name == "lm_head.weight" && config.truth_or("tie_word_embeddings", false);
}

}  // namespace

HfFamily hf_llama() { return {"LlamaForCausalLM", "llama", kTensors, kIgnored, fill, make, is_repeated}; }

std::vector<float> llama3_rope_factors(const HfRope& rope, uint64_t head_dim, uint64_t original_context_len) {
  const auto original = static_cast<double>(original_context_len);
  const double longest = original / rope.low_freq_factor;
  const double shortest = original / rope.high_freq_factor;
  std::vector<float> factors;
  for (uint64_t i = 0; i < head_dim / 2; ++i) {
    const double frequency = std::pow(rope.base, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
    const double wavelength = 2.0 * std::numbers::pi / frequency;
    double factor = 1.0;
    if (wavelength > longest) {
      factor = rope.factor;
    } else if (wavelength >= shortest) {
      const double share =
          (original / wavelength - rope.low_freq_factor) / (rope.high_freq_factor - rope.low_freq_factor);
      factor = 1.0 / ((1.0 - share) / rope.factor + share);
    }
    factors.push_back(static_cast<float>(factor));
  }
  return factors;
}

}  // namespace kinglet::format
