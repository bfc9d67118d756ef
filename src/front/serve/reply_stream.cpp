#include "front/serve/reply_stream.h"

#include <utility>

#include "front/serve/endpoint.h"

namespace kinglet::serve {
namespace {

using std::chrono::milliseconds;

uint64_t cost_of(std::span<const chat::ReplyResult> results) {
  uint64_t n = 0;
  for (const chat::ReplyResult& one : results) n += one.usage.prompt_tokens + one.usage.completion_tokens;
  return n;
}

// Reads choices in turn: each says what it has, and the first that has something ends the waiting.
class Reader {
 public:
  explicit Reader(RunningReplies replies) : replies_(std::move(replies)), open_(replies_.choices.size(), true) {}

  // use(choice, events, is_complete) for each that has something. False when all are complete.
  template <class Use>
  bool read(milliseconds limit, const Use& use) {
    // With several choices nobody waits long for one of them: all are steps of the same engine.
    constexpr milliseconds kTurn(5);
    const milliseconds wait = n_open() > 1 ? std::min(limit, kTurn) : limit;
    for (size_t i = 0; i < open_.size(); ++i) {
      if (!open_[i]) continue;
      events_.clear();
      open_[i] = replies_.choices[i]->read(events_, wait);
      if (!events_.empty() || !open_[i]) use(i, events_, !open_[i]);
    }
    return n_open() > 0;
  }

  [[nodiscard]] const chat::ReplyResult& result(size_t choice) const { return replies_.choices[choice]->result(); }
  // Of all, when they are complete.
  [[nodiscard]] std::vector<chat::ReplyResult> results() const {
    std::vector<chat::ReplyResult> all;
    for (const auto& choice : replies_.choices) all.push_back(choice->result());
    if (replies_.charge) replies_.charge(cost_of(all));
    return all;
  }

 private:
  [[nodiscard]] size_t n_open() const { return static_cast<size_t>(std::ranges::count(open_, true)); }

  RunningReplies replies_;
  std::vector<bool> open_;
  std::vector<chat::ReplyPiece> events_;
};

class ReplyStream final : public http::BodySource {
 public:
  ReplyStream(RunningReplies replies, std::unique_ptr<ReplyWriter> writer)
      : reader_(std::move(replies)), writer_(std::move(writer)) {}

  bool read(std::string& chunk, milliseconds limit) override {
    try {
      if (!std::exchange(begun_, true)) writer_->begin(chunk);
      const bool more = reader_.read(limit, [&](size_t choice, const auto& events, bool is_complete) {
        for (const chat::ReplyPiece& event : events) writer_->take(choice, event, chunk);
        if (is_complete) writer_->end(choice, reader_.result(choice), chunk);
      });
      if (!more) writer_->finish(reader_.results(), chunk);
      return more;
    } catch (const Error& error) {
      // The status is out already: the dialect says it in the stream.
      writer_->fail(error, chunk);
      return false;
    }
  }

 private:
  Reader reader_;
  std::unique_ptr<ReplyWriter> writer_;
  bool begun_ = false;
};

}  // namespace

RunningReplies running_replies(RequestContext& context, std::shared_ptr<void> model) {
  RunningReplies made{std::move(model), {}, {}};
  if (context.caller != nullptr) {
    made.charge = [access = context.services.access, caller = context.caller](uint64_t n_tokens) {
      access->charge(caller, n_tokens);
    };
  }
  return made;
}

http::Response respond(RunningReplies replies, std::unique_ptr<ReplyWriter> writer, bool streams,
                       const http::Cancel& cancel) {
  if (streams) {
    http::Response made;
    made.headers.emplace_back("Content-Type", writer->content_type());
    made.headers.emplace_back("Cache-Control", "no-cache");
    made.stream = std::make_unique<ReplyStream>(std::move(replies), std::move(writer));
    return made;
  }
  constexpr milliseconds kLookUp(50);
  Reader reader(std::move(replies));
  while (reader.read(kLookUp, [](size_t, const auto&, bool) {})) {
    if (cancel.requested()) fail(ErrorCode::kCancelled, "the client is gone");
  }
  return json_response(writer->whole(reader.results()));
}

}  // namespace kinglet::serve
