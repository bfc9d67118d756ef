// Attention over chunks of 32 keys. A chunk's keys are brought to [D][32] and its values to [32][D] once; then rows and heads
// go through it in groups of up to four: scores for 32 keys are two vectors per row that take one fma per element of the
// head, and values are added key by key. Nothing of a row depends on the group that it is in.
#pragma once

#include "core/kernels/inl/elementary.inl.h"
#include "core/kernels/inl/rows.inl.h"
#include "core/kernels/real.h"
#include "core/quant/float16.h"
#include "core/quant/q4_0.h"
#include "core/quant/q8_0.h"

namespace kinglet::kernels {
namespace {

constexpr size_t kChunk = kPageTokens;
static_assert(kChunk == 32, "a chunk is two vectors");

// The 16-bit words of scales that follow the codes of a quantized head of keys: [D / 32][slots].
inline const uint16_t* key_scales(const std::byte* head, size_t code_bytes, size_t block) noexcept {
  return reinterpret_cast<const uint16_t*>(head + code_bytes) + block * kChunk;
}

// Keys of a page to f32 [D][32]; in place where they are that already.
template <class V>
const typename V::Real* load_keys(KvType type, const std::byte* head, size_t D, typename V::Real* room) noexcept {
  switch (type) {
    case KvType::kF32:
      return reinterpret_cast<const typename V::Real*>(head);
    case KvType::kF16: {
      const auto* halves = reinterpret_cast<const uint16_t*>(head);
      for (size_t i = 0; i < D * kChunk; i += 16) V::load_f16(halves + i).store(room + i);
      return room;
    }
    case KvType::kQ8_0: {
      const auto* codes = reinterpret_cast<const int8_t*>(head);
      for (size_t d = 0; d < D; ++d) {
        const uint16_t* scales = key_scales(head, D * kChunk, d / 32);
        for (size_t half = 0; half < kChunk; half += 16) {
          (V::load_i8(codes + d * kChunk + half) * V::load_f16(scales + half)).store(room + d * kChunk + half);
        }
      }
      return room;
    }
    case KvType::kQ4_0: {
      const auto* bytes = reinterpret_cast<const uint8_t*>(head);
      for (size_t d = 0; d < D; ++d) {
        const uint16_t* scales = key_scales(head, D / 2 * kChunk, d / 32);
        const uint8_t* line = bytes + (d / 32 * 16 + d % 16) * kChunk;
        const bool is_high = d % 32 >= 16;
        for (size_t half = 0; half < kChunk; half += 16) {
          int8_t codes[16];
          for (size_t i = 0; i < 16; ++i) {
            codes[i] = static_cast<int8_t>((is_high ? line[half + i] >> 4 : line[half + i] & 15) - 8);
          }
          (V::load_i8(codes) * V::load_f16(scales + half)).store(room + d * kChunk + half);
        }
      }
      return room;
    }
  }
  return room;
}

// Values of slots [from, to) of a page to f32 [32][D]; in place where they are that already.
template <class V>
const typename V::Real* load_values(KvType type, const std::byte* head, size_t D, size_t from, size_t to,
                                    typename V::Real* room) noexcept {
  using Real = typename V::Real;
  if (type == KvType::kF32) return reinterpret_cast<const Real*>(head);
  for (size_t slot = from; slot < to; ++slot) {
    const std::byte* value = head + slot * kv_bytes(type, D);
    Real* out = room + slot * D;
    if (type == KvType::kF16) {
      const auto* halves = reinterpret_cast<const uint16_t*>(value);
      size_t i = 0;
      for (; i + 16 <= D; i += 16) V::load_f16(halves + i).store(out + i);
      for (; i < D; ++i) out[i] = static_cast<Real>(quant::f16_to_f32(halves[i]));
    } else if (type == KvType::kQ8_0) {
      const auto* blocks = reinterpret_cast<const quant::BlockQ8_0*>(value);
      for (size_t b = 0; b < D / 32; ++b) {
        const V scale = V::set(static_cast<Real>(quant::f16_to_f32(blocks[b].d)));
        for (size_t i = 0; i < 32; i += 16) (V::load_i8(blocks[b].codes + i) * scale).store(out + b * 32 + i);
      }
    } else {
      const auto* blocks = reinterpret_cast<const quant::BlockQ4_0*>(value);
      for (size_t b = 0; b < D / 32; ++b) {
        const auto scale = static_cast<Real>(quant::f16_to_f32(blocks[b].d));
        for (size_t i = 0; i < 16; ++i) {
          out[b * 32 + i] = static_cast<Real>((blocks[b].codes[i] & 15) - 8) * scale;
          out[b * 32 + 16 + i] = static_cast<Real>((blocks[b].codes[i] >> 4) - 8) * scale;
        }
      }
    }
  }
  return room;
}

// One row and head on its way through the chunks.
template <class Real>
struct Path {
  const Real* q;
  Real* acc;  // [D]
  Real* top;  // running maximum
  Real* sum;  // running sum of exponentials
  size_t from;
  size_t to;  // the keys of this chunk that it sees
};

// Scores of n paths: s[p][32] = scale * q . k (capped).
template <class V, size_t n>
void chunk_scores(const AttendSpec<typename V::Real>& spec, const Path<typename V::Real>* paths,
                  const typename V::Real* keys, typename V::Real* scores) noexcept {
  V low[n];
  V high[n];
  for (size_t p = 0; p < n; ++p) low[p] = high[p] = V::zero();
  for (size_t d = 0; d < spec.head_dim; ++d) {
    const V k_low = V::load(keys + d * kChunk);
    const V k_high = V::load(keys + d * kChunk + 16);
    for (size_t p = 0; p < n; ++p) {
      const V q = V::set(paths[p].q[d]);
      low[p] = fma(q, k_low, low[p]);
      high[p] = fma(q, k_high, high[p]);
    }
  }
  const V factor = V::set(spec.scale);
  for (size_t p = 0; p < n; ++p) {
    low[p] = low[p] * factor;
    high[p] = high[p] * factor;
    if (spec.softcap > 0) {
      const V cap = V::set(spec.softcap);
      low[p] = cap * tanh(low[p] / cap);
      high[p] = cap * tanh(high[p] / cap);
    }
    low[p].store(scores + p * kChunk);
    high[p].store(scores + p * kChunk + 16);
  }
}

// acc[p][at .. at + 16 kWidth) += sum over keys of p[key] * v[key], key by key.
template <class V, size_t n, size_t kWidth>
void add_values(const Path<typename V::Real>* paths, const typename V::Real* weights, const typename V::Real* values,
                size_t D, size_t from, size_t to, size_t at) noexcept {
  V acc[n][kWidth];
  for (size_t p = 0; p < n; ++p) {
    for (size_t j = 0; j < kWidth; ++j) acc[p][j] = V::load(paths[p].acc + at + 16 * j);
  }
  for (size_t key = from; key < to; ++key) {
    V v[kWidth];
    for (size_t j = 0; j < kWidth; ++j) v[j] = V::load(values + key * D + at + 16 * j);
    for (size_t p = 0; p < n; ++p) {
      const V weight = V::set(weights[p * kChunk + key]);
      for (size_t j = 0; j < kWidth; ++j) acc[p][j] = fma(weight, v[j], acc[p][j]);
    }
  }
  for (size_t p = 0; p < n; ++p) {
    for (size_t j = 0; j < kWidth; ++j) acc[p][j].store(paths[p].acc + at + 16 * j);
  }
}

template <class V, size_t n>
void chunk_step(const AttendSpec<typename V::Real>& spec, const Path<typename V::Real>* paths, const typename V::Real* keys,
                const typename V::Real* values, typename V::Real* scores) noexcept {
  using Real = typename V::Real;
  const size_t D = spec.head_dim;
  chunk_scores<V, n>(spec, paths, keys, scores);
  size_t from = kChunk;
  size_t to = 0;
  for (size_t p = 0; p < n; ++p) {
    const Path<Real>& path = paths[p];
    Real* s = scores + p * kChunk;
    for (size_t i = 0; i < path.from; ++i) s[i] = -HUGE_VALF;
    for (size_t i = path.to; i < kChunk; ++i) s[i] = -HUGE_VALF;
    const V low = V::load(s);
    const V high = V::load(s + 16);
    const Real here = highest(max(low, high));
    const Real top = here > *path.top ? here : *path.top;
    const V shift = V::set(top);
    const V p_low = exp(low - shift);
    const V p_high = exp(high - shift);
    p_low.store(s);
    p_high.store(s + 16);
    // The factor for what was there before: its lanes are all alike.
    Real fading[16];
    exp(V::set(*path.top) - shift).store(fading);
    if (top != *path.top) {
      for (size_t d = 0; d < D; ++d) path.acc[d] *= fading[0];
    }
    *path.sum = *path.sum * fading[0] + sum(p_low + p_high);
    *path.top = top;
    from = path.from < from ? path.from : from;
    to = path.to > to ? path.to : to;
  }
  // Keys that a path does not see weigh 0 there; adding 0 times a finite value changes nothing.
  size_t at = 0;
  for (; at + 64 <= D; at += 64) add_values<V, n, 4>(paths, scores, values, D, from, to, at);
  for (; at + 16 <= D; at += 16) add_values<V, n, 1>(paths, scores, values, D, from, to, at);
  for (; at < D; ++at) {
    for (size_t p = 0; p < n; ++p) {
      for (size_t key = from; key < to; ++key) {
        paths[p].acc[at] = fma_of(scores[p * kChunk + key], values[key * D + at], paths[p].acc[at]);
      }
    }
  }
}

// The state of all rows and heads, and the walk over chunks. `keys_of(chunk)` and `values_of(chunk, from, to)` give a chunk.
template <class V, class Keys, class Values>
void attend_chunks(const AttendSpec<typename V::Real>& spec, const AttendRows<typename V::Real>& rows,
                   typename V::Real* state, const Keys& keys_of, const Values& values_of) noexcept {
  using Real = typename V::Real;
  const size_t D = spec.head_dim;
  const size_t G = rows.n_group;
  const size_t n_paths = rows.n_rows * G;
  Real* scores = state;                 // 4 x 32
  Real* tops = scores + 4 * kChunk;     // n_paths
  Real* sums = tops + n_paths;
  Real* accs = sums + n_paths;          // n_paths x D
  size_t first = SIZE_MAX;
  size_t last = 0;
  for (size_t i = 0; i < rows.n_rows; ++i) {
    first = rows.lo[i] < first ? rows.lo[i] : first;
    last = rows.hi[i] > last ? rows.hi[i] : last;
    for (size_t g = 0; g < G; ++g) {
      tops[i * G + g] = rows.sinks == nullptr ? -HUGE_VALF : rows.sinks[g];
      sums[i * G + g] = rows.sinks == nullptr ? Real{0} : Real{1};
    }
  }
  for (size_t i = 0; i < n_paths * D; ++i) accs[i] = 0;

  for (size_t chunk = first / kChunk; chunk * kChunk < last; ++chunk) {
    size_t from = kChunk;
    size_t to = 0;
    const auto in_chunk = [&](size_t key) { return key <= chunk * kChunk ? 0 : key - chunk * kChunk < kChunk ? key - chunk * kChunk : kChunk; };
    for (size_t i = 0; i < rows.n_rows; ++i) {
      const size_t a = in_chunk(rows.lo[i]);
      const size_t b = in_chunk(rows.hi[i]);
      if (a >= b) continue;
      from = a < from ? a : from;
      to = b > to ? b : to;
    }
    if (from >= to) continue;
    const Real* keys = keys_of(chunk, from, to);
    const Real* values = values_of(chunk, from, to);
    Path<Real> group[4];
    size_t n = 0;
    const auto flush = [&]() noexcept {
      switch (n) {
        case 1: chunk_step<V, 1>(spec, group, keys, values, scores); break;
        case 2: chunk_step<V, 2>(spec, group, keys, values, scores); break;
        case 3: chunk_step<V, 3>(spec, group, keys, values, scores); break;
        case 4: chunk_step<V, 4>(spec, group, keys, values, scores); break;
        default: break;
      }
      n = 0;
    };
    for (size_t i = 0; i < rows.n_rows; ++i) {
      const size_t a = in_chunk(rows.lo[i]);
      const size_t b = in_chunk(rows.hi[i]);
      if (a >= b) continue;
      for (size_t g = 0; g < G; ++g) {
        const size_t path = i * G + g;
        group[n++] = {rows.q + i * rows.q_stride + g * D, accs + path * D, tops + path, sums + path, a, b};
        if (n == 4) flush();
      }
    }
    flush();
  }
  for (size_t i = 0; i < rows.n_rows; ++i) {
    for (size_t g = 0; g < G; ++g) {
      const size_t path = i * G + g;
      Real* out = rows.out + i * rows.out_stride + g * D;
      for (size_t d = 0; d < D; ++d) out[d] = accs[path * D + d] / sums[path];
      if (rows.lse != nullptr) rows.lse[i * rows.lse_stride + g] = tops[path] + log_of(sums[path]);
    }
  }
}

template <class V>
void attend(const AttendSpec<typename V::Real>& spec, const KeyView& view, const AttendRows<typename V::Real>& rows,
            typename V::Real* scratch) noexcept {
  const size_t D = spec.head_dim;
  typename V::Real* key_room = scratch;
  typename V::Real* value_room = key_room + D * kChunk;
  attend_chunks<V>(
      spec, rows, value_room + kChunk * D,
      [&](size_t chunk, size_t, size_t) noexcept { return load_keys<V>(view.type, view.k_pages[chunk] + view.offset, D, key_room); },
      [&](size_t chunk, size_t from, size_t to) noexcept {
        return load_values<V>(view.type, view.v_pages[chunk] + view.offset, D, from, to, value_room);
      });
}

// Keys of rows [chunk * 32 + from, + to) turned to [D][32].
template <class Real>
const Real* turn_keys(const PlainKeys<Real>& keys, size_t chunk, size_t from, size_t to, size_t D, Real* room) noexcept {
  for (size_t slot = from; slot < to; ++slot) {
    const Real* key = keys.k + (chunk * kChunk + slot) * keys.stride;
    for (size_t d = 0; d < D; ++d) room[d * kChunk + slot] = key[d];
  }
  return room;
}

template <class V>
void attend_plain(const AttendSpec<typename V::Real>& spec, const PlainKeys<typename V::Real>& keys,
                  const AttendRows<typename V::Real>& rows, typename V::Real* scratch) noexcept {
  using Real = typename V::Real;
  const size_t D = spec.head_dim;
  Real* key_room = scratch;
  Real* value_room = key_room + D * kChunk;
  attend_chunks<V>(
      spec, rows, value_room + kChunk * D,
      [&](size_t chunk, size_t from, size_t to) noexcept {
        for (size_t i = 0; i < D * kChunk; ++i) key_room[i] = 0;
        return turn_keys(keys, chunk, from, to, D, key_room);
      },
      [&](size_t chunk, size_t from, size_t to) noexcept {
        for (size_t slot = from; slot < to; ++slot) {
          const Real* value = keys.v + (chunk * kChunk + slot) * keys.stride;
          for (size_t d = 0; d < D; ++d) value_room[slot * D + d] = value[d];
        }
        return static_cast<const Real*>(value_room);
      });
}

// P = e^(s - lse); dv += P d_out; dP = d_out . v; dS = P (dP - d_out . out) (times the cap's slope); dq += scale dS k;
// dk += scale dS q (Dao et al. arXiv 2205.14135, appendix B).
template <class V>
void attend_backward(const AttendSpec<typename V::Real>& spec, const PlainKeys<typename V::Real>& keys, size_t lo, size_t hi,
                     size_t n_group, const typename V::Real* q, const typename V::Real* out,
                     const typename V::Real* d_out, const typename V::Real* lse, typename V::Real* dq,
                     typename V::Real* dk, typename V::Real* dv, typename V::Real* /*scratch*/) noexcept {
  using Real = typename V::Real;
  const size_t D = spec.head_dim;
  for (size_t g = 0; g < n_group; ++g) {
    const Real* q_D = q + g * D;
    const Real* d_out_D = d_out + g * D;
    const Real delta = dot<V>(d_out_D, out + g * D, D);
    for (size_t i = lo; i < hi; ++i) {
      Real score = dot<V>(q_D, keys.k + i * keys.stride, D) * spec.scale;
      Real slope_of_cap = 1;
      if (spec.softcap > 0) {
        Real lanes[16];
        tanh(V::set(score / spec.softcap)).store(lanes);
        score = spec.softcap * lanes[0];
        slope_of_cap = 1 - lanes[0] * lanes[0];
      }
      Real lanes[16];
      exp(V::set(score - lse[g])).store(lanes);
      const Real p = lanes[0];
      const Real d_score = p * (dot<V>(d_out_D, keys.v + i * keys.stride, D) - delta) * slope_of_cap * spec.scale;
      axpy<V>(p, d_out_D, dv + i * keys.stride, D);
      axpy<V>(d_score, keys.k + i * keys.stride, dq + g * D, D);
      axpy<V>(d_score, q_D, dk + i * keys.stride, D);
    }
  }
}

// Codes of 32 elements from a scale, as Q8_0 and Q4_0 encode them.
template <class Real>
void store_key(KvType type, const Real* x, std::byte* head, size_t slot, size_t D) noexcept {
  switch (type) {
    case KvType::kF32:
      for (size_t d = 0; d < D; ++d) reinterpret_cast<Real*>(head)[d * kChunk + slot] = x[d];
      return;
    case KvType::kF16:
      for (size_t d = 0; d < D; ++d) {
        reinterpret_cast<uint16_t*>(head)[d * kChunk + slot] = quant::f32_to_f16(static_cast<float>(x[d]));
      }
      return;
    case KvType::kQ8_0:
      for (size_t b = 0; b < D / 32; ++b) {
        quant::BlockQ8_0 block;
        encode_q8_0(x + b * 32, block);
        for (size_t i = 0; i < 32; ++i) reinterpret_cast<int8_t*>(head)[(b * 32 + i) * kChunk + slot] = block.codes[i];
        reinterpret_cast<uint16_t*>(head + D * kChunk)[b * kChunk + slot] = block.d;
      }
      return;
    case KvType::kQ4_0:
      for (size_t b = 0; b < D / 32; ++b) {
        quant::BlockQ4_0 block;
        encode_q4_0(x + b * 32, block);
        for (size_t i = 0; i < 16; ++i) reinterpret_cast<uint8_t*>(head)[(b * 16 + i) * kChunk + slot] = block.codes[i];
        reinterpret_cast<uint16_t*>(head + D / 2 * kChunk)[b * kChunk + slot] = block.d;
      }
      return;
  }
}

template <class Real>
void store_value(KvType type, const Real* x, std::byte* head, size_t slot, size_t D) noexcept {
  std::byte* value = head + slot * (type == KvType::kF32 ? D * sizeof(Real) : kv_bytes(type, D));
  switch (type) {
    case KvType::kF32:
      for (size_t d = 0; d < D; ++d) reinterpret_cast<Real*>(value)[d] = x[d];
      return;
    case KvType::kF16:
      for (size_t d = 0; d < D; ++d) reinterpret_cast<uint16_t*>(value)[d] = quant::f32_to_f16(static_cast<float>(x[d]));
      return;
    case KvType::kQ8_0:
      for (size_t b = 0; b < D / 32; ++b) encode_q8_0(x + b * 32, reinterpret_cast<quant::BlockQ8_0*>(value)[b]);
      return;
    case KvType::kQ4_0:
      for (size_t b = 0; b < D / 32; ++b) encode_q4_0(x + b * 32, reinterpret_cast<quant::BlockQ4_0*>(value)[b]);
      return;
  }
}

}  // namespace
}  // namespace kinglet::kernels
