#include "front/serve/http/connection.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <exception>
#include <functional>
#include <utility>

#include "core/base/str.h"
#include "front/serve/http/response_head.h"
#include "front/serve/http/target.h"
#include "front/serve/http/trace.h"

namespace kinglet::serve::http {
namespace {

using std::chrono::milliseconds;

constexpr size_t kSliceBytes = size_t{64} << 10;  // Of an answer, written at once.
constexpr size_t kSinkBytes = size_t{256} << 10;  // Of a body, handed to its sink at once.
constexpr uint64_t kMinBytesPerS = 1024;
constexpr milliseconds kLingerTime{1000};

bool is_usable_id(std::string_view id) { return is_token(id) && id.size() <= 128; }

std::string hex(size_t value) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  return {digits.data(), end};
}

// The words of Access-Control-Request-Headers, if they are words.
std::string allowed_headers(std::string_view asked) {
  std::string out;
  while (!asked.empty()) {
    const size_t comma = asked.find(',');
    const std::string_view name = trimmed(asked.substr(0, comma));
    if (is_token(name)) out += str(out.empty() ? "" : ", ", name);
    asked.remove_prefix(comma == std::string_view::npos ? asked.size() : comma + 1);
  }
  return out;
}

uint64_t us_since(Clock::time_point start) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count());
}

}  // namespace

Connection::Connection(Serving& serving, Loop& loop, std::unique_ptr<Stream> stream, bool is_unix, std::string peer,
                       std::function<void(Connection&)> on_closed)
    : serving_(serving),
      loop_(loop),
      stream_(std::move(stream)),
      is_unix_(is_unix),
      peer_(std::move(peer)),
      on_closed_(std::move(on_closed)),
      scanner_(serving.head_limits) {}

// No exception may reach the loop: whatever goes wrong costs this connection alone.
template <class Work>
void Connection::guarded(const Work& work) {
  if (part_ == Part::kClosed) return;
  try {
    work();
  } catch (const std::exception&) {
    close(Outcome::kFailed);
  }
}

// A step of the turn by a worker, then back on the loop. The turn stays this connection's meanwhile.
template <class Step, class Then>
void Connection::on_worker(Step step, Then then) {
  at_worker_ = true;
  serving_.workers.run([self = shared_from_this(), step, then]() mutable {
    std::invoke(step, *self->turn_);
    Loop& loop = self->loop_;
    // Moved, so that all ends on the loop, in order.
    loop.post([self = std::move(self), then] {
      self->at_worker_ = false;
      self->guarded([&] { std::invoke(then, *self); });
      if (self->part_ == Part::kClosed) self->let_go();
    });
  });
}

// What is left of a turn ends on a worker, as it may block.
void Connection::let_go() {
  if (turn_ && (turn_->response.stream || turn_->request.sink)) {
    serving_.workers.run([turn = turn_] {
      turn->response.stream.reset();
      turn->request.sink.reset();
    });
  }
  turn_.reset();
}

void Connection::write(std::string bytes, void (Connection::*then)()) {
  out_ = std::move(bytes);
  writing_ = true;
  deadline_ = Clock::now() + serving_.limits.write_time;
  serving_.counters.n_bytes_out.fetch_add(out_.size(), std::memory_order_relaxed);
  stream_->write(out_, [self = shared_from_this(), then](bool ok) {
    self->guarded([&] {
      self->writing_ = false;
      self->deadline_.reset();
      if (!ok) return self->close(Outcome::kClientGone);
      (self.get()->*then)();
    });
  });
}

void Connection::start() {
  deadline_ = Clock::now() + serving_.limits.head_time;
  stream_->open([self = shared_from_this()](bool ok) {
    self->guarded([&] { ok ? self->begin_request() : self->close(Outcome::kClientGone); });
  });
}

