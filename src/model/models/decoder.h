// The pre-norm decoder that most families are, as functions that a family may replace one by one.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ops/ops.h"
#include "model/format/format.h"

namespace kinglet::models {

enum class RopeScaling : uint8_t { kNone, kLinear, kYarn, kDynamic };

/// Rotary embedding as a file describes it.
struct RopeConfig {
  size_t n_rot = 0;  ///< Elements of a head that turn.
  double base = 10000.0;
  kernels::RopePairs pairs = kernels::RopePairs::kAdjacent;
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1.0;
  size_t original_context_len = 0;
  double attention_factor = 1.0;  ///< yarn: of its magnitude, which is 0.1 ln(factor) + 1 already.
  double beta_fast = 32.0;
  double beta_slow = 1.0;
};

/// Sizes and settings of a decoder. Counts have been checked against sane limits.
struct DecoderConfig {
  size_t n_layers = 0;
  size_t hidden_dim = 0;
  size_t n_heads = 0;
  size_t n_kv_heads = 0;
  size_t head_dim = 0;
  size_t ffn_dim = 0;
  size_t vocab_size = 0;
  size_t context_len = 0;
  float norm_eps = 1e-5F;
  RopeConfig rope;
};

/// A tensor that an architecture wants.
struct TensorSpec {
  std::string name;
  size_t rows;
  size_t cols;
  bool optional = false;
};

/// Names and shapes of all tensors of a model: what loading checks, and what tools list.
class TensorTable {
 public:
  explicit TensorTable(size_t n_layers) : n_layers_(n_layers) {}
  void add(std::string name, size_t rows, size_t cols) { specs_.push_back({std::move(name), rows, cols, false}); }
  void add_optional(std::string name, size_t rows, size_t cols) {
    specs_.push_back({std::move(name), rows, cols, true});
  }
  /// blk.N.NAME for each layer.
  void per_layer(std::string_view name, size_t rows, size_t cols);
  void per_layer_optional(std::string_view name, size_t rows, size_t cols);
  [[nodiscard]] const std::vector<TensorSpec>& specs() const noexcept { return specs_; }

 private:
  size_t n_layers_;
  std::vector<TensorSpec> specs_;
};

/// Weights of a graph under construction, by name.
class WeightNames {
 public:
  void add(std::string_view name, ir::WeightId id) { ids_.emplace(name, id); }
  /// The weight is there: declared as required, or asked for with `has` before.
  [[nodiscard]] ir::WeightId operator[](std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return ids_.contains(name); }
  /// nullopt for an optional weight that the file lacks.
  [[nodiscard]] std::optional<ir::WeightId> find(std::string_view name) const;

 private:
  std::map<std::string, ir::WeightId, std::less<>> ids_;
};

/// Weights of one layer: names without "blk.N.".
class LayerWeights {
 public:
  LayerWeights(const WeightNames& names, size_t layer_idx) : names_(names), prefix_(str("blk.", layer_idx, ".")) {}
  [[nodiscard]] ir::WeightId operator[](std::string_view name) const { return names_[prefix_ + std::string(name)]; }
  [[nodiscard]] std::optional<ir::WeightId> find(std::string_view name) const {
    return names_.find(prefix_ + std::string(name));
  }

 private:
  const WeightNames& names_;
  std::string prefix_;
};

/// What blocks share while a model is described.
struct DecoderContext {
  ir::Builder& b;
  const DecoderConfig& config;
  ir::Value rope_table;
};

/// The parts of a decoder. Rows T, hidden D.
struct Blocks {
  /// x [T, D], normed -> [T, D].
  ir::Value (*attention)(DecoderContext& c, const LayerWeights& w, ir::Value x_TD);
  /// x [T, D], normed -> [T, D].
  ir::Value (*feed_forward)(DecoderContext& c, const LayerWeights& w, ir::Value x_TD);
};

/// A family: one file and one line in registry.cpp.
struct Architecture {
  std::string_view name;  ///< general.architecture, and the prefix of its keys.
  DecoderConfig (*read_config)(const format::ModelFile& file);
  void (*declare_tensors)(const DecoderConfig& config, TensorTable& table);
  Blocks blocks;
};

/// Keys that decoders share, under the prefix of general.architecture. Throws Error{kInvalidFile} for what is missing
/// or senseless.
DecoderConfig read_decoder_config(const format::ModelFile& file);
/// Embedding, norms, projections without biases, gated feed-forward, head (optional: tied to the embedding).
void declare_decoder_tensors(const DecoderConfig& config, TensorTable& table);

/// Attention with rotary embedding and grouped heads; biases where the file has them.
ir::Value decoder_attention(DecoderContext& c, const LayerWeights& w, ir::Value x_TD);
/// act(gate(x)) * up(x), then down.
ir::Value decoder_feed_forward(DecoderContext& c, const LayerWeights& w, ir::Value x_TD);

/// The whole decoder for token ids and positions: logits of the chosen rows.
ir::Value describe_decoder(ir::Builder& b, const DecoderConfig& config, const Blocks& blocks, const WeightNames& names,
                           const ops::RopeFrequencies& frequencies);

/// Turns per position under the file's scaling, for a sequence of up to `length` positions (matters for kDynamic).
/// `factors` [n_rot / 2] divide them, before any scaling (llama 3's rope_freqs); empty: none.
ops::RopeFrequencies rope_frequencies(const RopeConfig& rope, std::span<const float> factors, size_t length);

}  // namespace kinglet::models
