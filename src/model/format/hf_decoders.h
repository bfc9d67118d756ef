// The decoders of a tokenizer.json. Internal to model/format.
#pragma once

#include <vector>

#include "model/format/hf_components.h"

namespace kinglet::format {

/// Ids to text is what a vocabulary's kind says: throws Error{kUnsupported} for a decoder that does something else.
void check_decoders(const std::vector<Component>& parts);

}  // namespace kinglet::format
