// From a model file's metadata to the description that tokenizers are made from.
#pragma once

#include <memory>

#include "model/format/format.h"
#include "model/text/text.h"

namespace kinglet::chat {

/// Whether the file says anything about words.
bool has_vocabulary(const format::Metadata& metadata);

/// Reads tokenizer.ggml.*. The views point into the file. Throws Error{kInvalidFile} for what contradicts itself and
/// kUnsupported for a file without a vocabulary.
text::VocabularySpec read_vocabulary(const format::Metadata& metadata);

/// Raises the Error{kUnsupported} of a file without a vocabulary, saying what works.
[[noreturn]] void fail_without_words(const format::ModelFile& file);

/// Makes the tokenizer of a file, which outlives it.
std::unique_ptr<const text::Tokenizer> make_tokenizer(const format::ModelFile& file);

}  // namespace kinglet::chat
