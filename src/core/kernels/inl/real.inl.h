// All kernels of RealKernels for a vector V, and the table of them.
#pragma once

#include "core/kernels/inl/attend.inl.h"
#include "core/kernels/inl/attend_backward.inl.h"
#include "core/kernels/inl/elementwise.inl.h"
#include "core/kernels/inl/kv_store.inl.h"
#include "core/kernels/inl/norm.inl.h"
#include "core/kernels/inl/outer.inl.h"

namespace kinglet::kernels {
namespace {

template <class V>
RealKernels<typename V::Real> real_kernels_of() noexcept {
  using Real = typename V::Real;
  RealKernels<Real> table;
  table.rms_norm = rms_norm<V>;
  table.rms_norm_backward = rms_norm_backward<V>;
  table.layer_norm = layer_norm<V>;
  table.layer_norm_backward = layer_norm_backward<V>;
  table.rope = rope<V>;
  table.softmax = softmax<V>;
  table.log_sum_exp = log_sum_exp<V>;
  table.activate = activate<V>;
  table.activate_backward = activate_backward<V>;
  table.gated = gated<V>;
  table.gated_backward = gated_backward<V>;
  table.add = add<V>;
  table.scale = scale<V>;
  table.axpy = axpy<V>;
  table.dot = dot<V>;
  table.softcap = softcap<V>;
  table.softcap_backward = softcap_backward<V>;
  table.store_key = store_key<V>;
  table.store_value = store_value<V>;
  table.attend = attend<V>;
  table.attend_plain = attend_plain<V>;
  table.attend_backward = attend_backward<V>;
  table.outer_accumulate = outer_accumulate<V>;
  return table;
}

}  // namespace
}  // namespace kinglet::kernels
