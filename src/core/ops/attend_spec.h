// Attributes that the forms of attention share. Internal to core/ops.
#pragma once

#include "core/ops/attend.h"

namespace kinglet::ops {

struct Attend : ir::Attributes {
  explicit Attend(const AttendSpec& settings) : spec(settings) {}
  AttendSpec spec;
  KvPlace place;

  [[nodiscard]] size_t n_group() const noexcept { return spec.n_heads / spec.n_kv_heads; }
  template <class Real>
  [[nodiscard]] kernels::AttendSpec<Real> of_kernel() const noexcept {
    return {spec.head_dim, static_cast<Real>(spec.scale), static_cast<Real>(spec.softcap)};
  }
};

}  // namespace kinglet::ops
