// The importance matrix of a model: what each matrix of its layers reads, squared and summed over a text.
//
// As llama.cpp's tool defines it (tools/imatrix): the text is cut into windows of `context` tokens, each run on its own
// with the begin token first where there is one; of every matrix of a layer the squares of its input's columns are
// summed over all tokens.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "core/kernels/kernels.h"
#include "model/convert/importance.h"
#include "model/models/models.h"

namespace kinglet::eval {

struct ActivationOptions {
  size_t context_len = 512;
  std::optional<size_t> n_windows;  ///< Only so many of the first windows.
  std::optional<int32_t> begin;     ///< The begin token, where the model's rule adds one.
};

/// Calls `progress` (may be empty) with windows done and all of them. Throws Error{kInvalidArgument} for a text shorter
/// than one window.
convert::ImportanceMatrix activation_sums(const models::Model& model, std::span<const int32_t> ids,
                                          const ActivationOptions& options, const kernels::KernelTable& table,
                                          ThreadPool& pool, const std::function<void(size_t, size_t)>& progress = {});

}  // namespace kinglet::eval
