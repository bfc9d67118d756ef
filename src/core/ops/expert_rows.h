// Rows by expert: each row once for each expert that it goes to, those of one expert side by side, and the way back.
#pragma once

#include <optional>

#include "core/ops/op.h"

namespace kinglet::ops {

/// Where rows go. A slot is a row of the batch and its place among that row's experts: slot = row * n_used + place.
struct ExpertRows {
  ir::Value slots;   ///< i32 [T n_used, 1]: the slot of each sorted row; those of an expert in the order of the batch.
  ir::Value places;  ///< i32 [T n_used, 1]: the sorted row of each slot.
  ir::Value starts;  ///< i32 [E + 1, 1]: the first sorted row of each expert, then their number.
  ir::Value active;  ///< i32 [E + 1, 1]: how many experts have rows, then which, in ascending order.
  ir::Rows n_rows;   ///< T.
  size_t n_experts;
  size_t n_used;
};

/// ids i32 [T, n_used] (ops::route) -> ExpertRows.
ExpertRows sort_by_expert(ir::Builder& b, ir::Value ids, size_t n_experts);

/// x [T, D], plain or encoded -> [T n_used, D], sorted, in the same form.
ir::Value spread_rows(ir::Builder& b, ir::Value x, const ExpertRows& rows);
/// Whether a node is one of spread_rows.
bool is_spread(const ir::Node& node) noexcept;
/// The same rows of another x: that from which lowering made an encoded one.
ir::Value spread_instead(ir::Builder& b, const ir::Node& spread, ir::Value x);

/// y [T n_used, D] sorted, weights [T, n_used] or none (all 1) -> [T, D]: the sum over a row's experts, in the order in
/// which `ids` has them.
ir::Value combine_rows(ir::Builder& b, ir::Value y, const ExpertRows& rows,
                       std::optional<ir::Value> weights = std::nullopt);

}  // namespace kinglet::ops
