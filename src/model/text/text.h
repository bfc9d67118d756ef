// Facade of model/text: words to token ids and back, and chat templates.
//
// Tokenizer (tokenizer.h) is made from a VocabularySpec, a plain description that the caller fills from a model file;
// encode and decode are const and thread-safe. StreamDecoder (stream_decoder.h) turns tokens that come one by one into
// text that never ends within a character. Pre-tokenizers (pre_tokenizer.h) are rows of a list. All of it takes linear
// time.
//
// Kinds of vocabularies, by the name that GGUF has for each: "gpt2" is BPE over bytes (byte_bpe.h), "gemma4" BPE over
// characters (char_bpe.h), "llama" SentencePiece's BPE (sentencepiece.h), "t5" its Unigram (unigram.h), "bert"
// WordPiece (wordpiece.h). Where SentencePiece and llama.cpp differ, ids are llama.cpp's: text behind a control token
// or one that users define begins like a text of its own, with a mark for a space in front where the vocabulary adds
// one.
//
// jinja::Template (jinja/template.h) is a chat template: parsed once (an Error names the line), rendered often, by any
// number of threads at once. Its context is a dict of jinja::Value, made by hand or from JSON (jinja/json.h);
// template.h says which names templates expect in it. Templates come from model files and are not trusted:
// RenderOptions bound what they cost. go::Template (go/template.h) is the same for the templates of Ollama's models,
// and go/conversation.h what they see.
#pragma once

#include "model/text/go/template.h"
#include "model/text/jinja/template.h"
#include "model/text/stream_decoder.h"
#include "model/text/tokenizer.h"
#include "model/text/vocabulary.h"
