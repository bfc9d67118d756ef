#include "core/ops/embed.h"

#include <type_traits>

namespace kinglet::ops {
namespace {

template <class Real>
void run_embed(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const quant::Weight& table = run.weight(0);
  const int32_t* ids = run.ints(run.node.inputs[0]);
  for (size_t t = begin; t < end; ++t) {
    const std::byte* blocks = table.row(static_cast<size_t>(ids[t]));
    Real* y_D = run.row(run.node.outputs[0], t);
    if constexpr (std::is_same_v<Real, float>) {
      table.format->decode(blocks, y_D, table.cols);
    } else {
      auto* decoded = run.template scratch_as<float>();
      table.format->decode(blocks, decoded, table.cols);
      for (size_t k = 0; k < table.cols; ++k) y_D[k] = static_cast<Real>(decoded[k]);
    }
  }
}

size_t embed_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  return real_bytes == sizeof(float) ? 0 : shape.graph.weight(shape.node.weights[0]).cols * sizeof(float);
}

// Tokens in order: a token that comes twice adds twice, always in the same order.
template <class Real>
void run_embed_backward(const Run<Real>& run, size_t /*begin*/, size_t /*end*/) noexcept {
  Real* gradient = run.weight_gradient(0);
  const size_t cols = run.weight(0).cols;
  const int32_t* ids = run.ints(run.node.inputs[0]);
  for (size_t t = 0; t < run.rows(run.node.inputs[1]); ++t) {
    run.real.axpy(Real{1}, run.row(run.node.inputs[1], t), gradient + static_cast<size_t>(ids[t]) * cols, cols);
  }
}

constexpr Op kEmbedBackward{{"embed_backward"}, one_item, run_embed_backward<float>, run_embed_backward<double>};

void backward(Backward& back) {
  if (!back.wants_weight(0) || !back.d_output().valid()) return;
  back.b.add(kEmbedBackward, {{back.node.inputs[0], back.d_output()}, back.node.weights}, {});
}

constexpr Op kEmbed{{"embed"}, row_items, run_embed<float>, run_embed<double>, embed_scratch, backward};

}  // namespace

ir::Value embed(ir::Builder& b, ir::Value ids, ir::WeightId table) {
  return b.add_one(kEmbed, {{ids}, {table}}, {b.type(ids).rows, b.weight(table).cols});
}

}  // namespace kinglet::ops
