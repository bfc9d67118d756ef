// The post-processors of a tokenizer.json: special tokens around a text and between two. Internal to model/format.
#pragma once

#include <vector>

#include "model/format/hf_components.h"
#include "model/format/hf_vocabulary.h"

namespace kinglet::format {

/// Sets add_bos, add_eos, add_sep and the ids of their tokens, which `made` has. Throws Error{kInvalidFile} for a token
/// that it lacks, kUnsupported for what is not known, or is more than one token on a side.
void read_post_processors(const std::vector<Component>& parts, HfVocabulary& made);

}  // namespace kinglet::format
