// A server behind HTTP: each message is a POST; an answer is JSON, or a stream of events that has it among others.
#include <algorithm>
#include <optional>

#include "core/base/base.h"
#include "run/chat/mcp/mcp_transport.h"

namespace kinglet::chat {
namespace {

using system::Json;

// Takes the data of server-sent events out of a stream.
class EventData {
 public:
  /// Calls use(data) for each event that is complete.
  template <class Use>
  void add(std::string_view piece, const Use& use) {
    for (const char c : piece) {
      if (c == '\r') continue;
      if (c != '\n') {
        line_ += c;
        continue;
      }
      if (line_.empty()) {
        if (!data_.empty()) use(data_);
        data_.clear();
      } else if (line_.starts_with("data:")) {
        if (!data_.empty()) data_ += '\n';
        data_ += line_.substr(line_.starts_with("data: ") ? 6 : 5);
      }
      line_.clear();
    }
  }

 private:
  std::string line_;
  std::string data_;
};

class HttpTransport final : public McpTransport {
 public:
  HttpTransport(std::string what, std::string url, const std::vector<egress::Header>& headers, egress::Door& door)
      : what_(std::move(what)), url_(std::move(url)), door_(door) {
    for (const egress::Header& header : headers) {
      std::string name = header.name;
      std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
      if (name == "authorization") {
        authorization_ = header.value;
      } else {
        headers_.push_back(header);
      }
    }
  }

  Json request(const std::string& method, const Json& parameters, Clock::time_point deadline) override {
    const int64_t id = ++n_requests_;
    const std::optional<Json> result = exchange(mcp::request_message(id, method, parameters), id, deadline);
    if (!result) fail_with(ErrorCode::kNetwork, what_, ": gave no answer to ", method);
    return *result;
  }

  void notify(const std::string& method, Clock::time_point deadline) override {
    exchange(mcp::notification(method), 0, deadline);
  }

  void set_protocol(const std::string& version) override { protocol_ = version; }

 private:
  std::optional<Json> exchange(const Json& message, int64_t id, Clock::time_point deadline) {
    egress::Request request;
    request.reason = egress::Reason::kEscalate;  // what the model makes of the user's words is in it
    request.method = "POST";
    request.url = url_;
    request.plain_http = true;
    request.authorization = authorization_;
    request.headers = headers_;
    request.headers.push_back({"Content-Type", "application/json"});
    request.headers.push_back({"Accept", "application/json, text/event-stream"});
    if (!session_.empty()) request.headers.push_back({"Mcp-Session-Id", session_});
    if (!protocol_.empty()) request.headers.push_back({"MCP-Protocol-Version", protocol_});
    request.body = message.dump();
    request.max_body_bytes = kMaxMessageBytes;
    std::optional<Json> result;
    bool is_stream = false;
    std::string body;
    EventData events;
    const auto look = [&](const std::string& text) {
      if (result) return;
      Json one;
      try {
        one = Json::parse(text, what_, {.max_depth = 128});
      } catch (const Error& error) {
        fail(ErrorCode::kNetwork, error.message());
      }
      if (const Json* found = mcp::result_in(one, id, what_)) result = *found;
    };
    request.on_head = [&](const egress::Response& head) {
      is_stream = head.header("content-type").starts_with("text/event-stream");
      if (const std::string_view session = head.header("mcp-session-id"); !session.empty()) session_ = session;
    };
    request.sink = [&](std::span<const std::byte> bytes) {
      const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      if (is_stream) {
        events.add(text, look);
      } else {
        body += text;
      }
    };
    // A stream may stay open behind the answer.
    request.keep_going = [&] { return !result && Clock::now() < deadline; };
    try {
      const egress::Response response = door_.send(request);
      if (response.status < 200 || response.status > 299)
        fail_with(ErrorCode::kNetwork, what_, ": status ", response.status);
    } catch (const Error& error) {
      if (!result && error.code() == ErrorCode::kCancelled && Clock::now() >= deadline)
        fail_with(ErrorCode::kNetwork, what_, ": gave no answer in time");
      if (!result) throw;
    }
    if (id != 0 && !is_stream && !body.empty()) look(body);
    return result;
  }

  std::string what_;
  std::string url_;
  egress::Door& door_;
  std::vector<egress::Header> headers_;
  std::string authorization_;
  std::string session_;
  std::string protocol_;
  int64_t n_requests_ = 0;
};

}  // namespace

std::unique_ptr<McpTransport> reach_mcp_server(const std::string& what, const std::string& url,
                                               const std::vector<egress::Header>& headers, egress::Door& door) {
  return std::make_unique<HttpTransport>(what, url, headers, door);
}

}  // namespace kinglet::chat