void Connection::begin_request() {
  part_ = Part::kHead;
  scanner_ = HeadScanner(serving_.head_limits);
  may_skip_line_ = true;
  if (in_.empty()) {
    in_ = {};
    out_ = {};
  }
  deadline_ = Clock::now() + (in_.empty() ? serving_.limits.idle_time : serving_.limits.head_time);
  in_.empty() ? read_more() : read_head();
}

void Connection::read_more() {
  if (reading_) return;
  reading_ = true;
  stream_->read(piece_, [self = shared_from_this()](size_t n) { self->guarded([&] { self->on_read(n); }); });
}

void Connection::on_read(size_t n_bytes) {
  reading_ = false;
  if (n_bytes == 0) return on_end();
  serving_.counters.n_bytes_in.fetch_add(n_bytes, std::memory_order_relaxed);
  if (part_ == Part::kLingering) return read_more();
  if (part_ == Part::kHead && in_.empty()) deadline_ = Clock::now() + serving_.limits.head_time;
  in_.append(piece_.data(), n_bytes);
  n_in_window_ += n_bytes;
  if (part_ == Part::kHead) {
    read_head();
  } else if (part_ == Part::kBody && !writing_) {
    read_body();
  } else {
    keep_watch();
  }
}

// Reads ahead what fits, so that the end of the connection is seen.
void Connection::keep_watch() {
  if (!peer_gone_ && in_.size() < piece_.size()) read_more();
}

void Connection::on_end() {
  peer_gone_ = true;
  switch (part_) {
    case Part::kHandling:
      // The client may have closed its side alone: what is answered soon is still sent.
      turn_->cancel.request(CancelReason::kClientGone);
      return;
    case Part::kSinking:
      return;
    case Part::kAnswering:
      if (!streaming_) return;
      [[fallthrough]];
    default:
      close(Outcome::kClientGone);
  }
}

void Connection::read_head() {
  // Some clients leave an empty line behind a body.
  if (may_skip_line_ && in_.starts_with("\r\n")) {
    in_.erase(0, 2);
    may_skip_line_ = false;
  }
  if (in_.empty() || (may_skip_line_ && in_ == "\r")) return read_more();
  const auto n_bytes = scanner_.scan(in_);
  if (!n_bytes) return refuse_malformed(n_bytes.error());
  if (n_bytes.value() == 0) return read_more();
  auto head = parse_head(std::string_view(in_).substr(0, n_bytes.value()), serving_.head_limits);
  if (!head) return refuse_malformed(head.error());
  in_.erase(0, n_bytes.value());
  begin_turn(head.take());
}

void Connection::begin_turn(RequestHead head) {
  turn_ = std::make_shared<Turn>(serving_);
  turn_->minor_version = head.minor_version;
  turn_->record.method = head.method;
  const auto framing = framing_of(head);
  if (!framing) return refuse_malformed(framing.error());
  turn_->framing = framing.value();
  auto target = parse_target(head.method, head.target);
  if (!target) return refuse_malformed(target.error());
  Target parts = target.take();
  turn_->record.path = parts.path;
  const auto id = head.headers.find("x-request-id");
  turn_->request = {.method = head.method,
                    .path = std::move(parts.path),
                    .query = std::move(parts.query),
                    .headers = {},
                    .body = {},
                    .sink = {},
                    .peer = peer_,
                    .id = id && is_usable_id(*id) ? std::string(*id) : serving_.ids.next(),
                    .trace_id = trace_id_of(head.headers.find("traceparent").value_or("")),
                    .tls = serving_.tls && !is_unix_};
  turn_->record.id = turn_->request.id;
  turn_->record.trace_id = turn_->request.trace_id;
  turn_->is_counted = true;
  serving_.counters.n_requests.fetch_add(1, std::memory_order_relaxed);
  serving_.counters.n_requests_now.fetch_add(1, std::memory_order_relaxed);
  if (const auto refusal = check_source(head, parts.authority)) {
    if (refusal->status == 400) return refuse_malformed(*refusal);
    return refuse(*refusal, true);
  }
  turn_->request.headers = std::move(head.headers);
  const bool is_preflight = turn_->request.method == "OPTIONS" && !turn_->allowed_origin.empty() &&
                            turn_->request.headers.count("access-control-request-method") > 0;
  is_preflight ? answer_preflight() : begin_body();
}

