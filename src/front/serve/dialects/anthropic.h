// Anthropic's words: messages of content blocks, and how replies are written.
// Source: Anthropic's Messages API reference.
#pragma once

#include <string>

#include "front/serve/fields.h"
#include "front/serve/reply_stream.h"
#include "run/chat/chat.h"

namespace kinglet::serve::anthropic {

/// Messages as templates see them, the system text first. Throws ApiError for what is no message, and for blocks that
/// no model here can read.
Json template_messages(const Json& messages, const Json& system);

/// `tools` and `tool_choice`. Throws ApiError.
chat::ToolUse tool_use_of(const Json& tools, const Json& choice);

/// message, and the events of its stream.
class Writer final : public ReplyWriter {
 public:
  Writer(std::string model, size_t n_prompt);
  [[nodiscard]] std::string_view content_type() const noexcept override { return "text/event-stream"; }
  void begin(std::string& out) override;
  void take(size_t choice, const chat::ReplyPiece& event, std::string& out) override;
  void end(size_t choice, const chat::ReplyResult& result, std::string& out) override;
  void finish(std::span<const chat::ReplyResult> /*results*/, std::string& /*out*/) override {}
  void fail(const Error& error, std::string& out) override;
  Json whole(std::span<const chat::ReplyResult> results) override;

 private:
  enum class Block : uint8_t { kNone, kText, kThinking, kCall };
  void open(Block kind, Json block, std::string& out);
  void close(std::string& out);
  Json message(JsonArray content) const;
  static void put_stop(const chat::ReplyResult& result, Json& into);

  std::string model_;
  std::string id_;
  size_t n_prompt_;
  Block block_ = Block::kNone;
  size_t n_blocks_ = 0;
};

}  // namespace kinglet::serve::anthropic
