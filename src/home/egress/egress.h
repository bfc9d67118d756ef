// Facade of home/egress: the one door out of this device.
//
// Door::send makes an HTTP request if the policy allows it, and writes every connection to the ledger, failed ones too:
// one row before it is opened and one when it is over. No other room opens a socket outwards.
// Thread rules: a Door may be used from several threads at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "home/ledger/ledger.h"

namespace kinglet::egress {

using ledger::Reason;

/// What may be done with content of the user's.
enum class EscalatePolicy { kDeny, kAsk, kAllow };

struct DoorOptions {
  bool offline = false;  ///< Refuse everything.
  EscalatePolicy escalate = EscalatePolicy::kDeny;
  /// For kAsk: whether this host may get so many bytes of the user's, now.
  std::function<bool(const std::string& host, uint64_t n_bytes)> ask = {};
  std::string proxy = {};  ///< "http://proxy.example:3128" for https and http; empty: none. Loopback never goes there.
  std::string no_proxy = {};  ///< Hosts that are reached directly, separated by commas.
  std::string ca_file = {};   ///< Certificates to trust instead of the system's; empty: the system's.
  uint32_t connect_timeout_ms = 15'000;
  uint32_t stall_timeout_ms = 30'000;  ///< A transfer that brings nothing for so long has failed.
};

struct Header {
  std::string name;
  std::string value;
};

/// An answer. A status of 4xx or 5xx is an answer like others; what is none throws.
struct Response {
  int status = 0;
  std::vector<Header> headers;
  std::string body;         ///< What did not go to a sink; of a status other than 2xx at most 64 KiB.
  uint64_t first_byte = 0;  ///< Where the body begins in the whole: Request::first_byte, or 0 from one who ignores it.
  std::string url;          ///< Where it came from, behind all redirects.

  /// The first header of this name (small letters); empty: none.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
};

/// Bytes of a model that is sent because its owner said so: no content of the user's, so a fetch may carry them.
struct ModelBytes {
  uint64_t size = 0;
  system::Digest digest;  ///< Of these bytes, for the ledger.
  /// Fills a span with bytes from `offset` on, and gives how many: none only at the end. What it throws ends the
  /// transfer and passes through.
  std::function<size_t(uint64_t offset, std::span<std::byte> into)> read;
};

struct Request {
  Reason reason = Reason::kFetch;
  std::string method = "GET";
  std::string url = {};
  std::vector<Header> headers = {};
  std::string authorization = {};  ///< Sent to the host and port of `url` alone, not where redirects lead.
  std::string body = {};
  std::optional<ModelBytes> model = {};  ///< Sent instead of a body.
  /// Allows http:// to hosts beyond loopback: the user has named it with http://.
  bool plain_http = false;
  uint64_t first_byte = 0;  ///< Ask for the rest from here (Range).
  uint64_t max_body_bytes = uint64_t{1} << 20;
  /// Gets the body of a 2xx answer in pieces; without it, it is in Response::body. What it throws ends the transfer and
  /// passes through.
  std::function<void(std::span<const std::byte>)> sink = {};
  /// Called once before the first piece, with status, headers and first_byte.
  std::function<void(const Response&)> on_head = {};
  /// Asked at least ten times a second; false ends the transfer with Error{kCancelled}.
  std::function<bool()> keep_going = {};
};

class Door {
 public:
  /// The ledger outlives the door.
  Door(DoorOptions options, ledger::Ledger& ledger);

  /// Sends the request and follows redirects of GET: from https to https only, and never from a public address to one
  /// of this machine or network. Throws Error{kRefused} for what the policy forbids, kNetwork for a host that cannot be
  /// reached, an answer that breaks off, stalls or is over its limit, kCancelled, and what the ledger throws: what
  /// cannot be written down is not sent.
  Response send(const Request& request);

 private:
  struct Hop;
  void check_policy(const Request& request, const std::string& host) const;
  Response exchange(const Request& request, Hop& hop);

  DoorOptions options_;
  ledger::Ledger& ledger_;
};

/// Whether a host, as URLs and model names write it (with or without a port), is this machine itself: "localhost",
/// "127.0.0.1:5000", "[::1]".
bool is_loopback(std::string_view host);

}  // namespace kinglet::egress
