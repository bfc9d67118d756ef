// Kernels over plain floating-point values: everything that is not a product with a weight format.
//
// They are written once, in inl/, for a vector of 16 elements; an instruction set gives that vector (vec.h). Sums over
// an inner dimension are 16 interleaved partial sums and the tree s[j] += s[j + 8], + 4, + 2, + 1, and the elementary
// functions are our own, so all tables give the same bits. The scalar vector exists for float and for double, so that
// gradients are checked in double precision. "Accumulate" kernels add to their output.
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

enum class Activate : uint8_t { kSilu, kGelu, kGeluTanh, kRelu, kTanh, kSigmoid };

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

/// Tokens in a page of keys and values; also the chunk of keys in which attention sums, in key order from the
/// sequence's start, so that a row's result does not depend on what is computed beside it.
inline constexpr size_t kPageTokens = 32;

/// Keys and values of one sequence, one layer and one key-value head in a cache. Key number i is in page i /
/// kPageTokens, slot i % kPageTokens, i counted from the sequence's start. The head's part of a page has kPageTokens
/// kv_bytes(type, D) bytes. Keys lie with slots side by side, so that a score for all slots needs no sum across lanes;
/// values lie slot by slot:
///   keys   kF32: Real[D][slots]; kF16: f16[D][slots]; kQ8_0: int8[D][slots], then f16 scales[D / 32][slots];
///          kQ4_0: bytes[D / 2][slots] (byte 16 b + i of block b: element 32 b + i low, 32 b + 16 + i high), then
///          scales
///   values kF32: Real[slots][D]; kF16: f16[slots][D]; kQ8_0, kQ4_0: the field's blocks, slot by slot
/// A page before the first visible key may be null (a sliding window has freed it).
struct KeyView {
  const std::byte* const* k_pages;
  const std::byte* const* v_pages;
  size_t offset;  ///< Bytes from a page's start to this head's part.
  KvType type;    ///< kF32 also for double: RealKernels<double> reads doubles there.
};

/// Keys and values of one sequence and head as plain rows: key i at k + i * stride.
template <class Real>
struct PlainKeys {
  const Real* k;
  const Real* v;
  size_t stride;
};

/// Settings of attention that are the same for all rows of a call.
template <class Real>
struct AttendSpec {
  size_t head_dim;
  Real scale;
  Real softcap;  ///< 0: none; else scores become softcap * tanh(score / softcap).
};

/// Rows that attend to the same keys. Each has G query heads side by side, D elements each.
template <class Real>
struct AttendRows {
  size_t n_rows;
  size_t n_group;      ///< G.
  const uint32_t* lo;  ///< Row i sees keys [lo[i], hi[i]), at least one.
  const uint32_t* hi;
  const Real* q;
  size_t q_stride;  ///< Elements from a row to the next.
  Real* out;
  size_t out_stride;
  const Real* sinks;  ///< G logits that take part in the sum without a value; or null.
  Real* lse;          ///< G values a row (log of the sum of exponentials, for backward); or null.
  size_t lse_stride;
};

template <class Real>
struct RealKernels {
  /// y[i] = w[i] * x[i] / sqrt(mean(x^2) + eps). y may equal x.
  void (*rms_norm)(const Real* x, const Real* w, Real* y, size_t n, Real eps) noexcept;
  /// Accumulates dx[n] and dw[n] (dw may be null) from dy[n] and the forward inputs.
  void (*rms_norm_backward)(const Real* x, const Real* w, const Real* dy, Real* dx, Real* dw, size_t n,
                            Real eps) noexcept;
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

  /// Writes one key (value) of head_dim elements into a slot of a head's part of a page, laid out as KeyView says.
  void (*store_key)(KvType type, const Real* x, std::byte* head, size_t slot, size_t head_dim) noexcept;
  void (*store_value)(KvType type, const Real* x, std::byte* head, size_t slot, size_t head_dim) noexcept;

  /// Attention by online softmax (Milakov and Gimelshein, arXiv 1805.02867), chunk by chunk of kPageTokens keys; a
  /// chunk is read once for all rows. A row's bits are the same whatever rows stand beside it. scratch:
  /// attend_scratch(n_rows, G, D) elements.
  void (*attend)(const AttendSpec<Real>& spec, const KeyView& keys, const AttendRows<Real>& rows,
                 Real* scratch) noexcept;
  /// The same over plain rows; the same bits as over a kF32 cache.
  void (*attend_plain)(const AttendSpec<Real>& spec, const PlainKeys<Real>& keys, const AttendRows<Real>& rows,
                       Real* scratch) noexcept;

  /// Backward of attend_plain for one row of G heads that sees [lo, hi): probabilities are recomputed from lse.
  /// Accumulates dq [G, D], and dk and dv at key i * stride. scratch: attend_scratch(1, G, D) elements.
  void (*attend_backward)(const AttendSpec<Real>& spec, const PlainKeys<Real>& keys, size_t lo, size_t hi,
                          size_t n_group, const Real* q, const Real* out, const Real* d_out, const Real* lse, Real* dq,
                          Real* dk, Real* dv, Real* scratch) noexcept;

  /// dw[r, k] += sum over t of dy[t, r] * x[t, k], t in order, by fma: rows r < n_rows, k < cols.
  void (*outer_accumulate)(const Real* dy, size_t dy_stride, const Real* x, size_t x_stride, size_t n_tokens, Real* dw,
                           size_t n_rows, size_t cols) noexcept;
};

/// Elements of scratch that attention needs: a chunk of keys and of values, and the state of each row and head.
constexpr size_t attend_scratch(size_t n_rows, size_t n_group, size_t head_dim) noexcept {
  return 2 * kPageTokens * (head_dim + 16) + n_rows * n_group * (head_dim + 16 + 2) + 8 * kPageTokens;
}

/// The scalar definitions. In scalar/real.cpp.
template <class Real>
RealKernels<Real> scalar_real_kernels() noexcept;
extern template RealKernels<float> scalar_real_kernels<float>() noexcept;
extern template RealKernels<double> scalar_real_kernels<double>() noexcept;

}  // namespace kinglet::kernels
