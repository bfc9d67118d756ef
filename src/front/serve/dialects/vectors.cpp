#include "front/serve/dialects/vectors.h"

#include <cmath>

namespace kinglet::serve {

Vectors vectors_of(chat::HostedModel& model, std::span<const VectorInput> inputs, bool truncates, int64_t dimensions,
                   bool normalizes) {
  std::vector<engine::TypedTokens> texts;
  Vectors made;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string what = inputs.size() == 1 ? std::string("input") : str("input[", i, "]");
    texts.push_back({inputs[i].ids.empty() ? model.vector_ids(inputs[i].text, truncates, what) : inputs[i].ids});
    made.n_tokens += texts.back().ids.size();
  }
  if (texts.empty()) return made;
  chat::VectorOptions options;
  options.normalize = normalizes;
  made.rows.resize(texts.size());
  model.vectors(texts, options, [&](size_t i, std::span<const float> row) {
    if (dimensions > 0 && static_cast<uint64_t>(dimensions) > row.size()) {
      throw ApiError(400, str("dimensions: is ", dimensions, ", the model's vectors have ", row.size()), "dimensions");
    }
    const size_t n = dimensions > 0 ? static_cast<size_t>(dimensions) : row.size();
    std::vector<float>& into = made.rows[i];
    into.assign(row.begin(), row.begin() + static_cast<ptrdiff_t>(n));
    if (n == row.size() || !normalizes) return;
    double sum = 0;
    for (const float x : into) sum += static_cast<double>(x) * static_cast<double>(x);
    if (sum == 0) return;
    const double scale = 1 / std::sqrt(sum);
    for (float& x : into) x = static_cast<float>(static_cast<double>(x) * scale);
  });
  return made;
}

}  // namespace kinglet::serve
