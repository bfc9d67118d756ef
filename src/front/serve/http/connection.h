// A connection: one request after the other, each answered before the next is looked at.
//
// It lives on one loop's thread and is a small machine: opening, head, body, (sinking), handling, answering, and again.
// Bytes that a client sends ahead wait in a buffer of bounded size. While a worker has the turn the connection still
// reads, to notice at once when the client goes. Time limits are looked at by tick(), ten times a second.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "front/serve/http/loop.h"
#include "front/serve/http/request_head.h"
#include "front/serve/http/serving.h"
#include "front/serve/http/stream.h"
#include "front/serve/http/turn.h"

namespace kinglet::serve::http {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// `on_closed` is called once, when the socket is closed. The loop and what is shared outlive the connection.
  Connection(Serving& serving, Loop& loop, std::unique_ptr<Stream> stream, bool is_unix, std::string peer,
             std::function<void(Connection&)> on_closed);

  void start();
  /// Looks at the time limits.
  void tick(Clock::time_point now);
  /// Ends it behind the answer that is under way; at once where there is none.
  void stop();
  /// Cancels the answer that is under way, as the server stops.
  void cancel();
  void close(Outcome outcome);

 private:
  enum class Part { kOpening, kHead, kBody, kSinking, kHandling, kAnswering, kLingering, kClosed };

  template <class Work>
  void guarded(const Work& work);
  template <class Step, class Then>
  void on_worker(Step step, Then then);
  void write(std::string bytes, void (Connection::*then)());

  void begin_request();
  void read_more();
  void on_read(size_t n_bytes);
  void on_end();
  void read_head();
  void begin_turn(RequestHead head);
  std::optional<Refusal> check_source(const RequestHead& head, const std::string& authority);
  void answer_preflight();
  void begin_body();
  void read_body();
  void take_in();
  void handle();
  void keep_watch();

  void refuse(const Refusal& refusal, bool stay = false);
  void refuse_malformed(const Refusal& refusal);
  void refuse_busy(std::string_view why);
  void answer();
  void send_rest();
  void pull();
  void send_chunk();
  void end_turn();
  void let_go();
  void record(Outcome outcome);
  void linger();
  void on_late();

  Serving& serving_;
  Loop& loop_;
  std::unique_ptr<Stream> stream_;
  const bool is_unix_;
  const std::string peer_;
  std::function<void(Connection&)> on_closed_;

  Part part_ = Part::kOpening;
  std::optional<Clock::time_point> deadline_;
  std::array<char, size_t{16} << 10> piece_;
  std::string in_;   ///< Came, and not yet taken.
  std::string out_;  ///< Being written.
  HeadScanner scanner_;
  std::shared_ptr<Turn> turn_;
  size_t n_sent_ = 0;  ///< Of the answer's body.
  uint64_t n_in_window_ = 0;
  bool reading_ = false;
  bool writing_ = false;
  bool may_skip_line_ = true;
  bool at_worker_ = false;  ///< The turn.
  bool streaming_ = false;  ///< More of the answer's stream is to come.
  bool peer_gone_ = false;
  bool stays_ = false;  ///< Behind this answer.
};

}  // namespace kinglet::serve::http
