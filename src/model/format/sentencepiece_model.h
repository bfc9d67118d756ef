// tokenizer.model: SentencePiece's file, a message of protobuf. Internal to model/format.
//
// Read are the pieces, and of the two specifications what changes ids. Source: sentencepiece_model.proto of the project
// SentencePiece; the wire format of Protocol Buffers.
#pragma once

#include <string>
#include <string_view>

#include "model/format/hf_vocabulary.h"

namespace kinglet::format {

/// BPE becomes the model "llama", Unigram "t5". `name` is the file's; ids are below `limit`. Throws Error{kInvalidFile}
/// for a damaged file, kUnsupported for another kind of model (named).
HfVocabulary read_sentencepiece_model(std::string_view bytes, const std::string& name, uint64_t limit);

}  // namespace kinglet::format