// Where the request comes from: which name led here, and whose page asks.
std::optional<Refusal> Connection::check_source(const RequestHead& head, const std::string& authority) {
  const std::string_view host = head.headers.find("host").value_or("");
  const std::string_view named = authority.empty() ? host : std::string_view(authority);
  if (!authority.empty() && !host.empty() && !same_word(authority, host)) {
    return Refusal{400, "the target and Host name different hosts"};
  }
  if (!named.empty()) {
    const auto parsed = parse_authority(named);
    if (!parsed) return Refusal{400, "Host is no host"};
    if (!is_unix_ && !serving_.hosts.allows(*parsed)) {
      return Refusal{403, str("this server does not answer to the name \"", parsed->host, "\"")};
    }
  }
  if (const auto origin = head.headers.find("origin")) {
    if (head.headers.count("origin") > 1) return Refusal{400, "Origin is there more than once"};
    if (!serving_.origins.allows(*origin, turn_->request.tls, named)) {
      return Refusal{403, str("pages of \"", *origin, "\" may not ask this server")};
    }
    turn_->allowed_origin = *origin;
  }
  return std::nullopt;
}

void Connection::answer_preflight() {
  Response& response = turn_->response;
  const Headers& headers = turn_->request.headers;
  response.status = 204;
  response.headers = {{"Access-Control-Allow-Methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"},
                      {"Access-Control-Max-Age", "600"}};
  if (const auto asked = headers.find("access-control-request-headers")) {
    response.headers.emplace_back("Access-Control-Allow-Headers", allowed_headers(*asked));
  }
  if (headers.find("access-control-request-private-network") == "true") {
    response.headers.emplace_back("Access-Control-Allow-Private-Network", "true");
  }
  stays_ = true;
  answer();
}

void Connection::begin_body() {
  Turn& turn = *turn_;
  stays_ = true;
  try {
    turn.rule = serving_.handler.body_rule(turn.request);
  } catch (const std::exception&) {
    return refuse({500, "an internal error"}, true);
  }
  if (turn.rule.refusal) {
    turn.response = std::move(*turn.rule.refusal);
    return answer();
  }
  const auto coding = turn.request.headers.find("content-encoding");
  if (turn.framing.has_body() && coding && !same_word(*coding, "identity")) {
    return refuse({415, "a body must come without a Content-Encoding"}, true);
  }
  turn.body.emplace(turn.framing, turn.rule.max_bytes);
  std::string_view nothing;
  if (const auto refusal = turn.body->feed(nothing, turn.request.body)) return refuse(*refusal);
  if (turn.rule.sink) {
    turn.place = serving_.workers.take_place(turn.rule.urgent);
    if (!turn.place) return refuse_busy("all workers are taken");
  }
  part_ = Part::kBody;
  n_in_window_ = 0;
  deadline_ = Clock::now() + serving_.limits.body_time;
  if (turn.framing.expects_continue && in_.empty())
    return write("HTTP/1.1 100 Continue\r\n\r\n", &Connection::read_body);
  read_body();
}

void Connection::read_body() {
  Turn& turn = *turn_;
  if (!deadline_) deadline_ = Clock::now() + serving_.limits.body_time;
  std::string_view rest = in_;
  const auto refusal = turn.body->feed(rest, turn.request.body);
  in_.erase(0, in_.size() - rest.size());
  turn.record.n_body_bytes_in = turn.body->size();
  if (refusal) return refuse(*refusal);
  if (!turn.hold(turn.request.body.size())) return refuse_busy("too many bytes of requests are held");
  const bool is_done = turn.body->done();
  if (turn.rule.sink && (is_done || turn.request.body.size() >= kSinkBytes)) return take_in();
  is_done ? handle() : read_more();
}

