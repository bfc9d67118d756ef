// route: which experts each row goes to, and how much each of them counts (Shazeer et al., arXiv 1701.06538).
#pragma once

#include <optional>

#include "core/ops/op.h"

namespace kinglet::ops {

/// How logits become weights.
enum class RouteBy : uint8_t {
  kSoftmax,          ///< Softmax over all experts.
  kSigmoid,          ///< Each expert by itself.
  kSoftmaxOfChosen,  ///< Softmax over the logits of the chosen.
};

struct RouteSpec {
  size_t n_used = 1;
  RouteBy by = RouteBy::kSoftmax;
  bool renormalize = false;  ///< Weights of the chosen are divided by their sum + sum_eps.
  float sum_eps = 0.0F;
  float scale = 1.0F;  ///< Of the weights at last.
  /// Experts stand in groups of one size, and are chosen from n_groups_used of them: those whose best n_best experts
  /// have the largest sum of probabilities (and biases). At most kMaxGroups.
  size_t n_groups = 1;
  size_t n_groups_used = 1;
  size_t n_best = 1;
  static constexpr size_t kMaxGroups = 64;
};

struct Routed {
  ir::Value ids;            ///< i32 [T, n_used]: the best first; of equal ones the lower number.
  ir::Value weights;        ///< [T, n_used].
  ir::Value probabilities;  ///< [T, E]: of all experts, for a loss that balances them.
};

/// logits [T, E] -> Routed. `bias` [E] is added to the probabilities for the choice alone.
Routed route(ir::Builder& b, ir::Value logits, const RouteSpec& spec, std::optional<ir::WeightId> bias = std::nullopt);

}  // namespace kinglet::ops
