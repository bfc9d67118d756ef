#include "core/ops/encode.h"

namespace kinglet::ops {
namespace {

void run_encode(const Run<float>& run, size_t begin, size_t end) noexcept {
  for (size_t t = begin; t < end; ++t)
    encode_row(run, run.reals(run.node.inputs[0]) + t * run.cols(run.node.outputs[0]), run.node.outputs[0], t);
}

constexpr Op kEncode{{"encode"}, row_items, run_encode};

}  // namespace

quant::Activation activation_of(ir::Element element) noexcept {
  if (element == ir::Element::kQ8) return quant::Activation::kQ8;
  if (element == ir::Element::kQ8K) return quant::Activation::kQ8K;
  return quant::Activation::kF32;
}

ir::Element element_for(quant::Activation activation) noexcept {
  if (activation == quant::Activation::kQ8) return ir::Element::kQ8;
  if (activation == quant::Activation::kQ8K) return ir::Element::kQ8K;
  return ir::Element::kReal;
}

size_t row_bytes(const ir::ValueType& type, size_t real_bytes) noexcept {
  if (type.element == ir::Element::kI32) return type.cols * sizeof(int32_t);
  if (type.element == ir::Element::kReal) return type.cols * real_bytes;
  return quant::encoded_layout(activation_of(type.element), type.cols).row_bytes;
}

ir::Value encode(ir::Builder& b, ir::Value x, ir::Element encoding, size_t n_parts) {
  return b.add_one(kEncode, {{x}}, {b.type(x).rows.times(n_parts), b.type(x).cols / n_parts, encoding});
}

void encode_row(const Run<float>& run, const float* x, ir::Value encoded, size_t t) noexcept {
  const ir::ValueType& type = run.graph.type(encoded);
  const auto function = type.element == ir::Element::kQ8 ? run.table.encode_q8 : run.table.encode_q8k;
  function(x, type.cols, 1, type.cols, run.bytes(encoded) + t * row_bytes(type, sizeof(float)));
}

bool is_encode(const ir::Node& node) noexcept { return node.op == &kEncode; }

}  // namespace kinglet::ops
