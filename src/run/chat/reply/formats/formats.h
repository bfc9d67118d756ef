// How families spell calls of tools: the lists that reply_format.cpp looks through.
#pragma once

#include <string>
#include <vector>

#include "run/chat/reply/reply_format.h"

namespace kinglet::chat {

/// Parameters between tags.
std::vector<CallRow> tagged_formats();
/// The tool's name, and its arguments as an object behind it.
std::vector<CallRow> named_formats();
/// Calls as objects: {"name": ..., "arguments": ...}.
std::vector<CallRow> object_formats();
/// Spellings of a family's own, and Python's.
std::vector<CallRow> other_formats();
/// For models of which nothing shows how they call: what most small ones were taught.
CallRow usual_format();

}  // namespace kinglet::chat
