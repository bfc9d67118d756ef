#include <utility>

#include "core/base/base.h"
#include "home/egress/egress.h"
#include "home/egress/transfer.h"
#include "home/egress/url.h"

namespace kinglet::egress {
namespace {

constexpr int kMaxRedirects = 5;

bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

void check_redirect(const Url& from, const Url& to, const Request& request) {
  if (to.scheme == "https") return;
  if (from.scheme == "http" && (is_loopback(to.host) || request.plain_http)) return;
  fail_with(ErrorCode::kRefused, from.host, " redirects to ", to.host,
            " without TLS (http), which is refused: what comes over it can be read and changed on the way");
}

// The digest of what leaves.
std::optional<system::Digest> content_of(const Request& request) {
  if (request.model) return request.model->digest;
  return request.body.empty() ? std::nullopt : std::optional(system::Sha256::of(request.body));
}

}  // namespace

// Where the next request of a chain of redirects goes.
struct Door::Hop {
  const Url& url;
  bool is_first_origin;
  /// The reach of the first host: redirects stay at least as far.
  Reach nearest;
};

Door::Door(DoorOptions options, ledger::Ledger& ledger) : options_(std::move(options)), ledger_(ledger) {}

void Door::check_policy(const Request& request, const std::string& host) const {
  if (options_.offline) {
    fail_with(ErrorCode::kRefused, host, " is not asked, as --offline is set; run the command again without it");
  }
  if (request.reason == Reason::kFetch) {
    if (!request.body.empty()) fail(ErrorCode::kInternal, "a fetch carries no content of the user's");
    return;
  }
  if (request.model) fail(ErrorCode::kInternal, "a model is sent where its owner asked for it alone");
  const bool asked =
      options_.escalate == EscalatePolicy::kAsk && options_.ask && options_.ask(host, request.body.size());
  if (options_.escalate != EscalatePolicy::kAllow && !asked) {
    fail_with(ErrorCode::kRefused, request.body.size(), " bytes of yours are not sent to ", host,
              ", as the policy for escalation does not allow it");
  }
}

Response Door::exchange(const Request& request, Hop& hop) {
  ledger::Record record{
      .reason = request.reason,
      .host = hop.url.host,
      .port = hop.url.port,
      .request = str(request.method, " ", hop.url.path),
      .content = content_of(request),
      .outcome = "opening",
  };
  record.opening_id = ledger_.append(record);
  TransferResult result = transfer({.url = hop.url,
                                    .request = request,
                                    .options = options_,
                                    .send_authorization = hop.is_first_origin,
                                    .nearest = hop.nearest});
  record.bytes_out = result.bytes_out;
  record.bytes_in = result.bytes_in;
  record.outcome = result.outcome;
  try {
    ledger_.append(record);
  } catch (const Error&) {
    // A disk that the transfer filled: the transfer's own error says more.
    if (!result.failure) throw;
  }
  if (result.failure) std::rethrow_exception(result.failure);
  hop.nearest = std::max(hop.nearest, result.reach);
  return std::move(result.response);
}

Response Door::send(const Request& request) {
  const Url first = parse_url(request.url);
  check_policy(request, first.host);
  if (first.scheme == "http" && !is_loopback(first.host) && !request.plain_http) {
    fail_with(ErrorCode::kRefused, first.host, " would be asked without TLS; name it with http:// to allow that");
  }
  Url url = first;
  Reach nearest = Reach::kLoopback;
  for (int n_redirects = 0;; ++n_redirects) {
    Hop hop{url, url.same_origin(first), nearest};
    Response response = exchange(request, hop);
    if (!is_redirect(response.status) || request.method != "GET") return response;
    if (n_redirects == kMaxRedirects) {
      fail_with(ErrorCode::kNetwork, first.host, ": more than ", kMaxRedirects, " redirects, the last one to ",
                url.host);
    }
    const std::string_view location = response.header("location");
    if (location.empty()) fail_with(ErrorCode::kNetwork, url.host, ": a redirect that does not say where to");
    Url next = resolve(url, location);
    check_redirect(url, next, request);
    nearest = hop.nearest;
    url = std::move(next);
  }
}

}  // namespace kinglet::egress
