// LlamaForCausalLM: Llama 1 to 3, SmolLM2, TinyLlama and what else is built like them.
#pragma once

#include "model/format/hf_family.h"

namespace kinglet::format {

HfFamily hf_llama();

/// Divisors of the rotary frequencies under llama 3's scaling, head_dim / 2 of them: 1 for short wavelengths, `factor`
/// for long ones, blended in between. Source: transformers, modeling_rope_utils.py, _compute_llama3_parameters.
std::vector<float> llama3_rope_factors(const HfRope& rope, uint64_t head_dim, uint64_t original_context_len);

}  // namespace kinglet::format
