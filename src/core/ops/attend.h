// attend: scaled dot-product attention with grouped key-value heads; keys from the batch itself or from a paged cache.
#pragma once

#include <optional>

#include "core/ops/op.h"

namespace kinglet::ops {

/// What attention needs to know; no model names.
struct AttendSpec {
  size_t n_heads = 0;
  size_t n_kv_heads = 0;  ///< Divides n_heads; consecutive query heads share one.
  size_t head_dim = 0;
  float scale = 1.0F;
  float softcap = 0.0F;  ///< 0: none.
  Visibility visibility;
};

/// q [T, H D], k and v [T, K D] -> [T, H D]. The keys of a row are those of its own sequence (Batch). Keys are numbered
/// in the order of rows. `sinks` [H]: logits that take part in the softmax without a value. As built, it reads the rows
/// of the batch; lowering for a cache splits it into a store and a read (store_kv, attend_cache).
ir::Value attend(ir::Builder& b, ir::Value q, ir::Value k, ir::Value v, const AttendSpec& spec,
                 std::optional<ir::WeightId> sinks = std::nullopt);

bool is_attend(const ir::Node& node) noexcept;
const AttendSpec& attend_spec(const ir::Node& node) noexcept;

/// Where the heads of one layer lie in the pages of a cache: the group of layers that share pages, and bytes from a
/// page's start, the same for keys and values.
struct KvPlace {
  size_t group = 0;
  size_t offset = 0;
};

/// After lowering: writes the rows' keys and values to the cache. In front of attend_cache, as a node of its own.
ir::Node store_kv(const ir::Node& attend, KvPlace place);
/// After lowering: attention over the cache.
ir::Node attend_cache(const ir::Node& attend, KvPlace place);

}  // namespace kinglet::ops
