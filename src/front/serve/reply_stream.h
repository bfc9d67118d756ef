// From replies of a model to the bytes of a response: whole, or piece by piece.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "front/serve/endpoint.h"
#include "home/system/json.h"
#include "run/chat/reply/reply.h"

namespace kinglet::serve {

/// How one dialect writes replies. One for each request.
class ReplyWriter {
 public:
  virtual ~ReplyWriter() = default;

  /// Of a stream.
  [[nodiscard]] virtual std::string_view content_type() const noexcept = 0;
  /// What comes before all pieces.
  virtual void begin(std::string& /*out*/) {}
  virtual void take(size_t choice, const chat::ReplyPiece& event, std::string& out) = 0;
  /// One choice is complete.
  virtual void end(size_t choice, const chat::ReplyResult& result, std::string& out) = 0;
  /// All are.
  virtual void finish(std::span<const chat::ReplyResult> results, std::string& out) = 0;
  /// Nothing more comes after this.
  virtual void fail(const Error& error, std::string& out) = 0;

  /// Not streamed: one document for all choices.
  virtual system::Json whole(std::span<const chat::ReplyResult> results) = 0;
};

/// Replies that run side by side, with what they need to live.
struct RunningReplies {
  std::shared_ptr<void> model;  ///< A lease: the model stays as long as replies run.
  std::vector<std::unique_ptr<chat::Reply>> choices;
  std::function<void(uint64_t n_tokens)> charge = {};  ///< Told what the replies cost, once they are over.
};

/// Of a request: the model is kept, and the cost goes to the client's key.
RunningReplies running_replies(RequestContext& context, std::shared_ptr<void> model);

/// Gives the replies, as a stream or whole. Whole ones end early where `cancel` says so.
http::Response respond(RunningReplies replies, std::unique_ptr<ReplyWriter> writer, bool streams,
                       const http::Cancel& cancel);

}  // namespace kinglet::serve
