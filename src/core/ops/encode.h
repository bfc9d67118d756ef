// encode: activation rows in the form that quantized products read. Lowering adds it; gradients pass straight through.
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// How values of this element are encoded; kF32 for kReal.
quant::Activation activation_of(ir::Element element) noexcept;
/// The element of values that products of this format read.
ir::Element element_for(quant::Activation activation) noexcept;

/// Layout of a value's rows: plain or encoded.
size_t row_bytes(const ir::ValueType& type, size_t real_bytes) noexcept;

/// x [T, n D] -> encoded [T n, D]: n parts of a row as rows of their own. D is a multiple of the block (32 or 256).
ir::Value encode(ir::Builder& b, ir::Value x, ir::Element encoding, size_t n_parts = 1);

/// Encodes one row of f32 into row t of an encoded value.
void encode_row(const Run<float>& run, const float* x, ir::Value encoded, size_t t) noexcept;

/// Whether a node is an encode.
bool is_encode(const ir::Node& node) noexcept;

}  // namespace kinglet::ops
