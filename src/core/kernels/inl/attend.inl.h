// Attention, chunk by chunk of 32 keys. A path is one row and head on its way through the chunks; paths go in groups of
// up to six through a chunk, so that keys and values are read from the nearest cache once for six: scores for 16 keys
// are one vector that takes one fma per element of the head, and values are added key by key. Keys that only some paths
// of a group see are added for these alone, so nothing of a row depends on the group that it is in.
#pragma once

#include "core/kernels/inl/elementary.inl.h"
#include "core/kernels/inl/kv_read.inl.h"

namespace kinglet::kernels {
namespace {

constexpr size_t kGroup = 6;

template <class Real>
struct Path {
  const Real* q;
  Real* acc;  // [padded(D)]
  Real* top;  // running maximum
  Real* sum;  // running sum of exponentials
  size_t from;
  size_t to;  // the slots of this chunk that it sees
};

// out[p][slots] = q . k in the order of d.
template <class V, size_t n, class Keys>
void dot_keys(const Path<typename V::Real>* paths, const Keys& keys, size_t D, typename V::Real* out) noexcept {
  constexpr size_t kWide = V::kScoreTile;
  for (size_t slot = 0; slot < kChunk; slot += 16 * kWide) {
    V acc[n][kWide];
    for (size_t p = 0; p < n; ++p) {
      for (size_t j = 0; j < kWide; ++j) acc[p][j] = V::zero();
    }
    for (size_t d = 0; d < D; ++d) {
      if (slot == 0) keys.ahead(d);
      V key[kWide];
      for (size_t j = 0; j < kWide; ++j) key[j] = keys.at(d, slot + 16 * j);
      for (size_t p = 0; p < n; ++p) {
        const V q = V::set(paths[p].q[d]);
        for (size_t j = 0; j < kWide; ++j) acc[p][j] = fma(q, key[j], acc[p][j]);
      }
    }
    for (size_t p = 0; p < n; ++p) {
      for (size_t j = 0; j < kWide; ++j) acc[p][j].store(out + p * kChunk + slot + 16 * j);
    }
  }
}

// acc[p][at .. at + 16 kWide) = fade[p] * that + sum over slots of weights[p][slot] * value[slot], slot by slot.
template <class V, size_t n, size_t kWide, class Values>
void add_columns(const Path<typename V::Real>* paths, const typename V::Real* weights, const typename V::Real* fade,
                 const Values& values, size_t from, size_t to, size_t at) noexcept {
  V acc[n][kWide];
  for (size_t p = 0; p < n; ++p) {
    const V factor = V::set(fade[p]);
    for (size_t j = 0; j < kWide; ++j) acc[p][j] = V::load(paths[p].acc + at + 16 * j) * factor;
  }
  for (size_t slot = from; slot < to; ++slot) {
    if (at == 0) values.ahead(slot);
    V value[kWide];
    for (size_t j = 0; j < kWide; ++j) value[j] = values.at(slot, at + 16 * j);
    for (size_t p = 0; p < n; ++p) {
      const V weight = V::set(weights[p * kChunk + slot]);
      for (size_t j = 0; j < kWide; ++j) acc[p][j] = fma(weight, value[j], acc[p][j]);
    }
  }
  for (size_t p = 0; p < n; ++p) {
    for (size_t j = 0; j < kWide; ++j) acc[p][j].store(paths[p].acc + at + 16 * j);
  }
}

template <class V, size_t n, class Values>
void add_values(const Path<typename V::Real>* paths, const typename V::Real* weights, const typename V::Real* fade,
                const Values& values, size_t from, size_t to, size_t D) noexcept {
  size_t at = 0;
  for (; at + 16 * V::kRowTile <= D; at += 16 * V::kRowTile) {
    add_columns<V, n, V::kRowTile>(paths, weights, fade, values, from, to, at);
  }
  for (; at < D; at += 16) add_columns<V, n, 1>(paths, weights, fade, values, from, to, at);
}

// Scores of one path to weights e^(score - top), its sum and top brought up to date. Returns old top - new top.
template <class V>
typename V::Real weigh(const AttendSpec<typename V::Real>& spec, const Path<typename V::Real>& path,
                       typename V::Real* scores, const V& slots) noexcept {
  using Real = typename V::Real;
  V low = V::load(scores) * V::set(spec.scale);
  V high = V::load(scores + 16) * V::set(spec.scale);
  if (spec.softcap > 0) {
    const V cap = V::set(spec.softcap);
    low = cap * tanh(low / cap);
    high = cap * tanh(high / cap);
  }
  if (path.from > 0 || path.to < kChunk) {
    const V nothing = V::set(static_cast<Real>(-__builtin_inf()));
    const V from = V::set(static_cast<Real>(path.from));
    const V to = V::set(static_cast<Real>(path.to));
    const V high_slots = slots + V::set(16);
    low = where_less(slots, from, nothing, where_less(slots, to, low, nothing));
    high = where_less(high_slots, from, nothing, where_less(high_slots, to, high, nothing));
  }
  const Real here = highest(max(low, high));
  const Real old = *path.top;
  const Real top = here > old ? here : old;
  const V shift = V::set(top);
  low = exp(low - shift);
  high = exp(high - shift);
  low.store(scores);
  high.store(scores + 16);
  *path.top = top;
  *path.sum = sum(low + high);  // of this chunk: the caller adds what was there, faded
  return old - top;
}

template <class V, size_t n, class Keys, class Values>
void chunk_step(const AttendSpec<typename V::Real>& spec, const Path<typename V::Real>* paths, const Keys& keys,
                const Values& values, typename V::Real* scores) noexcept {
  using Real = typename V::Real;
  const size_t D = padded(spec.head_dim);
  dot_keys<V, n>(paths, keys, spec.head_dim, scores);
  Real lanes[16];
  for (size_t i = 0; i < 16; ++i) lanes[i] = static_cast<Real>(i);
  const V slots = V::load(lanes);
  Real fade[16] = {};
  Real before[n];
  size_t from = 0;
  size_t to = kChunk;
  for (size_t p = 0; p < n; ++p) {
    before[p] = *paths[p].sum;
    fade[p] = weigh<V>(spec, paths[p], scores + p * kChunk, slots);
    from = paths[p].from > from ? paths[p].from : from;
    to = paths[p].to < to ? paths[p].to : to;
  }
  exp(V::load(fade)).store(fade);
  bool is_same = true;
  for (size_t p = 0; p < n; ++p) {
    *paths[p].sum = before[p] * fade[p] + *paths[p].sum;
    is_same = is_same && paths[p].from == from && paths[p].to == to;
  }
  if (is_same) return add_values<V, n>(paths, scores, fade, values, from, to, D);
  // Slots [from, to) are seen by all; each path takes its own before and after them.
  if (from > to) from = to = kChunk;
  Real stay[n];
  for (size_t p = 0; p < n; ++p) {
    stay[p] = 1;
    const size_t end = paths[p].to < from ? paths[p].to : from;
    add_values<V, 1>(paths + p, scores + p * kChunk, fade + p, values, paths[p].from, end, D);
  }
  if (from < to) add_values<V, n>(paths, scores, stay, values, from, to, D);
  for (size_t p = 0; p < n; ++p) {
    if (to < paths[p].to) add_values<V, 1>(paths + p, scores + p * kChunk, stay, values, to, paths[p].to, D);
  }
}

template <class V, class Keys, class Values>
void group_step(const AttendSpec<typename V::Real>& spec, const Path<typename V::Real>* paths, size_t n,
                const Keys& keys, const Values& values, typename V::Real* scores) noexcept {
  switch (n) {
    case 1:
      return chunk_step<V, 1>(spec, paths, keys, values, scores);
    case 2:
      return chunk_step<V, 2>(spec, paths, keys, values, scores);
    case 3:
      return chunk_step<V, 3>(spec, paths, keys, values, scores);
    case 4:
      return chunk_step<V, 4>(spec, paths, keys, values, scores);
    case 5:
      return chunk_step<V, 5>(spec, paths, keys, values, scores);
    case 6:
      return chunk_step<V, 6>(spec, paths, keys, values, scores);
    default:
      return;
  }
}

// The place of `key` in the chunk that starts at `start`, cut to it.
inline size_t slot_in(size_t key, size_t start) noexcept {
  if (key <= start) return 0;
  return key - start < kChunk ? key - start : kChunk;
}

// The state of all rows and heads, and their walk over the chunks. with_chunk(chunk, from, to, walk) calls walk(keys,
// values) with sources in which slots [from, to) are good.
template <class V, class WithChunk>
void attend_chunks(const AttendSpec<typename V::Real>& spec, const AttendRows<typename V::Real>& rows,
                   typename V::Real* state, const WithChunk& with_chunk) noexcept {
  using Real = typename V::Real;
  const size_t D = spec.head_dim;
  const size_t G = rows.n_group;
  const size_t n_paths = rows.n_rows * G;
  Real* scores = state;  // kGroup x 32
  Real* tops = scores + kGroup * kChunk;
  Real* sums = tops + n_paths;
  Real* accs = sums + n_paths;  // n_paths x padded(D)
  size_t first = SIZE_MAX;
  size_t last = 0;
  for (size_t i = 0; i < rows.n_rows; ++i) {
    first = rows.lo[i] < first ? rows.lo[i] : first;
    last = rows.hi[i] > last ? rows.hi[i] : last;
    for (size_t g = 0; g < G; ++g) {
      tops[i * G + g] = rows.sinks == nullptr ? static_cast<Real>(-__builtin_inf()) : rows.sinks[g];
      sums[i * G + g] = rows.sinks == nullptr ? Real{0} : Real{1};
    }
  }
  for (size_t i = 0; i < n_paths * padded(D); i += 16) V::zero().store(accs + i);

  for (size_t start = first / kChunk * kChunk; start < last; start += kChunk) {
    size_t from = kChunk;
    size_t to = 0;
    for (size_t i = 0; i < rows.n_rows; ++i) {
      const size_t a = slot_in(rows.lo[i], start);
      const size_t b = slot_in(rows.hi[i], start);
      if (a >= b) continue;
      from = a < from ? a : from;
      to = b > to ? b : to;
    }
    if (from >= to) continue;
    with_chunk(start / kChunk, from, to, [&](const auto& keys, const auto& values) noexcept {
      Path<Real> group[kGroup];
      size_t n = 0;
      for (size_t i = 0; i < rows.n_rows; ++i) {
        const size_t a = slot_in(rows.lo[i], start);
        const size_t b = slot_in(rows.hi[i], start);
        if (a >= b) continue;
        for (size_t g = 0; g < G; ++g) {
          const size_t path = i * G + g;
          const Real* q = rows.q + i * rows.q_stride + g * D;
          group[n++] = {q, accs + path * padded(D), tops + path, sums + path, a, b};
          if (n == kGroup) {
            group_step<V>(spec, group, n, keys, values, scores);
            n = 0;
          }
        }
      }
      group_step<V>(spec, group, n, keys, values, scores);
    });
  }
  for (size_t i = 0; i < rows.n_rows; ++i) {
    for (size_t g = 0; g < G; ++g) {
      const size_t path = i * G + g;
      const V total = V::set(sums[path]);
      map_row<V>(accs + path * padded(D), rows.out + i * rows.out_stride + g * D, D,
                 [&](const V& acc) noexcept { return acc / total; });
      if (rows.lse != nullptr) rows.lse[i * rows.lse_stride + g] = tops[path] + log_of(sums[path]);
    }
  }
}

template <class V>
void attend(const AttendSpec<typename V::Real>& spec, const KeyView& view, const AttendRows<typename V::Real>& rows,
            typename V::Real* scratch) noexcept {
  using Real = typename V::Real;
  const size_t D = spec.head_dim;
  const bool is_whole = D % 16 == 0;
  Real* key_room = scratch;                  // [D][32]
  Real* value_room = key_room + D * kChunk;  // [32][padded(D)]
  Real* state = value_room + padded(D) * kChunk;
  const auto head_of = [&](const std::byte* page) noexcept { return page + view.offset; };
  if (view.type == KvType::kF16 && is_whole && rows.n_rows * rows.n_group <= kGroup) {
    size_t last = 0;
    for (size_t i = 0; i < rows.n_rows; ++i) last = rows.hi[i] > last ? rows.hi[i] : last;
    return attend_chunks<V>(spec, rows, state, [&](size_t chunk, size_t, size_t, const auto& walk) noexcept {
      const auto halves = [&](const std::byte* const* pages, size_t at) noexcept {
        return at * kChunk < last ? reinterpret_cast<const uint16_t*>(head_of(pages[at])) : nullptr;
      };
      walk(HalfLines<V>{halves(view.k_pages, chunk), halves(view.k_pages, chunk + 1), kChunk},
           HalfLines<V>{halves(view.v_pages, chunk), halves(view.v_pages, chunk + 1), D});
    });
  }
  attend_chunks<V>(spec, rows, state, [&](size_t chunk, size_t from, size_t to, const auto& walk) noexcept {
    const std::byte* keys = head_of(view.k_pages[chunk]);
    const std::byte* values = head_of(view.v_pages[chunk]);
    const bool is_f32 = view.type == KvType::kF32;
    if (!is_f32) keys_to_f32<V>(view.type, keys, D, key_room);
    if (!is_f32 || !is_whole) {
      const size_t bytes = is_f32 ? D * sizeof(Real) : kv_bytes(view.type, D);
      for (size_t slot = from; slot < to; ++slot) {
        value_to_f32<V>(view.type, values + slot * bytes, D, value_room + slot * padded(D));
      }
    }
    walk(PlainLines<V>{is_f32 ? reinterpret_cast<const Real*>(keys) : key_room, kChunk},
         PlainLines<V>{is_f32 && is_whole ? reinterpret_cast<const Real*>(values) : value_room, padded(D)});
  });
}

template <class V>
void attend_plain(const AttendSpec<typename V::Real>& spec, const PlainKeys<typename V::Real>& keys,
                  const AttendRows<typename V::Real>& rows, typename V::Real* scratch) noexcept {
  using Real = typename V::Real;
  const size_t D = spec.head_dim;
  Real* key_room = scratch;
  Real* value_room = key_room + D * kChunk;
  for (size_t i = 0; i < D * kChunk; i += 16) V::zero().store(key_room + i);
  attend_chunks<V>(spec, rows, value_room + padded(D) * kChunk,
                   [&](size_t chunk, size_t from, size_t to, const auto& walk) noexcept {
                     for (size_t slot = from; slot < to; ++slot) {
                       const size_t at = (chunk * kChunk + slot) * keys.stride;
                       for (size_t d = 0; d < D; ++d) key_room[d * kChunk + slot] = keys.k[at + d];
                       value_to_f32<V>(KvType::kF32, reinterpret_cast<const std::byte*>(keys.v + at), D,
                                       value_room + slot * padded(D));
                     }
                     walk(PlainLines<V>{key_room, kChunk}, PlainLines<V>{value_room, padded(D)});
                   });
}

}  // namespace
}  // namespace kinglet::kernels