void Connection::take_in() {
  part_ = Part::kSinking;
  deadline_.reset();
  keep_watch();
  on_worker(&Turn::take_in, [](Connection& self) {
    Turn& turn = *self.turn_;
    if (turn.failure) return self.refuse(*turn.failure);
    if (turn.body->done()) return self.handle();
    self.part_ = Part::kBody;
    self.n_in_window_ = 0;
    self.read_body();
  });
}

void Connection::handle() {
  if (!turn_->place) turn_->place = serving_.workers.take_place(turn_->rule.urgent);
  if (!turn_->place) return refuse_busy("all workers are taken");
  part_ = Part::kHandling;
  deadline_.reset();
  keep_watch();
  on_worker(&Turn::handle, &Connection::answer);
}

// --- answers ---

void Connection::refuse(const Refusal& refusal, bool stay) {
  if (!turn_) turn_ = std::make_shared<Turn>(serving_);
  stays_ = stay;
  turn_->response = serving_.refused(refusal.status, refusal.message, turn_->record.path);
  answer();
}

void Connection::refuse_malformed(const Refusal& refusal) {
  serving_.counters.n_malformed.fetch_add(1, std::memory_order_relaxed);
  refuse(refusal);
}

void Connection::refuse_busy(std::string_view why) {
  serving_.counters.n_busy.fetch_add(1, std::memory_order_relaxed);
  turn_->response = serving_.refused(503, str("the server is busy: ", why), turn_->record.path);
  auto& headers = turn_->response.headers;
  const bool says_when =
      std::ranges::any_of(headers, [](const auto& header) { return same_word(header.first, "Retry-After"); });
  if (!says_when) headers.emplace_back("Retry-After", "1");
  answer();
}

