// The loss of a batch and its gradient with respect to every weight: the training path, run once, for checking it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/graph/graph.h"
#include "model/models/models.h"

namespace kinglet::engine {

/// Token ids and labels of the same lengths; labels[i] is what position i is scored on (shifted inside: position i - 1
/// predicts it), kUnscored where it is not. Of a classifier of texts each row has one label; of one of tokens each
/// token its own, not shifted.
struct LabelledBatch {
  static constexpr int32_t kUnscored = -100;
  std::vector<std::vector<int32_t>> ids;
  std::vector<std::vector<int32_t>> labels;
  std::vector<std::vector<int32_t>> types = {};  ///< Of tokens, or none (all 0).
};

template <class Real>
struct Gradients {
  Real loss;                                         ///< Mean over scored tokens, nats.
  std::map<std::string, std::vector<Real>> by_name;  ///< Row-major as the weight lies in its file.
};

/// Throws Error{kInvalidArgument} for a batch without scored tokens, rows that differ in length or ids outside of the
/// vocabulary, or for a model with several adapters. With one the gradients are those of its tensors (NAME.lora_a,
/// NAME.lora_b, NAME.lora_magnitude) alone. Real = double checks the mathematics; float is what training runs.
template <class Real>
Gradients<Real> gradients(const models::Model& model, const LabelledBatch& batch, const kernels::KernelTable& table,
                          ThreadPool& pool);

}  // namespace kinglet::engine
