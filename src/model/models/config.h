// Sizes and settings of a model, as its file says them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ops/ops.h"
#include "model/format/format.h"

namespace kinglet::models {

enum class RopeScaling : uint8_t { kNone, kLinear, kYarn, kDynamic, kLongrope };

/// Rotary embedding as a file describes it.
struct RopeConfig {
  size_t n_rot = 0;  ///< Elements of a head that turn.
  double base = 10000.0;
  kernels::RopePairs pairs = kernels::RopePairs::kHalves;
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1.0;
  size_t original_context_len = 0;
  double attention_factor =
      1.0;  ///< yarn: of its magnitude, which is 0.1 ln(factor) + 1 already; longrope: the magnitude.
  double beta_fast = 32.0;
  double beta_slow = 1.0;
  bool truncate = true;  ///< yarn: the ends of its ramp are whole pairs.
};

/// What may differ from layer to layer.
struct LayerConfig {
  size_t n_heads = 0;
  size_t n_kv_heads = 0;
  size_t head_dim = 0;
  size_t ffn_dim = 0;
  size_t n_experts = 0;            ///< 0: one dense feed-forward.
  size_t window = 0;               ///< Keys that a row sees, its own included (of encoders: to each side); 0: all.
  std::optional<size_t> rope = 0;  ///< Of DecoderConfig::ropes; none: no positions.
  bool is_recurrent = false;       ///< A state in place of keys and values.
};

/// Experts of a layer that has them.
struct ExpertsConfig {
  size_t n_used = 0;
  size_t ffn_dim = 0;
  size_t shared_ffn_dim = 0;  ///< Of the expert that every token passes; 0: none.
  ops::RouteBy by = ops::RouteBy::kSoftmax;
  bool renormalize = false;  ///< Weights of the chosen sum to one.
  float scale = 1.0F;
  size_t n_groups = 1;  ///< Experts are chosen from n_groups_used of so many groups (ops::RouteSpec).
  size_t n_groups_used = 1;
  bool is_gate_up_fused = false;  ///< The file has gate and up of an expert one after the other.
};

/// How an encoder's rows become one vector for each sequence.
enum class Pooling : uint8_t { kNone, kMean, kCls, kLast, kRank };

/// Settings that one family alone has.
struct FamilyConfig {
  virtual ~FamilyConfig() = default;
};

/// Sizes and settings. Counts have been checked against sane limits.
struct DecoderConfig {
  size_t n_layers = 0;
  size_t hidden_dim = 0;
  size_t vocab_size = 0;
  size_t context_len = 0;
  float norm_eps = 1e-5F;
  std::vector<LayerConfig> layers;
  std::vector<RopeConfig> ropes;
  ExpertsConfig experts;
  bool is_causal = true;
  /// How rows become a vector: as the file says, else the mean for encoders and the last row for decoders. kRank:
  /// the file has a head that scores sequences.
  Pooling pooling = Pooling::kNone;
  Pooling classifier_pooling = Pooling::kNone;  ///< What the head scores: a pooled vector, or each row (kNone).
  /// Layers that pooled vectors go through.
  struct Dense {
    size_t width = 0;
    bool has_tanh = false;
  };
  std::vector<Dense> dense = {};
  size_t n_labels = 0;        ///< Scores of the head; 0: there is none.
  size_t first_position = 0;  ///< Of a text's first token, in tables of positions.
  /// Tokens of this id stand at its own number and count for no place (RoBERTa's padding).
  std::optional<int32_t> padding = std::nullopt;
  /// [first_position, D]: the table's first rows, where a file has them beside it; else empty.
  std::vector<float> first_position_rows = {};
  size_t n_token_types = 0;  ///< Texts that a token may be of; 0: types say nothing.
  float embedding_scale = 1.0F;
  float residual_scale = 1.0F;
  float attention_scale = 0.0F;  ///< 0: 1 / sqrt(head_dim).
  float attention_softcap = 0.0F;
  float logit_scale = 1.0F;
  float logit_softcap = 0.0F;
  std::shared_ptr<const FamilyConfig> family;

