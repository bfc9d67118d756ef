// Tokens that end an answer: what a model's files say, not its name.
#pragma once

#include <cstdint>
#include <vector>

#include "model/format/metadata.h"
#include "model/text/text.h"
#include "run/chat/chat_template.h"

namespace kinglet::chat {

/// Ids of the ends that the file names, of the control token that the template puts behind an answer (`chat`; null: not
/// known), and of the control tokens with spellings that models end turns or texts with.
std::vector<int32_t> end_tokens_of(const format::Metadata& metadata, const text::Tokenizer& tokenizer,
                                   const ChatTemplate* chat = nullptr);

}  // namespace kinglet::chat
