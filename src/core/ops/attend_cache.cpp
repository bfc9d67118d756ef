// Attention over a paged cache: the rows' keys and values are stored first, then every row reads its interval.
//
// A page holds kPageTokens tokens of all layers: for each layer, key-value heads one after the other, each laid out as
// kernels::KeyView says. A piece of attention is up to kQueryRows rows of a sequence and one key-value head; a row's
// bits do not depend on the rows beside it (kernels/real.h).
#include <algorithm>

#include "core/ops/attend.h"
#include "core/ops/attend_spec.h"
#include "core/ops/vector_weight.h"

namespace kinglet::ops {
namespace {

using kernels::kPageTokens;

constexpr size_t kQueryRows = 32;

// inputs: k, v.
void run_store_kv(const Run<float>& run, size_t begin, size_t end) noexcept {
  const auto& attributes = run.attributes<Attend>();
  const size_t D = attributes.spec.head_dim;
  const size_t token_bytes = kernels::kv_bytes(run.batch.kv_type, D);
  for (const SequenceRows& sequence : run.batch.sequences) {
    const KvPages& pages = sequence.pages[attributes.place.group];
    const size_t from = std::max(begin, sequence.first_row);
    const size_t to = std::min(end, sequence.first_row + sequence.n_rows);
    for (size_t t = from; t < to; ++t) {
      const size_t key = sequence.n_past + (t - sequence.first_row);
      for (size_t head = 0; head < attributes.spec.n_kv_heads; ++head) {
        const size_t at = attributes.place.offset + head * kPageTokens * token_bytes;
        const size_t slot = key % kPageTokens;
        run.real.store_key(run.batch.kv_type, run.row(run.node.inputs[0], t) + head * D,
                           pages.keys[key / kPageTokens] + at, slot, D);
        run.real.store_value(run.batch.kv_type, run.row(run.node.inputs[1], t) + head * D,
                             pages.values[key / kPageTokens] + at, slot, D);
      }
    }
  }
}

size_t store_items(const NodeShape& shape) noexcept { return shape.rows(shape.node.inputs[0]); }

size_t n_blocks(const SequenceRows& sequence) noexcept { return (sequence.n_rows + kQueryRows - 1) / kQueryRows; }

size_t attend_items(const NodeShape& shape) noexcept {
  size_t n = 0;
  for (const SequenceRows& sequence : shape.batch.sequences) n += n_blocks(sequence);
  return n * attend_spec(shape.node).n_kv_heads;
}

void attend_block(const Run<float>& run, const SequenceRows& sequence, size_t block, size_t head) noexcept {
  const auto& attributes = run.attributes<Attend>();
  const size_t D = attributes.spec.head_dim;
  const size_t G = attributes.n_group();
  const size_t token_bytes = kernels::kv_bytes(run.batch.kv_type, D);
  const KvPages& pages = sequence.pages[attributes.place.group];
  const kernels::KeyView keys{pages.keys, pages.values, attributes.place.offset + head * kPageTokens * token_bytes,
                              run.batch.kv_type};
  const size_t first = block * kQueryRows;
  const size_t n = std::min(kQueryRows, sequence.n_rows - first);
  uint32_t lo[kQueryRows];
  uint32_t hi[kQueryRows];
  for (size_t i = 0; i < n; ++i) {
    const KeyInterval visible =
        attributes.spec.visibility.of(sequence.n_past + first + i, sequence.n_past + sequence.n_rows);
    lo[i] = static_cast<uint32_t>(visible.lo);
    hi[i] = static_cast<uint32_t>(visible.hi);
  }
  const float* sinks =
      run.node.weights.empty() ? nullptr : reinterpret_cast<const float*>(run.weight(0).data) + head * G;
  const size_t t = sequence.first_row + first;
  const size_t cols = attributes.spec.n_heads * D;
  const kernels::AttendRows<float> rows{n,
                                        G,
                                        lo,
                                        hi,
                                        run.row(run.node.inputs[0], t) + head * G * D,
                                        cols,
                                        run.row(run.node.outputs[0], t) + head * G * D,
                                        cols,
                                        sinks,
                                        nullptr,
                                        0};
  run.real.attend(attributes.of_kernel<float>(), keys, rows, run.scratch_as<float>());
}

void run_attend_cache(const Run<float>& run, size_t begin, size_t end) noexcept {
  const size_t n_kv = run.attributes<Attend>().spec.n_kv_heads;
  size_t first = 0;
  for (const SequenceRows& sequence : run.batch.sequences) {
    const size_t last = first + n_blocks(sequence) * n_kv;
    for (size_t piece = std::max(begin, first); piece < std::min(end, last); ++piece) {
      attend_block(run, sequence, (piece - first) / n_kv, (piece - first) % n_kv);
    }
    first = last;
    if (first >= end) break;
  }
}

size_t attend_cache_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  const AttendSpec& spec = attend_spec(shape.node);
  const size_t rows = std::min(kQueryRows, std::max<size_t>(1, shape.rows(shape.node.outputs[0])));
  return kernels::attend_scratch(rows, spec.n_heads / spec.n_kv_heads, spec.head_dim) * real_bytes;
}

constexpr Op kStoreKv{{"store_kv"}, store_items, run_store_kv};
constexpr Op kAttendCache{{"attend_cache"}, attend_items, run_attend_cache, nullptr, attend_cache_scratch};

std::shared_ptr<Attend> placed(const ir::Node& attend, KvPlace place) {
  auto attributes = std::make_shared<Attend>(attend_spec(attend));
  attributes->place = place;
  return attributes;
}

}  // namespace

ir::Node store_kv(const ir::Node& attend, KvPlace place) {
  return {&kStoreKv, {attend.inputs[1], attend.inputs[2]}, {}, {}, placed(attend, place)};
}

ir::Node attend_cache(const ir::Node& attend, KvPlace place) {
  return {&kAttendCache, {attend.inputs[0]}, {attend.outputs[0]}, attend.weights, placed(attend, place)};
}

}  // namespace kinglet::ops
