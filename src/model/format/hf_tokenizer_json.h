// tokenizer.json of a folder. Internal to model/format.
#pragma once

#include <optional>
#include <string>

#include "home/system/json.h"
#include "model/format/hf_vocabulary.h"

namespace kinglet::format {

/// Reads all of it, strictly: a component that is not known is refused, as it would change the ids. `limit`: ids are
/// below. Throws Error{kInvalidFile}, Error{kUnsupported}. Source: the serialization of the Python package tokenizers.
HfVocabulary read_tokenizer_json(const system::Json& root, const std::string& name, uint64_t limit);

}  // namespace kinglet::format
