// What a reply with tools may be, as a grammar: a call always names a tool that there is, and its arguments satisfy the
// tool's schema.
#pragma once

#include <string>
#include <string_view>

#include "model/grammar/grammar.h"
#include "model/text/text.h"
#include "run/chat/reply/reply.h"
#include "run/chat/reply/reply_format.h"
#include "run/chat/reply/tool_set.h"

namespace kinglet::chat {

/// Replies of this format, thinking before them where the model thinks. `opened`: ReplyFormat::opened_by of the prompt.
/// With kAuto text is free until what begins a call; with kRequired and kNamed there is none, and with kNamed one call.
/// Where values stand without JSON's quotes, the keywords of strings (pattern, length) are not enforced, and in Gemma's
/// notation only the names of parameters are. Throws Error{kInvalidArgument} where there is no tool of the name or none
/// at all, and as Grammar::from_schema.
grammar::Grammar call_grammar(const ReplyFormat& format, const ToolSet& tools, const ToolUse& use,
                              const text::Tokenizer& tokenizer, std::string_view opened);

}  // namespace kinglet::chat
