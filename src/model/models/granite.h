// What the generations of Granite share.
#pragma once

#include <initializer_list>
#include <vector>

#include "model/models/llama.h"

namespace kinglet::models {

/// Factors of embeddings, branches, scores and logits (which are divided).
DecoderConfig read_granite_config(const ConfigReader& read);
void fill_granite_scales(format::HfKeys& keys);

/// Experts that are chosen by a softmax over the chosen, and the one that every token passes.
void read_granite_experts(const ConfigReader& read, DecoderConfig& config);
/// Lengths of a layer's rows; 0 experts: the feed-forward of every token alone; 0 shared: no such feed-forward.
struct GraniteFeedForward {
  uint64_t hidden_dim;
  uint64_t expert_dim;
  uint64_t shared_dim;
  uint64_t n_experts;
};
/// Gate and up of a layer, which folders have one behind the other, apart.
void make_granite_experts(uint64_t layer_idx, GraniteFeedForward sizes, const format::HfTensors& tensors,
                          std::vector<format::MadeTensor>& made);
/// `more`, then the names of both kinds of experts and llama's.
std::vector<format::TensorRule> granite_expert_rules(std::initializer_list<format::TensorRule> more = {});

}  // namespace kinglet::models
