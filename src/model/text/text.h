// Facade of model/text: words to token ids and back, and chat templates.
//
// Tokenizer (tokenizer.h) is made from a VocabularySpec, a plain description that the caller fills from a model file; encode
// and decode are const and thread-safe. StreamDecoder (stream_decoder.h) turns tokens that come one by one into text that
// never ends within a character. Pre-tokenizers (pre_tokenizer.h) are rows of a list. All of it takes linear time.
#pragma once

#include "model/text/stream_decoder.h"
#include "model/text/tokenizer.h"
#include "model/text/vocabulary.h"