  template <class T>
  [[nodiscard]] const T& of_family() const noexcept {
    return static_cast<const T&>(*family);
  }
  /// Whether a rope variant depends on the length of a sequence.
  [[nodiscard]] bool depends_on_length() const noexcept;
  /// A name for the rope variant of a sequence of up to `length` positions: the same turns have the same name.
  [[nodiscard]] size_t rope_variant(size_t length) const noexcept;
  /// The positions of a text's tokens.
  void place(std::span<const int32_t> ids, std::span<int32_t> positions) const noexcept;
};

/// Reads keys under the prefix of general.architecture, within limits. Throws Error{kInvalidFile} for what is missing
/// or senseless.
class ConfigReader {
 public:
  // Limits far above any model; they keep products of sizes from files within 64 bits.
  static constexpr size_t kMaxLayers = 4096;
  static constexpr size_t kMaxWidth = size_t{1} << 24;
  static constexpr size_t kMaxContext = size_t{1} << 28;

  explicit ConfigReader(const format::ModelFile& file);

  [[nodiscard]] const format::ModelFile& file() const noexcept { return file_; }
  [[nodiscard]] const format::Metadata& meta() const noexcept { return file_.metadata(); }
  [[nodiscard]] std::string key(std::string_view name) const { return prefix_ + std::string(name); }
  [[nodiscard]] bool has(std::string_view name) const { return meta().find(key(name)) != nullptr; }

  /// A count of 1 to `limit`.
  [[nodiscard]] size_t count(std::string_view name, size_t limit = kMaxWidth) const;
  [[nodiscard]] size_t count_or(std::string_view name, size_t fallback, size_t limit = kMaxWidth) const;
  /// The same, where 0 has a meaning.
  [[nodiscard]] size_t count_or_zero(std::string_view name, size_t limit = kMaxWidth) const;
  /// A number for each layer: one of at least 1 for all of them, or an array, whose zeros say that a layer has none.
  /// Absent: the fallback.
  [[nodiscard]] std::vector<size_t> counts(std::string_view name, size_t n_layers, std::optional<size_t> fallback,
                                           size_t limit = kMaxWidth) const;
  /// A truth for each layer; empty where the key is absent.
  [[nodiscard]] std::vector<bool> truths(std::string_view name, size_t n_layers) const;
  [[nodiscard]] std::vector<double> numbers(std::string_view name, size_t n) const;
  [[nodiscard]] double number_or(std::string_view name, double fallback) const;
  [[nodiscard]] float positive_or(std::string_view name, float fallback) const;
  [[nodiscard]] Pooling pooling_or(std::string_view name, Pooling fallback) const;
  [[nodiscard]] bool truth_or(std::string_view name, bool fallback) const {
    return meta().get<bool>(key(name)).value_or(fallback);
  }
  [[nodiscard]] std::string_view word_or(std::string_view name, std::string_view fallback) const {
    return meta().get<std::string_view>(key(name)).value_or(fallback);
  }

 private:
  [[nodiscard]] size_t in_limit(std::string_view name, size_t value, size_t least, size_t limit) const;

  const format::ModelFile& file_;
  std::string prefix_;
};

/// Keys that decoders share; all layers alike, one rope.
DecoderConfig read_decoder_config(const ConfigReader& read);
/// The same of a family whose values may have heads of another length than keys.
DecoderConfig read_latent_decoder_config(const ConfigReader& read);
/// attention.sliding_window on the layers that attention.sliding_window_pattern names, or the family's rule.
void read_windows(const ConfigReader& read, DecoderConfig& config, const std::function<bool(size_t)>& is_windowed);
/// Experts: expert_count on every layer behind the leading dense ones, how many of them are used, and how they are
/// chosen. Without expert_count there are none.
void read_experts(const ConfigReader& read, DecoderConfig& config);

/// Turns per position under the file's scaling. `factors` and `long_factors` [n_rot / 2] divide them before any
/// scaling: llama 3's rope_freqs, or longrope's short and long ones; empty: none.
ops::RopeFrequencies rope_frequencies(const RopeConfig& rope, std::span<const float> factors,
                                      std::span<const float> long_factors = {});

}  // namespace kinglet::models
