#include "run/chat/reply/argument_readers.h"

#include "core/base/base.h"
#include "run/chat/reply/call_object.h"
#include "run/chat/reply/nested_arguments.h"
#include "run/chat/reply/object_arguments.h"
#include "run/chat/reply/tagged_arguments.h"

namespace kinglet::chat {

std::unique_ptr<ArgumentsReader> make_arguments_reader(const Pattern& pattern, const Tool* tool, CallSink& sink) {
  if (pattern.kind == Pattern::Kind::kCallObject) return std::make_unique<CallObject>(pattern.is_bare, sink);
  KINGLET_CHECK(tool != nullptr, "a pattern names the tool in front of its arguments");
  if (pattern.kind == Pattern::Kind::kTags) return std::make_unique<TaggedArguments>(pattern.tags, *tool, sink);
  if (pattern.kind == Pattern::Kind::kNested)
    return std::make_unique<NestedArguments>(pattern.text, pattern.tags.end, *tool, sink);
  if (pattern.kind == Pattern::Kind::kKeywords) return std::make_unique<KeywordArguments>(sink);
  return std::make_unique<ObjectArguments>(pattern.raw_quote, sink);
}

}  // namespace kinglet::chat
