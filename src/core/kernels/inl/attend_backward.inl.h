// Backward of attention for one row: probabilities come back from lse, no matrix of them is kept (Dao et al.,
// arXiv 2205.14135, appendix B). P = e^(s - lse); dv += P d_out; dP = d_out . v; dS = P (dP - d_out . out), times the
// slope of the cap and the scale; dq += dS k; dk += dS q. A chunk of keys is read for all heads that share it.
#pragma once

#include "core/kernels/inl/elementary.inl.h"
#include "core/kernels/inl/kv_read.inl.h"

namespace kinglet::kernels {
namespace {

constexpr size_t kBackwardHeads = 8;

// Up to kBackwardHeads heads against one chunk: their probabilities and score gradients, [head][32] each.
template <class Real>
struct BackwardHeads {
  size_t n;
  const Real* q;      // [n, D]
  const Real* out;    // [n, D]
  const Real* d_out;  // [n, D]
  const Real* lse;    // [n]
  Real* dq;           // [n, D]
  Real* probabilities;
  Real* slopes;
};

// Keys are `count` rows from k and v on. Lanes behind `count` hold nothing of meaning.
template <class V>
void backward_weights(const AttendSpec<typename V::Real>& spec, const BackwardHeads<typename V::Real>& heads,
                      const PlainKeys<typename V::Real>& keys, size_t count) noexcept {
  using Real = typename V::Real;
  const size_t D = spec.head_dim;
  for (size_t g = 0; g < heads.n; ++g) {
    Real* p = heads.probabilities + g * kChunk;
    Real* ds = heads.slopes + g * kChunk;
    const Real* d_out = heads.d_out + g * D;
    const V delta = V::set(dot<V>(d_out, heads.out + g * D, D));
    for (size_t i = 0; i < count; ++i) {
      p[i] = dot<V>(heads.q + g * D, keys.k + i * keys.stride, D);
      ds[i] = dot<V>(d_out, keys.v + i * keys.stride, D);
    }
    for (size_t at = 0; at < count; at += 16) {
      const size_t m = count - at < 16 ? count - at : 16;
      V score = V::load_n(p + at, m) * V::set(spec.scale);
      V factor = V::set(spec.scale);
      if (spec.softcap > 0) {
        const V cap = V::set(spec.softcap);
        const V t = tanh(score / cap);
        score = cap * t;
        factor = factor * (V::set(1) - t * t);
      }
      const V probability = exp(score - V::set(heads.lse[g]));
      (probability * (V::load_n(ds + at, m) - delta) * factor).store_n(ds + at, m);
      probability.store_n(p + at, m);
    }
  }
}

// One vector of columns: dk and dv of every key for all heads in order, then dq of each head for all keys in order.
template <class V>
void backward_columns(const BackwardHeads<typename V::Real>& heads, const PlainKeys<typename V::Real>& keys,
                      size_t count, size_t D, size_t at, typename V::Real* dk, typename V::Real* dv) noexcept {
  using Real = typename V::Real;
  const size_t m = D - at < 16 ? D - at : 16;
  V q[kBackwardHeads];
  V d_out[kBackwardHeads];
  V dq[kBackwardHeads];
  for (size_t g = 0; g < heads.n; ++g) {
    q[g] = V::load_n(heads.q + g * D + at, m);
    d_out[g] = V::load_n(heads.d_out + g * D + at, m);
    dq[g] = V::load_n(heads.dq + g * D + at, m);
  }
  for (size_t i = 0; i < count; ++i) {
    Real* dk_at = dk + i * keys.stride + at;
    Real* dv_at = dv + i * keys.stride + at;
    const V key = V::load_n(keys.k + i * keys.stride + at, m);
    V dk_sum = V::load_n(dk_at, m);
    V dv_sum = V::load_n(dv_at, m);
    for (size_t g = 0; g < heads.n; ++g) {
      const V slope = V::set(heads.slopes[g * kChunk + i]);
      dq[g] = fma(slope, key, dq[g]);
      dk_sum = fma(slope, q[g], dk_sum);
      dv_sum = fma(V::set(heads.probabilities[g * kChunk + i]), d_out[g], dv_sum);
    }
    dk_sum.store_n(dk_at, m);
    dv_sum.store_n(dv_at, m);
  }
  for (size_t g = 0; g < heads.n; ++g) dq[g].store_n(heads.dq + g * D + at, m);
}

template <class V>
void attend_backward(const AttendSpec<typename V::Real>& spec, const PlainKeys<typename V::Real>& keys, size_t lo,
                     size_t hi, size_t n_group, const typename V::Real* q, const typename V::Real* out,
                     const typename V::Real* d_out, const typename V::Real* lse, typename V::Real* dq,
                     typename V::Real* dk, typename V::Real* dv, typename V::Real* scratch) noexcept {
  const size_t D = spec.head_dim;
  for (size_t g = 0; g < n_group; g += kBackwardHeads) {
    const size_t n = n_group - g < kBackwardHeads ? n_group - g : kBackwardHeads;
    const BackwardHeads<typename V::Real> heads{n,       q + g * D,  out + g * D, d_out + g * D,
                                                lse + g, dq + g * D, scratch,     scratch + kBackwardHeads * kChunk};
    for (size_t i = lo; i < hi; i += kChunk) {
      const size_t count = hi - i < kChunk ? hi - i : kChunk;
      const PlainKeys<typename V::Real> chunk{keys.k + i * keys.stride, keys.v + i * keys.stride, keys.stride};
      backward_weights<V>(spec, heads, chunk, count);
      for (size_t at = 0; at < D; at += 16) {
        backward_columns<V>(heads, chunk, count, D, at, dk + i * keys.stride, dv + i * keys.stride);
      }
    }
  }
}

}  // namespace
}  // namespace kinglet::kernels
