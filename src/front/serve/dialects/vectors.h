// Vectors of texts, as embedding endpoints of all dialects make them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "front/serve/model_use.h"

namespace kinglet::serve {

/// A text or its tokens.
struct VectorInput {
  std::string text = {};
  std::vector<int32_t> ids = {};  ///< In place of the text.
};

struct Vectors {
  std::vector<std::vector<float>> rows;
  size_t n_tokens = 0;
};

/// A vector of length one for each input. `dimensions` (0: all) keeps so many of its first numbers and makes it of
/// length one again. Throws ApiError for dimensions that the model has not, and as HostedModel::vectors.
Vectors vectors_of(chat::HostedModel& model, std::span<const VectorInput> inputs, bool truncates, int64_t dimensions,
                   bool normalizes = true);

}  // namespace kinglet::serve
