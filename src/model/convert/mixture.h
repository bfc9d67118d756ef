// The field's named mixtures: which type each tensor of a file gets, so that the sensitive ones keep more bits.
//
// A mixture has a main type and rules that differ from it by the tensor's role, its layer and the shape of the model.
// The rules are facts of the field (llama.cpp, src/llama-quant.cpp); mixture.cpp has them as one table. Roles come from
// names. tests/quant/mixture_golden_test.cpp compares with what llama-quantize chose.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/format/format.h"

namespace kinglet::convert {

struct Mixture {
  std::string_view name;    ///< "Q4_K_M".
  uint32_t file_type;       ///< general.file_type.
  std::string_view format;  ///< The main type.
};

/// All of them.
std::span<const Mixture> mixtures() noexcept;

/// By name, without regard to letter case; Q3_K, Q4_K and Q5_K are the M mixtures, MXFP4 is MXFP4_MOE. Throws
/// Error{kInvalidArgument} with the list of names.
const Mixture& mixture_named(std::string_view name);

/// What the user says about tensors.
struct TensorRule {
  std::string pattern;  ///< A part of the name; * stands for any characters.
  const quant::Format* format;
};

/// Reads "PATTERN=TYPE". Throws Error{kInvalidArgument}.
TensorRule parse_tensor_rule(std::string_view text);

/// Whether the pattern is found in the name.
bool matches(std::string_view pattern, std::string_view name) noexcept;

struct MixtureOptions {
  std::span<const TensorRule> rules = {};  ///< The first that matches decides, before the mixture.
  bool pure = false;                       ///< All matrices get the main type.
  bool leave_output = false;               ///< output.weight stays as it is.
  bool has_importance = false;             ///< Some mixtures dare more with an importance matrix.
};

/// A tensor and what becomes of it.
struct TensorChoice {
  const format::TensorEntry* tensor;
  const quant::Format* format;
  bool is_fallback = false;       ///< The mixture's type has blocks that its rows are no multiple of.
  bool needs_importance = false;  ///< Too few bits to be chosen without an importance matrix.
};

/// Whether tensors of this name and shape are quantized at all: matrices, but for norms, routers, positions and what is
/// small and read as plain numbers.
bool is_quantized(const format::TensorEntry& tensor) noexcept;

/// The choice for each tensor, in the order that files of the field have: by layer, then by name. Throws
/// Error{kUnsupported} where a type has no encoder, kInvalidFile for a tensor of a type that cannot be decoded,
/// kInvalidArgument for a rule whose pattern is in no tensor's name.
std::vector<TensorChoice> choose_formats(const format::ModelFile& file, const Mixture& mixture,
                                         const MixtureOptions& options = {});

}  // namespace kinglet::convert
