// Calls of tools and their results as templates want them that write them as JSON.
#pragma once

#include "home/system/json.h"

namespace kinglet::chat {

/// Messages whose calls' arguments, and contents of the role "tool", are values where they were JSON in a text, as
/// OpenAI's form has them; other texts stay. Messages of another form stay as they are.
system::Json with_tool_values(const system::Json& messages);

}  // namespace kinglet::chat
