// The pre-tokenizers of a tokenizer.json: how a text is cut into words. Internal to model/format.
#pragma once

#include <string>
#include <vector>

#include "model/format/hf_components.h"

namespace kinglet::format {

/// What the pre-tokenizers say, together.
struct Cutting {
  std::vector<std::string> cuts;  ///< Patterns, each cutting the words of the one before.
  bool has_bytes = false;         ///< ByteLevel.
  bool has_metaspace = false;
  bool has_bert = false;
  bool splits_spaces = false;  ///< WhitespaceSplit.
  bool add_prefix_space = false;
};

/// Throws Error{kUnsupported} for one that is not known, or cuts in a way that patterns cannot say.
Cutting read_pre_tokenizers(const std::vector<Component>& parts);

}  // namespace kinglet::format
