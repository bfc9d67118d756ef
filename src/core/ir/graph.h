// Values, nodes, weights.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/base.h"
#include "core/quant/quant.h"

namespace kinglet::ir {

/// Row counts that are known only when a plan runs.
enum class Symbol : uint8_t {
  kTokens,     ///< T: rows of the batch.
  kLogitRows,  ///< L: rows that need logits.
  kSequences,  ///< S: sequences of the batch.
};
inline constexpr size_t kSymbols = 3;

/// A number of rows: a constant, a symbol, or a whole multiple of one.
class Rows {
 public:
  constexpr Rows(size_t n) : n_(n) {}                        // NOLINT(google-explicit-constructor): a count is a Rows
  constexpr Rows(Symbol symbol) : n_(1), symbol_(symbol) {}  // NOLINT(google-explicit-constructor)
  /// These rows `n` times over: a row for each expert that a token is sent to.
  [[nodiscard]] constexpr Rows times(size_t n) const noexcept {
    Rows rows = *this;
    rows.n_ *= n;
    return rows;
  }
  [[nodiscard]] constexpr size_t bind(std::span<const size_t, kSymbols> counts) const noexcept {
    return symbol_ ? n_ * counts[static_cast<size_t>(*symbol_)] : n_;
  }
  friend bool operator==(const Rows&, const Rows&) = default;

 private:
  size_t n_ = 0;
  std::optional<Symbol> symbol_;
};

/// What an element of a value is. kReal is f32, or f64 in a plan made for checking gradients.
enum class Element : uint8_t { kReal, kI32, kQ8, kQ8K };

/// The form of a value: rows x cols elements, row-major; encoded ones lie as quant::encoded_layout says.
struct ValueType {
  Rows rows = size_t{0};
  size_t cols = 0;
  Element element = Element::kReal;
  friend bool operator==(const ValueType&, const ValueType&) = default;
};

/// Names a value of one graph.
struct Value {
  uint32_t id = UINT32_MAX;
  [[nodiscard]] bool valid() const noexcept { return id != UINT32_MAX; }
  friend auto operator<=>(const Value&, const Value&) = default;
};

/// Names a weight of one graph.
struct WeightId {
  uint32_t id = UINT32_MAX;
  friend auto operator<=>(const WeightId&, const WeightId&) = default;
};

/// What an operation is; core/ops derives the rest. Constant data: one object for each operation.
struct Op {
  std::string_view name;
};

/// Settings of a node; each operation has its own kind and casts to it.
struct Attributes {
  virtual ~Attributes() = default;
};

/// A low-rank change of a matrix W [N, K]: scale B A is added to it, and with a magnitude each row of the sum is scaled
/// to that length (DoRA, arXiv 2402.09353).
struct Adapter {
  size_t idx = 0;      ///< Which of the caller's adapters it is of: sequences name theirs by it.
  WeightId a;          ///< [r, K], F32.
  WeightId b;          ///< [N, r], F32.
  float scale = 1.0F;  ///< alpha / r, or alpha / sqrt(r).
  std::optional<WeightId> magnitude = std::nullopt;  ///< [1, N], F32.
  /// [1, N]: lengths of the rows of W + scale B A. A constant: the field's definition gives it no gradient.
  std::optional<WeightId> lengths = std::nullopt;
};

struct Node {
  const Op* op = nullptr;
  std::vector<Value> inputs;
  std::vector<Value> outputs;
  std::vector<WeightId> weights;
  std::shared_ptr<const Attributes> attributes;
  size_t state_offset = 0;  ///< Where its state lies in that of a sequence; set by lowering.
};

/// What the caller of a plan gives each time, by name of the place.
enum class Input : uint8_t {
  kTokenIds,    ///< i32 [T, 1].
  kPositions,   ///< i32 [T, 1].
  kLogitRows,   ///< i32 [L, 1]: which rows of the batch need logits; of a classifier, which rows of its scores.
  kLabels,      ///< i32 [L, 1]: the token that each of those rows should predict, or its class.
  kTokenTypes,  ///< i32 [T, 1]: which of two texts a token is of.
};
inline constexpr size_t kInputs = 5;

class Graph {
 public:
  Value add_value(ValueType type);
  Value add_input(Input input, ValueType type);
  WeightId add_weight(const quant::Weight& weight);
  /// Rows [begin, begin + n) of a matrix, or elements of a vector of f32, as a weight of their own that reads the same
  /// bytes: a part of what is fused in the file.
  WeightId add_weight_part(WeightId whole, size_t begin, size_t n);
  /// Products with `weight`, or with parts of it, are changed where a sequence wants it (ops/linear.h).
  void add_adapter(WeightId weight, const Adapter& adapter) { adapters_.emplace_back(weight, adapter); }
  /// Those of a weight or of a part of one, whose rows of B are then parts too.
  std::vector<Adapter> adapters_of(WeightId weight);
  void add_node(Node node) { nodes_.push_back(std::move(node)); }

  [[nodiscard]] const ValueType& type(Value value) const { return types_[value.id]; }
  [[nodiscard]] const quant::Weight& weight(WeightId weight) const { return weights_[weight.id]; }
  /// The weight that this one is a part of, and its first element there; itself and 0 for a whole one.
  struct Part {
    WeightId whole;
    size_t first;
  };
  [[nodiscard]] Part part(WeightId weight) const { return parts_[weight.id]; }
  [[nodiscard]] const std::vector<Node>& nodes() const noexcept { return nodes_; }
  [[nodiscard]] size_t n_values() const noexcept { return types_.size(); }
  [[nodiscard]] size_t n_weights() const noexcept { return weights_.size(); }
  /// The value that stands for an input; nullopt where the graph does not use it.
  [[nodiscard]] std::optional<Value> input(Input input) const { return inputs_[static_cast<size_t>(input)]; }

  /// A passage over the nodes may replace them: the new list must again be in order of execution.
  void set_nodes(std::vector<Node> nodes) { nodes_ = std::move(nodes); }

 private:
  std::vector<ValueType> types_;
  std::vector<quant::Weight> weights_;
  std::vector<Part> parts_;
  std::vector<std::pair<WeightId, Adapter>> adapters_;  // by the whole weight
  std::vector<Node> nodes_;
  std::optional<Value> inputs_[kInputs];
};

}  // namespace kinglet::ir
