// A call as an object: {"name": "add", "arguments": {"a": 1}}.
#pragma once

#include <string>

#include "run/chat/reply/call_sink.h"

namespace kinglet::chat {

/// Members come in any order; the keys that families and small models use are all known, and an object in "function" is
/// a part of this one. Arguments may be a string that holds JSON.
class CallObject : public ArgumentsReader {
 public:
  /// `is_bare`: an object with a member that no call has is none.
  CallObject(bool is_bare, CallSink& sink) : sink_(sink), is_bare_(is_bare) {}
  size_t take(std::string_view text, bool at_end) override;
  [[nodiscard]] std::string held() const override { return at_ == At::kValue ? reader_.held() : std::string(); }

 private:
  enum class At : uint8_t { kBegin, kMember, kKey, kColon, kValueBegin, kValue };
  enum class Member : uint8_t { kName, kArguments, kFunction, kOther };
  bool step(std::string_view text, size_t& n);
  bool begin_value(char c, size_t& n);
  void read(std::string_view text, size_t& n);
  bool end_key();
  bool end_value();
  bool end_object();

  CallSink& sink_;
  bool is_bare_;
  At at_ = At::kBegin;
  Member member_ = Member::kOther;
  ValueReader reader_;
  std::string json_;  // of the key or value that is being read; arguments are given on where that is possible
  std::string early_arguments_;  // that came before the name
  int depth_ = 0;                // of objects in "function"
  bool is_named_ = false;
  bool has_begun_ = false;
  bool has_arguments_ = false;
};

}  // namespace kinglet::chat
