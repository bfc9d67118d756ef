// Parameters between tags: <parameter=city>Paris</parameter>.
#pragma once

#include <string>

#include "run/chat/reply/call_pattern.h"
#include "run/chat/reply/call_sink.h"

namespace kinglet::chat {

/// Strings are given on while they come; other values when they are complete. What the tool's schema leaves open is
/// JSON where it can be read so, else a string.
class TaggedArguments : public ArgumentsReader {
 public:
  TaggedArguments(const TagForm& form, const Tool& tool, CallSink& sink) : form_(form), tool_(tool), sink_(sink) {}
  size_t take(std::string_view text, bool at_end) override;
  [[nodiscard]] std::string held() const override { return value_; }

 private:
  enum class At : uint8_t { kBetween, kKey, kAttributes, kString, kValue };
  size_t step(std::string_view text, bool& needs_more);
  size_t step_between(std::string_view text, bool& needs_more);
  size_t step_key(std::string_view text, bool& needs_more);
  size_t step_attributes(std::string_view text, bool& needs_more);
  size_t step_value(std::string_view text, bool& needs_more);
  void begin_value(std::string_view attributes);
  void end_value();
  void give_string(std::string_view text);
  [[nodiscard]] size_t n_surely_value(std::string_view text) const;

  const TagForm& form_;
  const Tool& tool_;
  CallSink& sink_;
  At at_ = At::kBetween;
  ParameterKind kind_ = ParameterKind::kEither;
  std::string key_;
  std::string value_;
  size_t n_keys_ = 0;
  bool has_begun_ = false;
  bool is_first_ = false;  // nothing of the string has come yet
};

}  // namespace kinglet::chat
