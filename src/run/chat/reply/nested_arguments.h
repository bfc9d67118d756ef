// Arguments as elements inside of elements, each behind a mark of the family's own.
#pragma once

#include <string>

#include "run/chat/reply/call_sink.h"

namespace kinglet::chat {

/// M<city>ParisM</city>M<days>M<item>1M</item>M</days>, with M the mark in front of each tag. Objects and lists are
/// elements, of lists "item"; the rest is text, whose type the tool's schema tells. Given on when it is complete.
class NestedArguments : public ArgumentsReader {
 public:
  /// `end`: what stands behind the last element, with its mark.
  NestedArguments(std::string mark, std::string end, const Tool& tool, CallSink& sink)
      : mark_(std::move(mark)), end_(std::move(end)), tool_(tool), sink_(sink) {}
  size_t take(std::string_view text, bool at_end) override;

 private:
  bool element(std::string_view& text, const system::Json* schema, std::string& json, int depth) const;
  bool elements(std::string_view& text, const system::Json* schema, std::string& json, int depth) const;

  std::string mark_;
  std::string end_;
  const Tool& tool_;
  CallSink& sink_;
};

}  // namespace kinglet::chat
