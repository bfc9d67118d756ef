// tekken.json of a folder: the words of Mistral's newer models. Internal to model/format.
//
// Source: the Python package mistral-common (tekken.py), and what llama.cpp's converter makes of it.
#pragma once

#include <string>

#include "home/system/json.h"
#include "model/format/hf_vocabulary.h"

namespace kinglet::format {

/// Byte-level BPE: the special tokens come first, then tokens in the order of their ranks, of which every way to make a
/// token of two others is a merge. `name` is the file's; ids are below `limit`. Throws Error{kInvalidFile}.
HfVocabulary read_tekken(const system::Json& root, const std::string& name, uint64_t limit);

}  // namespace kinglet::format
