// Kernels over plain floating-point values: everything that is not a product with a weight format.
//
// The scalar ones are templates over float and double, so that gradients can be checked in double precision; wider tables
// replace entries of RealKernels<float>. Sums over an inner dimension use 16 interleaved partial sums and the tree
// s[j] += s[j + 8], + 4, + 2, + 1 in every table (for double as well), so tables agree to rounding of the elementary
// functions. "Accumulate" kernels add to their output.
//
// Legend: n elements of one row; D head_dim; G query heads that share one key-value head.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kinglet::kernels {

/// Which two elements of a head are turned together by a rotary embedding.
enum class RopePairs : uint8_t {
  kAdjacent,  ///< (0,1), (2,3), ... as llama files in GGUF have it.
  kHalves,    ///< (0,d/2), (1,d/2+1), ... as Hugging Face folders and NEOX have it.
};

enum class Activate : uint8_t { kSilu, kGelu, kGeluTanh, kRelu };

/// How keys and values are stored in a cache.
enum class KvType : uint8_t { kF32, kF16, kQ8_0, kQ4_0 };

/// Bytes of one head's key (or value) of D elements. D is a multiple of 32 for the quantized types.
constexpr size_t kv_bytes(KvType type, size_t head_dim) noexcept {
  switch (type) {
    case KvType::kF32:
      return head_dim * 4;
    case KvType::kF16:
      return head_dim * 2;
    case KvType::kQ8_0:
      return head_dim / 32 * 34;
    case KvType::kQ4_0:
      return head_dim / 32 * 18;
  }
  return 0;
}

/// Keys and values of one sequence, one layer and one key-value head, in pages of kPageTokens tokens. Key number i is at
/// k_pages[i / kPageTokens] + offset + (i % kPageTokens) * token_stride, i counted from the sequence's start.
/// A page before the first visible key may be null (a sliding window has freed it).
struct KeyView {
  const std::byte* const* k_pages;
  const std::byte* const* v_pages;
  size_t offset;        ///< Bytes from a page's start to this head's part of its first token.
  size_t token_stride;  ///< Bytes from a token to the next one in the page.
  KvType type;          ///< kF32 also for double: RealKernels<double> reads doubles there.
};

/// Tokens in a page of keys and values; also the chunk of keys in which attention sums, in key order from the sequence's
/// start, so that a row's result does not depend on what is computed beside it.
inline constexpr size_t kPageTokens = 32;

/// Settings of attention that are the same for all rows of a call.
template <class Real>
struct AttendSpec {
  size_t head_dim;
  Real scale;
  Real softcap;  ///< 0: none; else scores become softcap * tanh(score / softcap).
};

template <class Real>
struct RealKernels {
  /// y[i] = w[i] * x[i] / sqrt(mean(x^2) + eps). y may equal x.
  void (*rms_norm)(const Real* x, const Real* w, Real* y, size_t n, Real eps) noexcept;
  /// Accumulates dx[n] and dw[n] (dw may be null) from dy[n] and the forward inputs.
  void (*rms_norm_backward)(const Real* x, const Real* w, const Real* dy, Real* dx, Real* dw, size_t n, Real eps) noexcept;
  /// y[i] = w[i] * (x[i] - mean) / sqrt(var + eps) + b[i]; b may be null.
  void (*layer_norm)(const Real* x, const Real* w, const Real* b, Real* y, size_t n, Real eps) noexcept;
  /// Accumulates dx, dw and db (the last two may be null).
  void (*layer_norm_backward)(const Real* x, const Real* w, const Real* dy, Real* dx, Real* dw, Real* db, size_t n,
                              Real eps) noexcept;

  /// Turns the first n_rot elements of each of n_heads heads (head_dim apart) in place. cos_sin holds n_rot/2 pairs
  /// (cos, sin), one per frequency. `inverse` turns back: that is the backward of rope.
  void (*rope)(Real* x, size_t n_heads, size_t head_dim, size_t n_rot, const Real* cos_sin, RopePairs pairs,
               bool inverse) noexcept;

  /// y[i] = exp(x[i] - max) / sum; returns nothing else. y may equal x.
  void (*softmax)(const Real* x, Real* y, size_t n) noexcept;
  /// Log of the sum of exponentials of x, computed from the maximum.
  Real (*log_sum_exp)(const Real* x, size_t n) noexcept;

