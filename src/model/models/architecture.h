// What an architecture is: settings, tensors, and blocks against the graph builder. A family is one file and one line
// in registry.cpp.
#pragma once

#include <string_view>
#include <vector>

#include "model/format/hf_family.h"
#include "model/models/config.h"
#include "model/models/tensor_table.h"

namespace kinglet::models {

struct Blocks;

/// What blocks share while a model is described. Rows T, hidden D.
struct Context {
  ir::Builder& b;
  const DecoderConfig& config;
  const WeightNames& names;
  const Blocks& blocks;
  ir::Value positions;                 ///< i32 [T, 1].
  std::vector<ir::Value> rope_tables;  ///< By DecoderConfig::ropes.
  std::vector<ir::Value> states = {};  ///< [T, D]: what embed gave, then what each layer gave.
  /// What embed leaves for the layers of its family.
  ir::Value per_layer_inputs = {};
  std::vector<ops::Routed> routed = {};  ///< What routers chose, by layer of those that have experts.
  /// Keys and values of each layer, for families whose later layers read them again.
  std::vector<std::pair<ir::Value, ir::Value>> keys_values = {};

  [[nodiscard]] const LayerConfig& layer(const LayerWeights& w) const { return config.layers[w.layer_idx()]; }
};

/// The parts of a model. A family replaces single ones; the defaults are in decoder.h.
struct Blocks {
  /// ids i32 [T, 1] -> [T, D].
  ir::Value (*embed)(Context& c, ir::Value ids);
  /// x [T, D] -> [T, D]: a whole layer with its residuals.
  ir::Value (*layer)(Context& c, const LayerWeights& w, ir::Value x_TD);
  /// x [T, D], normed -> [T, D].
  ir::Value (*attention)(Context& c, const LayerWeights& w, ir::Value x_TD);
  /// x [T, D], normed -> [T, D].
  ir::Value (*feed_forward)(Context& c, const LayerWeights& w, ir::Value x_TD);
  /// Rows of the last layer [N, D] -> the same, normed: hidden states.
  ir::Value (*final_norm)(Context& c, ir::Value x_ND);
  /// Hidden states [N, D] -> logits [N, vocabulary]; null for encoders.
  ir::Value (*head)(Context& c, ir::Value x_ND);
  /// One vector for each sequence [S, D], or rows as they are [N, D], both of hidden states -> scores [S or N, labels].
  /// Called where the file has such a head (heads.h); null for families that never do.
  ir::Value (*classify)(Context& c, ir::Value x_ND) = nullptr;
};

/// A family as the registry has it.
struct Architecture {
  std::string_view family;  ///< Our name of it, its own.
  std::string_view
      name;  ///< general.architecture of its files, which several families may share, and their keys' prefix.
  DecoderConfig (*read_config)(const ConfigReader& read);
  void (*declare_tensors)(const DecoderConfig& config, TensorTable& table);
  Blocks blocks;
  format::HfFamily folder = {};  ///< Its side of Hugging Face; no classes: it has none.
  /// Keys of the smallest model that shows what the family has, beside those of any decoder (tiny_model.h); null: none.
  void (*fill_tiny)(format::Metadata& metadata) = nullptr;
  /// Parts of names of tensors that files of the family may have and the graph does not read.
  std::vector<std::string_view> unread = {};
};

}  // namespace kinglet::models
