// Arguments that are an object, and Python's keywords.
#pragma once

#include <optional>
#include <string>

#include "run/chat/reply/call_sink.h"

namespace kinglet::chat {

/// {"a": 1}: JSON, or a family's own spelling of it.
class ObjectArguments : public ArgumentsReader {
 public:
  ObjectArguments(std::string_view raw_quote, CallSink& sink) : sink_(sink), value_(raw_quote) {}
  size_t take(std::string_view text, bool at_end) override;
  [[nodiscard]] std::string held() const override { return value_.held(); }

 private:
  CallSink& sink_;
  ValueReader value_;
  bool begun_ = false;
};

/// a=1, b='x') with the bracket.
class KeywordArguments : public ArgumentsReader {
 public:
  explicit KeywordArguments(CallSink& sink) : sink_(sink) {}
  size_t take(std::string_view text, bool at_end) override;
  [[nodiscard]] std::string held() const override { return value_ ? value_->held() : key_; }

 private:
  CallSink& sink_;
  std::optional<ValueReader> value_;
  std::string key_;
  size_t n_keys_ = 0;
  bool begun_ = false;
};

}  // namespace kinglet::chat
