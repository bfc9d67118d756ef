// How a family of Hugging Face models is said in the words of GGUF: data, and code where a layout changes.
//
// A family's file in model/models holds its HfFamily. The same rows serve opening a folder, writing a GGUF file from
// one, and naming gradients and adapters in either way.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/quant/quant.h"
#include "model/format/hf_config.h"
#include "model/format/metadata.h"
#include "model/format/safetensors.h"

namespace kinglet::format {

class HfKeys;

/// What becomes of a tensor's values on their way from a folder to a GGUF file.
enum class Change : uint8_t {
  kNone,
  kQueryHeads,  ///< Rows of each query head: halves in the folder, adjacent pairs in a file (rope_rows.h). A folder
                ///< that is run keeps its order and says so in the key rope.pairs.
  kKeyHeads,    ///< Likewise, of each key head.
  kPlusOne,     ///< w + 1: norms whose weight is stored as a distance from one.
  kTransposed,  ///< [in, out] to [out, in].
  kMinusExp,    ///< -exp(x): decay rates.
};

/// A tensor's two names; `*` stands for a number, usually the layer's. A `*` that the GGUF name lacks numbers tensors
/// (the experts of a layer) that become one [n, ...]. An empty GGUF name: `make` reads it.
struct TensorRule {
  std::string_view hf;
  std::string_view gguf;
  Change change = Change::kNone;
  bool is_bytes = false;  ///< U8 that only `make` understands.
};

/// The tensors of a folder by name, for families that make some of their own.
class HfTensors {
 public:
  virtual ~HfTensors() = default;
  /// Null where there is none. Names are those of the rules, without a prefix.
  [[nodiscard]] virtual const SafetensorsEntry* find(std::string_view name) const = 0;
  /// As find. Throws Error{kInvalidFile} where it is missing or has another shape (empty: any).
  [[nodiscard]] const SafetensorsEntry& require(std::string_view name, std::vector<uint64_t> shape = {}) const;
  /// Whether the folder is read as the file that it becomes (HfOptions::as_file).
  [[nodiscard]] virtual bool is_as_file() const noexcept { return false; }
  /// The id of a token of the folder's vocabulary; nullopt where there is none.
  [[nodiscard]] virtual std::optional<uint32_t> find_token(std::string_view /*spelling*/) const { return std::nullopt; }
  /// All values in f32.
  [[nodiscard]] static std::vector<float> values(const SafetensorsEntry& entry);
};

/// A tensor that a folder lacks in this form and a GGUF file has. `fill` writes its bytes, when they are wanted.
struct MadeTensor {
  std::string name;
  std::vector<uint64_t> shape;  ///< Outermost first.
  const quant::Format* format;
  std::function<void(std::span<std::byte>)> fill;
  /// F32 that becomes an array under the key of this name, which is the architecture's: llama.cpp takes no tensor that
  /// it does not know.
  bool is_key = false;

  [[nodiscard]] size_t size_bytes() const;
};

/// A tensor of f32 values that are at hand.
MadeTensor made_of(std::string name, std::vector<uint64_t> shape, std::vector<float> values);

/// Ids of special tokens that a configuration class has where config.json has none.
struct HfIds {
  std::optional<uint32_t> bos = std::nullopt;
  std::optional<uint32_t> eos = std::nullopt;
  std::optional<uint32_t> pad = std::nullopt;
};

/// A family's side of Hugging Face.
struct HfFamily {
  std::vector<std::string_view> classes = {};      ///< As config.json says under "architectures".
  std::string_view architecture = {};              ///< general.architecture of its files, and the prefix of its keys.
  std::vector<TensorRule> tensors = {};            ///< Names with a `.bias` have rules of their own.
  std::vector<std::string_view> prefixes = {};     ///< What may stand in front of a name and means nothing.
  std::vector<std::string_view> other_parts = {};  ///< Beginnings of tensors that are of no part of the text model.
  std::vector<std::string_view> ignored = {};      ///< Endings of tensors that say nothing that the settings do not.
  /// Fills the keys. Throws Error{kUnsupported} for a setting that would change the result and is not known.
  void (*fill)(HfKeys& keys) = nullptr;
  /// Tensors that no rule gives; null: none.
  std::vector<MadeTensor> (*make)(const HfConfig& config, const HfTensors& tensors) = nullptr;
  std::string_view quant_method = {};  ///< Of a quantization_config, where `make` knows one.
  bool is_tied = false;                ///< Where config.json does not say whether the head is the embedding.
  HfIds ids = {};
  /// Only folders whose name, `_name_or_path` or heading of README.md has this, in any case of letters: a model of a
  /// class that says less. `make` may ask for tokens.
  std::string_view called = {};
};

/// The families that a program knows (models::hf_families()).
using HfFamilies = std::span<const HfFamily>;

/// The family of a class; null where none has it. Families with a name that folders are called by are left out.
const HfFamily* find_hf_family(HfFamilies families, std::string_view class_name);
/// The family of a configuration. Throws Error{kUnsupported} that names its class and those that are known.
const HfFamily& family_of(HfFamilies families, const HfConfig& config);

/// A tensor's rule, its name in the other spelling, and the expert that it is of.
struct MappedName {
  const TensorRule* rule;
  std::string name;
  std::optional<size_t> expert_idx;
};
/// nullopt where no rule has the name.
std::optional<MappedName> to_gguf_name(const HfFamily& family, std::string_view hf_name);
/// Stacked experts keep a `*` in place of their number.
std::optional<MappedName> to_hf_name(const HfFamily& family, std::string_view gguf_name);
/// A name without the prefix that means nothing.
std::string_view without_prefix(const HfFamily& family, std::string_view hf_name);

/// Keys of GGUF for the settings; `generation` (ids of special tokens, sampling) may be null.
void fill_metadata(const HfFamily& family, const HfConfig& config, const HfConfig* generation, Metadata& metadata);

}  // namespace kinglet::format