  /// y[i] = act(x[i]). y may equal x.
  void (*activate)(Activate kind, const Real* x, Real* y, size_t n) noexcept;
  /// dx[i] += dy[i] * act'(x[i]).
  void (*activate_backward)(Activate kind, const Real* x, const Real* dy, Real* dx, size_t n) noexcept;
  /// y[i] = act(gate[i]) * up[i]. y may equal either.
  void (*gated)(Activate kind, const Real* gate, const Real* up, Real* y, size_t n) noexcept;
  /// Accumulates dgate and dup.
  void (*gated_backward)(Activate kind, const Real* gate, const Real* up, const Real* dy, Real* dgate, Real* dup,
                         size_t n) noexcept;

  /// y[i] = a[i] + b[i]. y may equal either.
  void (*add)(const Real* a, const Real* b, Real* y, size_t n) noexcept;
  /// y[i] = s * x[i]. y may equal x.
  void (*scale)(const Real* x, Real s, Real* y, size_t n) noexcept;
  /// y[i] += s * x[i], by fma.
  void (*axpy)(Real s, const Real* x, Real* y, size_t n) noexcept;
  /// Sum of a[i] * b[i] in the fixed order.
  Real (*dot)(const Real* a, const Real* b, size_t n) noexcept;
  /// y[i] = cap * tanh(x[i] / cap). y may equal x.
  void (*softcap)(const Real* x, Real cap, Real* y, size_t n) noexcept;
  /// dx[i] += dy[i] * (1 - (y[i] / cap)^2), y being the forward output.
  void (*softcap_backward)(const Real* y, Real cap, const Real* dy, Real* dx, size_t n) noexcept;

  /// Writes one head's vector of n elements in a KV type (RealKernels<double>: kF32 stores doubles).
  void (*store_kv)(KvType type, const Real* x, std::byte* out, size_t n) noexcept;

  /// Attention of G query heads of one row over keys [lo, hi), hi > lo, by online softmax, chunk by chunk.
  /// q and out: G heads, q_stride and out_stride elements apart. `sinks` (G logits that take part in the sum without
  /// a value) may be null. `lse` (G values: log of the sum of exponentials, for backward) may be null.
  /// scratch: attend_scratch(G, D) elements.
  void (*attend)(const AttendSpec<Real>& spec, const KeyView& keys, size_t lo, size_t hi, const Real* q, size_t q_stride,
                 size_t n_group, const Real* sinks, Real* out, size_t out_stride, Real* lse, Real* scratch) noexcept;

  /// Several rows at once: row i sees [lo[i], hi[i]). Rows are q_row_stride (out_row_stride) elements apart. The same
  /// bits as `attend` row by row; a block of keys is read once for all rows that see it.
  /// scratch: attend_scratch(G, D) * n_rows elements.
  void (*attend_rows)(const AttendSpec<Real>& spec, const KeyView& keys, const uint32_t* lo, const uint32_t* hi,
                      size_t n_rows, const Real* q, size_t q_row_stride, size_t q_stride, size_t n_group, const Real* sinks,
                      Real* out, size_t out_row_stride, size_t out_stride, Real* scratch) noexcept;

  /// Backward of attend over keys and values that lie as plain rows (training): k, v, dk, dv are at key i * kv_stride.
  /// p is recomputed from lse. Accumulates dq (G heads), dk and dv. scratch: attend_scratch(G, D) elements.
  void (*attend_backward)(const AttendSpec<Real>& spec, const Real* k, const Real* v, size_t kv_stride, size_t lo, size_t hi,
                          const Real* q, size_t q_stride, size_t n_group, const Real* out, const Real* d_out,
                          size_t out_stride, const Real* lse, Real* dq, Real* dk, Real* dv, Real* scratch) noexcept;

  /// dw[r, k] += sum over t of dy[t, r] * x[t, k], t in order, by fma: rows r < n_rows, k < cols.
  void (*outer_accumulate)(const Real* dy, size_t dy_stride, const Real* x, size_t x_stride, size_t n_tokens, Real* dw,
                           size_t n_rows, size_t cols) noexcept;
};

/// Elements of scratch that attention needs for one row of G query heads.
constexpr size_t attend_scratch(size_t n_group, size_t head_dim) noexcept {
  return n_group * (head_dim + kPageTokens + 2) + 2 * head_dim + 16;
}

/// The scalar definitions. In scalar/real.cpp.
template <class Real>
RealKernels<Real> scalar_real_kernels() noexcept;
extern template RealKernels<float> scalar_real_kernels<float>() noexcept;
extern template RealKernels<double> scalar_real_kernels<double>() noexcept;

}  // namespace kinglet::kernels