void Connection::answer() {
  Turn& turn = *turn_;
  Response& response = turn.response;
  // The work behind a stream is cancelled already where its client has gone.
  if (peer_gone_ && response.stream) return close(Outcome::kClientGone);
  part_ = Part::kAnswering;
  n_sent_ = 0;
  stays_ = stays_ && turn.framing.keep_alive && !turn.has_unread_body() && !peer_gone_ && !serving_.stopping;
  if (!turn.record.id.empty()) response.headers.emplace_back("X-Request-Id", turn.record.id);
  if (!turn.allowed_origin.empty()) {
    response.headers.emplace_back("Access-Control-Allow-Origin", turn.allowed_origin);
    response.headers.emplace_back("Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
    response.headers.emplace_back("Vary", "Origin");
  }
  const bool has_body = response.status != 204 && response.status != 304;
  const bool is_shown = has_body && turn.record.method != "HEAD";
  AnswerFraming framing;
  if (response.stream) {
    framing.chunked = has_body && turn.minor_version == 1;
    if (is_shown && !framing.chunked) stays_ = false;
  } else if (has_body) {
    framing.length = response.body.size();
  }
  framing.close = !stays_;
  framing.keep_alive = stays_ && turn.minor_version == 0;
  std::string head;
  try {
    head = response_head(response, framing, std::time(nullptr));
  } catch (const Error&) {
    if (turn.broken) throw;
    turn.broken = true;
    return refuse({500, "an internal error"});
  }
  turn.broken = false;
  turn.let_go_of_body();
  // A whole answer needs no worker any more, however slowly it is read.
  if (!response.stream) turn.place.reset();
  turn.record.status = response.status;
  turn.record.first_byte_us = us_since(turn.start);
  if (!is_shown) response.body.clear();
  if (!response.stream) {
    n_sent_ = std::min(response.body.size(), kSliceBytes);
    return write(head.append(response.body, 0, n_sent_), &Connection::send_rest);
  }
  streaming_ = is_shown;
  write(std::move(head), is_shown ? &Connection::pull : &Connection::end_turn);
}

void Connection::send_rest() {
  const std::string& body = turn_->response.body;
  if (n_sent_ == body.size()) return end_turn();
  const size_t n = std::min(body.size() - n_sent_, kSliceBytes);
  const size_t start = n_sent_;
  n_sent_ += n;
  write(body.substr(start, n), &Connection::send_rest);
}

void Connection::pull() {
  if (!streaming_) return end_turn();
  keep_watch();
  on_worker(&Turn::pull, &Connection::send_chunk);
}

void Connection::send_chunk() {
  Turn& turn = *turn_;
  if (turn.broken) return close(Outcome::kFailed);
  streaming_ = turn.more;
  if (!streaming_) turn.place.reset();
  n_sent_ += turn.chunk.size();
  std::string bytes;
  if (turn.minor_version == 0) {
    bytes = std::move(turn.chunk);
  } else {
    if (!turn.chunk.empty()) bytes = str(hex(turn.chunk.size()), "\r\n", turn.chunk, "\r\n");
    if (!turn.more) bytes += "0\r\n\r\n";
  }
  bytes.empty() ? pull() : write(std::move(bytes), &Connection::pull);
}

void Connection::record(Outcome outcome) {
  Exchange& exchange = turn_->record;
  exchange.peer = peer_;
  exchange.n_body_bytes_out = n_sent_;
  exchange.total_us = us_since(turn_->start);
  exchange.outcome = outcome;
  serving_.handler.finished(exchange);
}

void Connection::end_turn() {
  record(Outcome::kComplete);
  let_go();
  // A long answer may have begun before the server was told to stop.
  stays_ && !peer_gone_ && !serving_.stopping ? begin_request() : linger();
}

// A socket that is closed with bytes unread takes back what was written. So what still comes is dropped for a while.
void Connection::linger() {
  part_ = Part::kLingering;
  deadline_ = Clock::now() + kLingerTime;
  in_ = {};
  stream_->end_writing([self = shared_from_this()](bool) {});
  peer_gone_ ? close(Outcome::kComplete) : read_more();
}

void Connection::close(Outcome outcome) {
  if (part_ == Part::kClosed) return;
  part_ = Part::kClosed;
  stream_->close();
  if (turn_) {
    turn_->cancel.request(CancelReason::kClientGone);
    if (outcome == Outcome::kClientGone) serving_.counters.n_client_gone.fetch_add(1, std::memory_order_relaxed);
    record(outcome);
    if (!at_worker_) let_go();
  }
  on_closed_(*this);
}

void Connection::stop() {
  const bool is_idle = part_ == Part::kOpening || (part_ == Part::kHead && in_.empty());
  if (is_idle) close(Outcome::kComplete);
}

void Connection::cancel() {
  if (turn_) turn_->cancel.request(CancelReason::kStopping);
}

void Connection::tick(Clock::time_point now) {
  guarded([&] {
    const bool is_busy = part_ == Part::kHandling || part_ == Part::kAnswering;
    if (deadline_ && now >= *deadline_) return on_late();
    // Who has sent too much ahead to be read is watched this way.
    if (is_busy && !reading_ && !peer_gone_ && stream_->peer_closed()) on_end();
  });
}

void Connection::on_late() {
  const bool is_slow_body = part_ == Part::kBody && !writing_;
  if (is_slow_body) {
    const auto enough = kMinBytesPerS * static_cast<uint64_t>(serving_.limits.body_time.count()) / 1000;
    const bool was_enough = n_in_window_ > enough;
    n_in_window_ = 0;
    deadline_ = Clock::now() + serving_.limits.body_time;
    if (was_enough) return;
  }
  const bool is_slow_head = part_ == Part::kHead && !in_.empty();
  if (part_ == Part::kLingering || (part_ == Part::kHead && !is_slow_head)) return close(Outcome::kComplete);
  serving_.counters.n_timeouts.fetch_add(1, std::memory_order_relaxed);
  if (is_slow_head || is_slow_body) return refuse({408, "the request did not come in time"});
  close(Outcome::kTimeout);
}

}  // namespace kinglet::serve::http
