// How a family of Hugging Face models is said in the words of GGUF: a row of data for each.
//
// The same rows serve opening a folder, writing a GGUF file from one, and naming gradients and adapters in either way.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/format/hf_config.h"
#include "model/format/metadata.h"

namespace kinglet::format {

/// How rows of a tensor are ordered in a GGUF file, where that differs.
enum class RowOrder : uint8_t {
  kSame,
  kQueryHeads,  ///< Of each query head: adjacent pairs in GGUF, halves in the folder (rope_rows.h).
  kKeyHeads,    ///< Likewise, of each key head.
};

/// A tensor's two names; `*` stands for the layer's number.
struct TensorRule {
  std::string_view hf;
  std::string_view gguf;
  RowOrder rows = RowOrder::kSame;
};

/// A tensor that a folder lacks and a GGUF file has: one row of f32.
struct MadeTensor {
  std::string name;
  std::vector<float> values;
};

/// A family: one file and one line in hf_families.cpp.
struct HfFamily {
  std::string_view class_name;                ///< As config.json says under "architectures".
  std::string_view architecture;              ///< general.architecture, and the prefix of its keys.
  std::span<const TensorRule> tensors;        ///< Names with a `.bias` have rows of their own.
  std::span<const std::string_view> ignored;  ///< Endings of tensors that say nothing that the settings do not.
  /// Fills the keys; Throws Error{kUnsupported} for a setting that would change the result and is not known.
  void (*fill)(const HfConfig& config, Metadata& metadata);
  std::vector<MadeTensor> (*make)(const HfConfig& config);
  /// Whether a tensor of the folder says what another one says too: a head that is tied to the embedding.
  bool (*is_repeated)(const HfConfig& config, std::string_view hf_name);
};

/// All families.
std::span<const HfFamily> hf_families();
/// Null when there is none.
const HfFamily* find_hf_family(std::string_view class_name);

/// A tensor's rule and its name in the other spelling; nullopt when no rule has it.
struct MappedName {
  const TensorRule* rule;
  std::string name;
};
std::optional<MappedName> to_gguf_name(const HfFamily& family, std::string_view hf_name);
std::optional<MappedName> to_hf_name(const HfFamily& family, std::string_view gguf_name);

/// Ids of special tokens, and sampling settings, as generation_config.json has them (config.json where that has none).
void fill_generation(const HfConfig& config, const HfConfig* generation, Metadata& metadata);

}  // namespace kinglet::format
