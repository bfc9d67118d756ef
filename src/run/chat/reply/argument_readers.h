// The pieces of a call that hold its arguments: an object, a call as an object, parameters between tags, Python's
// keywords.
#pragma once

#include <memory>

#include "run/chat/reply/call_pattern.h"
#include "run/chat/reply/call_sink.h"

namespace kinglet::chat {

/// Bytes that are kept where something must be known before they can be given on.
inline constexpr size_t kMaxHeldArguments = size_t{1} << 20;

/// `tool`: the call's, null for kCallObject, which names it. All outlive the reader.
std::unique_ptr<ArgumentsReader> make_arguments_reader(const Pattern& pattern, const Tool* tool, CallSink& sink);

}  // namespace kinglet::chat
