// Facade of run/chat: a model with its words.
//
// LoadedModel (loaded_model.h) is a model file with its tokenizer, chat template (chat_template.h), end tokens and
// engine; it turns messages into a prompt and starts an Answer (answer.h), which gives the text as it comes. Settings
// (settings.h) are how answers are chosen, in layers. StopStrings and LiteralMarks are parts of these with files of
// their own. A Reply (reply/reply.h) is an answer whose thinking and calls of tools are known from its text, by the
// ReplyFormat (reply/reply_format.h) of the model. ModelHost (model_host.h) keeps several models (HostedModel:
// generation, embedding, rerank) within a memory budget and gives them out by name. Thread rules: a ModelHost, a
// HostedModel and a LoadedModel may be used from several threads at once; an Answer and a Reply belong to one thread.
#pragma once

#include "run/chat/answer.h"
#include "run/chat/chat_template.h"
#include "run/chat/loaded_model.h"
#include "run/chat/model_host.h"
#include "run/chat/model_source.h"
#include "run/chat/reply/reply.h"
#include "run/chat/settings.h"
#include "run/chat/vocabulary.h"
