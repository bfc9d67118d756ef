// Names and shapes of all tensors of a model: what loading checks, and what tools list.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ir/ir.h"

namespace kinglet::models {

/// A tensor that an architecture wants.
struct TensorSpec {
  std::string name;
  size_t rows;
  size_t cols;
  bool is_optional = false;
  bool is_constant = false;             ///< A setting of the file rather than a parameter: it is never learned.
  bool is_f32 = false;                  ///< Read as plain f32, as all vectors are.
  bool is_flat = false;                 ///< A matrix of the file that is one vector of the model, row after row.
  std::vector<float> rows_before = {};  ///< Whole rows that the model has in front of the file's.
};

/// All of them, in the order in which a file of ours has them.
class TensorTable {
 public:
  void add(std::string name, size_t rows, size_t cols) { specs_.push_back({std::move(name), rows, cols}); }
  /// The file's rows behind others: the model has a table of its own, in f32.
  void add_behind(std::vector<float> rows_before, std::string name, size_t rows, size_t cols) {
    specs_.push_back({.name = std::move(name), .rows = rows, .cols = cols, .rows_before = std::move(rows_before)});
  }
  void add_optional(std::string name, size_t rows, size_t cols) {
    specs_.push_back({std::move(name), rows, cols, true});
  }
  /// A vector that a file may have and that is no parameter.
  void add_constant(std::string name, size_t cols) { specs_.push_back({std::move(name), 1, cols, true, true}); }
  /// A small matrix that is read as plain f32: kernels of convolutions and the like.
  void of_layer_f32(size_t layer_idx, std::string_view name, size_t rows, size_t cols) {
    specs_.push_back({str("blk.", layer_idx, ".", name), rows, cols, false, false, true});
  }
  /// A vector of rows times cols that files have as a matrix.
  void of_layer_flat(size_t layer_idx, std::string_view name, size_t rows, size_t cols) {
    specs_.push_back({str("blk.", layer_idx, ".", name), rows, cols, false, false, true, true});
  }
  /// blk.N.NAME of one layer.
  void of_layer(size_t layer_idx, std::string_view name, size_t rows, size_t cols) {
    add(str("blk.", layer_idx, ".", name), rows, cols);
  }
  void of_layer_optional(size_t layer_idx, std::string_view name, size_t rows, size_t cols) {
    add_optional(str("blk.", layer_idx, ".", name), rows, cols);
  }
  /// What files of the family may have and its description does not read.
  void add_unread(const TensorTable& of) {
    for (TensorSpec spec : of.specs_) {
      spec.is_optional = spec.is_constant = true;
      specs_.push_back(std::move(spec));
    }
  }
  [[nodiscard]] const std::vector<TensorSpec>& specs() const noexcept { return specs_; }

 private:
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
  LayerWeights(const WeightNames& names, size_t layer_idx)
      : names_(names), layer_idx_(layer_idx), prefix_(str("blk.", layer_idx, ".")) {}
  [[nodiscard]] size_t layer_idx() const noexcept { return layer_idx_; }
  [[nodiscard]] ir::WeightId operator[](std::string_view name) const { return names_[prefix_ + std::string(name)]; }
  [[nodiscard]] bool has(std::string_view name) const { return find(name).has_value(); }
  [[nodiscard]] std::optional<ir::WeightId> find(std::string_view name) const {
    return names_.find(prefix_ + std::string(name));
  }

 private:
  const WeightNames& names_;
  size_t layer_idx_;
  std::string prefix_;
};

}  // namespace kinglet::models
