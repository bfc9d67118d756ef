// A model of a file: its settings, its weights, and its description as a graph.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/ir/ir.h"
#include "core/tensor/tensor.h"
#include "model/format/format.h"
#include "model/models/adapted.h"
#include "model/models/architecture.h"

namespace kinglet::models {

/// What a description is wanted for.
struct DescribeOptions {
  bool loss = false;  ///< Also the mean cross-entropy of Input::kLabels over the logit rows.
  std::optional<Pooling> pooling = std::nullopt;  ///< In place of the file's own.
  bool normalize = true;                          ///< Pooled vectors have length one.
};

/// A logical graph and the values of interest in it.
struct Description {
  ir::Graph graph;
  ir::Value logits;               ///< [L, vocabulary], of the rows named by Input::kLogitRows; not valid for encoders.
  ir::Value pooled;               ///< [S, D]: a vector for each sequence.
  ir::Value scores;               ///< [S, labels], or [T, labels] where tokens are classified; valid for classifiers.
  ir::Value loss;                 ///< [1, 1]; valid when asked for.
  ir::Value hidden;               ///< [T, D]: rows of the last layer, normed.
  std::vector<ir::Value> states;  ///< [T, D] each: what the embedding gave, then each layer.
  std::vector<ops::Routed> routed;  ///< What the routers chose, of each layer that has experts.
};

/// Weights stay where the file lies (mapped), but for one that the file has in two places; the model keeps the file
/// open. Constant after loading; shared by engines.
class Model {
 public:
  /// Reads settings and finds all tensors. Throws Error{kUnsupported} for an architecture that is not known (named),
  /// and Error{kInvalidFile} where a tensor lacks or has another shape than declared.
  static std::shared_ptr<const Model> load(std::shared_ptr<const format::ModelFile> file);
  /// The same with adapters, which are opened against the model. Throws as format::open_adapter, and kUnsupported for
  /// an adapter of a matrix that no linear reads.
  struct AdapterPath {
    std::string path;
    float factor = 1.0F;
  };
  static std::shared_ptr<const Model> load(std::shared_ptr<const format::ModelFile> file,
                                           const std::vector<AdapterPath>& adapters);
  /// The same checks, for a file whose data is not at hand (ModelFile::read makes it).
  static void check(const format::ModelFile& file);

  [[nodiscard]] const DecoderConfig& config() const noexcept { return config_; }
  [[nodiscard]] const Architecture& architecture() const noexcept { return *architecture_; }
  [[nodiscard]] const format::ModelFile& file() const noexcept { return *file_; }
  [[nodiscard]] const std::vector<quant::Weight>& weights() const noexcept { return weights_; }
  /// Whether a weight is a setting of the file rather than a parameter.
  [[nodiscard]] bool is_constant(std::string_view weight_name) const { return constants_.contains(weight_name); }

  /// Whether it scores what comes next; encoders and classifiers do not.
  [[nodiscard]] bool gives_logits() const noexcept {
    return architecture_->blocks.head != nullptr && config_.n_labels == 0;
  }
  /// Throws Error{kUnsupported} that says what it is for, where it gives none.
  void require_head() const;
  [[nodiscard]] const std::vector<AdapterUse>& adapters() const noexcept { return adapters_; }
  /// How strongly each of them works where a sequence does not say otherwise (ops::SequenceRows::adapters).
  [[nodiscard]] std::span<const float> factors() const noexcept { return factors_; }
  /// What adapters are opened against.
  [[nodiscard]] format::AdapterTarget adapter_target() const { return {*file_, architecture_->folder}; }

  [[nodiscard]] Description describe(const DescribeOptions& options = {}) const;

 private:
  Model() = default;
  static std::shared_ptr<Model> load_plain(std::shared_ptr<const format::ModelFile> file);
  quant::Weight joined(const quant::Weight& weight, std::span<const float> rows_before);
  void add_adapters(const std::vector<AdapterPath>& adapters);

  std::shared_ptr<const format::ModelFile> file_;
  const Architecture* architecture_ = nullptr;
  DecoderConfig config_;
  std::vector<quant::Weight> weights_;
  std::vector<tensor::Buffer> joined_;  // weights that no file has in one piece
  std::set<std::string, std::less<>> constants_;
  std::vector<AdapterUse> adapters_;
  std::vector<float> factors_;
  std::vector<AdapterTensors> adapter_tensors_;
};

}  // namespace kinglet::models
