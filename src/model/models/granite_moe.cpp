// Granite 3 with experts, and what the hybrid one has of it: granite whose feed-forward is chosen experts, beside one
// that every token passes where the model has that. Source: IBM's model cards; transformers, GraniteMoeForCausalLM and
// GraniteMoeSharedForCausalLM.
#include <cstring>

#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/granite.h"

namespace kinglet::models {
namespace {

// Rows [begin, begin + n) of a matrix, or of each of several.
format::MadeTensor part_of_rows(std::string name, const format::SafetensorsEntry& entry, uint64_t begin, uint64_t n) {
  std::vector<uint64_t> shape = entry.shape;
  const size_t rows = shape.size() - 2;
  const uint64_t n_matrices = shape.size() == 3 ? shape[0] : 1;
  shape[rows] = n;
  return {std::move(name), shape, entry.format, [&entry, begin, n, n_matrices, rows](std::span<std::byte> out) {
            const size_t part = out.size() / static_cast<size_t>(n_matrices);
            const size_t row_bytes = part / static_cast<size_t>(n);
            const size_t whole = static_cast<size_t>(entry.shape[rows]) * row_bytes;
            for (size_t i = 0; i < n_matrices; ++i) {
              std::memcpy(out.data() + i * part,
                          entry.bytes.data() + i * whole + static_cast<size_t>(begin) * row_bytes, part);
            }
          }};
}

}  // namespace

void read_granite_experts(const ConfigReader& read, DecoderConfig& config) {
  read_experts(read, config);
  config.experts.by = ops::RouteBy::kSoftmaxOfChosen;
  config.experts.renormalize = false;
}

void make_granite_experts(uint64_t layer_idx, GraniteFeedForward sizes, const format::HfTensors& tensors,
                          std::vector<format::MadeTensor>& made) {
  const auto [D, F_expert, F, n_experts] = sizes;
  const auto hf = [&](std::string_view name) { return str("model.layers.", layer_idx, ".", name); };
  const auto gguf = [&](std::string_view name) { return str("blk.", layer_idx, ".", name); };
  if (F > 0) {
    // The feed-forward of every token is called a shared expert where there are others.
    const std::string_view kind = n_experts > 0 ? "_shexp" : "";
    const auto& gate_and_up = tensors.require(hf("shared_mlp.input_linear.weight"), {2 * F, D});
    made.push_back(part_of_rows(gguf(str("ffn_gate", kind, ".weight")), gate_and_up, 0, F));
    made.push_back(part_of_rows(gguf(str("ffn_up", kind, ".weight")), gate_and_up, F, F));
    made.push_back(part_of_rows(gguf(str("ffn_down", kind, ".weight")),
                                tensors.require(hf("shared_mlp.output_linear.weight"), {D, F}), 0, D));
  }
  if (n_experts == 0) return;
  const auto& of_experts = tensors.require(hf("block_sparse_moe.input_linear.weight"), {n_experts, 2 * F_expert, D});
  made.push_back(part_of_rows(gguf("ffn_gate_exps.weight"), of_experts, 0, F_expert));
  made.push_back(part_of_rows(gguf("ffn_up_exps.weight"), of_experts, F_expert, F_expert));
}

std::vector<format::TensorRule> granite_expert_rules(std::initializer_list<format::TensorRule> more) {
  std::vector<format::TensorRule> rules = llama_rules({
      {"model.layers.*.shared_mlp.input_linear.weight", ""},
      {"model.layers.*.shared_mlp.output_linear.weight", ""},
      {"model.layers.*.block_sparse_moe.input_linear.weight", ""},
      {"model.layers.*.block_sparse_moe.output_linear.weight", "blk.*.ffn_down_exps.weight"},
      {"model.layers.*.block_sparse_moe.router.layer.weight", "blk.*.ffn_gate_inp.weight"},
  });
  rules.insert(rules.begin(), more.begin(), more.end());
  return rules;
}

namespace {

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_granite_config(read);
  read_granite_experts(read, config);
  if (config.experts.n_used == 0) read.meta().refuse(read.key("expert_count"), "is missing");
  return config;
}

void fill(format::HfKeys& keys) {
  format::fill_decoder(keys);
  format::keep_halves(keys);
  fill_granite_scales(keys);
  keys.copy_count("expert_count", "num_local_experts", 8);
  keys.copy_count("expert_used_count", "num_experts_per_tok", 2);
  const uint64_t shared = keys.config().count_or("shared_intermediate_size", 0);
  if (shared > 0) keys.count("expert_shared_feed_forward_length", "shared_intermediate_size", shared);
}

std::vector<format::MadeTensor> make(const format::HfConfig& config, const format::HfTensors& tensors) {
  std::vector<format::MadeTensor> made = format::rope_tensors(config, tensors);
  const GraniteFeedForward sizes{config.count("hidden_size"), config.count("intermediate_size"),
                                 config.count_or("shared_intermediate_size", 0),
                                 config.count_or("num_local_experts", 8)};
  for (uint64_t i = 0; i < config.count("num_hidden_layers"); ++i) make_granite_experts(i, sizes, tensors, made);
  return made;
}

void fill_tiny(format::Metadata& metadata) {
  metadata.set("granitemoe.attention.scale", 0.1F);
  metadata.set("granitemoe.embedding_scale", 3.0F);
  metadata.set("granitemoe.residual_scale", 0.8F);
  metadata.set("granitemoe.logit_scale", 3.0F);
  metadata.set("granitemoe.expert_count", uint32_t{5});
  metadata.set("granitemoe.expert_used_count", uint32_t{2});
  metadata.set("granitemoe.expert_shared_feed_forward_length", uint32_t{32});
}

}  // namespace

Architecture granite_moe() {
  return {"granitemoe",
          "granitemoe",
          read_config,
          declare_decoder_tensors,
          kDecoderBlocks,
          {.classes = {"GraniteMoeForCausalLM", "GraniteMoeSharedForCausalLM"},
           .architecture = "granitemoe",
           .tensors = granite_expert_rules(),
           .fill = fill,
           .make = make,
           .ids = {.bos = 1, .eos = 2}},
          fill_tiny};
}

}  // namespace kinglet::models
