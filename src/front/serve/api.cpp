#include "front/serve/api.h"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

namespace kinglet::serve {
namespace {

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  for (size_t at = 1; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// "{name}" takes a part, "{name...}" all that are left.
bool matches(std::string_view pattern, std::string_view path, std::map<std::string, std::string>& values) {
  const auto wanted = parts_of(pattern);
  const auto given = parts_of(path);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (i >= given.size()) return false;
    const std::string_view part = wanted[i];
    if (!part.starts_with('{')) {
      if (part != given[i]) return false;
      continue;
    }
    if (given[i].empty()) return false;
    const std::string_view name = part.substr(1, part.size() - 2);
    if (name.ends_with("...")) {
      const auto at = static_cast<size_t>(given[i].data() - path.data());
      values[std::string(name.substr(0, name.size() - 3))] = path.substr(at);
      return true;
    }
    values[std::string(name)] = given[i];
  }
  return wanted.size() == given.size();
}

std::string media_type_of(std::string_view value) {
  return http::lowered(http::trimmed(value.substr(0, value.find(';'))));
}

http::Response error_response(Dialect dialect, unsigned status, const std::string& message,
                              const std::string& field = {}) {
  http::Response made = json_response(error_body(dialect, status, message, field), status);
  // Whoever is told to come again is told when.
  if (status == 503 || status == 429) made.headers.emplace_back("Retry-After", "1");
  return made;
}

http::Response denial_response(Dialect dialect, const access::Denial& denial) {
  http::Response made = json_response(error_body(dialect, denial.status, denial.message, ""), denial.status);
  if (denial.status == 401) made.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (denial.status == 429) made.headers.emplace_back("Retry-After", std::to_string(denial.retry_after_s));
  return made;
}

}  // namespace

Dialect dialect_of(std::string_view path) noexcept {
  if (path.starts_with("/v1/messages")) return Dialect::kAnthropic;
  return path.starts_with("/api/") || path == "/" ? Dialect::kOllama : Dialect::kOpenAi;
}

Api::Api(Services& services, std::vector<Endpoint> endpoints, Options options)
    : services_(services), endpoints_(std::move(endpoints)), options_(options) {}

Api::Match Api::find(std::string_view method, std::string_view path) const {
  Match match;
  // What answers GET answers HEAD: the transport leaves the body out.
  const std::string_view asked = method == "HEAD" ? "GET" : method;
  for (const Endpoint& one : endpoints_) {
    std::map<std::string, std::string> values;
    if (!matches(one.path, path, values)) continue;
    if (one.method == asked || one.method == method) return {&one, std::move(values), ""};
    if (match.allowed.find(one.method) == std::string::npos)
      match.allowed += str(match.allowed.empty() ? "" : ", ", one.method);
  }
  return match;
}

Result<access::Caller, access::Denial> Api::caller_of(const Endpoint& endpoint, const http::Request& request) const {
  if (services_.access == nullptr || endpoint.is_public) return access::Caller();
  auto caller = services_.access->identify(request.headers.find("Authorization"), request.headers.find("X-Api-Key"));
  if (!caller.ok() || !endpoint.manages) return caller;
  if (auto denial = access::may_manage(caller.value())) return std::move(*denial);
  return caller;
}

http::BodyRule Api::body_rule(const http::Request& head) {
  http::BodyRule rule;
  const Match match = find(head.method, head.path);
  if (match.endpoint == nullptr) {
    const bool has_path = !match.allowed.empty();
    rule.refusal = error_response(dialect_of(head.path), has_path ? 405 : 404,
                                  has_path ? str(head.method, " ", head.path, ": allowed is ", match.allowed)
                                           : str(head.path, ": there is no such path"));
    if (has_path) rule.refusal->headers.emplace_back("Allow", match.allowed);
    return rule;
  }
  const Endpoint& endpoint = *match.endpoint;
  rule.urgent = endpoint.is_urgent;
  if (const auto caller = caller_of(endpoint, head); !caller.ok()) {
    rule.refusal = denial_response(endpoint.dialect, caller.error());
    return rule;
  }
  if (endpoint.request_schema.is_null()) return rule;
  rule.max_bytes = options_.max_body_bytes;
  const auto type = head.headers.find("Content-Type");
  // Programs of Ollama's send none, and curl sends a form's where nobody says another one.
  if (type && endpoint.dialect != Dialect::kOllama && media_type_of(*type) != "application/json") {
    rule.refusal = error_response(endpoint.dialect, 415,
                                  str("Content-Type: is ", system::json_quoted(*type), ", expected application/json"));
  }
  return rule;
}

Json Api::body_of(const Endpoint& endpoint, const http::Request& request) {
  if (endpoint.request_schema.is_null()) return {};
  if (http::trimmed(request.body).empty()) throw ApiError(400, "missing request body");
  constexpr system::JsonLimits kLimits{.max_depth = 128};
  try {
    return Json::parse(request.body, "body", kLimits);
  } catch (const Error& error) {
    throw ApiError(400, error.message());
  }
}

http::Response Api::handle(http::Request&& request, const http::Cancel& cancel) {
  Match match = find(request.method, request.path);
  const Dialect dialect = match.endpoint == nullptr ? dialect_of(request.path) : match.endpoint->dialect;
  try {
    if (match.endpoint == nullptr) throw ApiError(404, str(request.path, ": there is no such path"));
    RequestContext context{services_, request, cancel, std::move(match.values), {}, {}};
    context.client = request.peer.substr(0, request.peer.rfind(':'));
    auto caller = caller_of(*match.endpoint, request);
    if (!caller.ok()) return denial_response(dialect, caller.error());
    context.caller = caller.value();
    if (context.caller != nullptr) {
      context.client = context.caller->name;
      if (const auto denial = services_.access->admit(context.caller)) return denial_response(dialect, *denial);
    }
    return match.endpoint->handle(body_of(*match.endpoint, request), context);
  } catch (const ApiError& error) {
    return error_response(dialect, error.status(), error.message(), error.field());
  } catch (const Error& error) {
    return error_response(dialect, http::status_of(error.code()), error.message());
  } catch (const std::bad_alloc&) {
    return error_response(dialect, 503, "there is not enough memory for this request");
  } catch (const std::exception&) {
    return error_response(dialect, 500, "the server failed at this request");
  }
}

// Of a request its shape alone: prompts, answers and keys are never logged.
void Api::finished(const http::Exchange& exchange) {
  if (services_.log == nullptr) return;
  constexpr std::array<std::string_view, 5> kOutcomes = {"complete", "client_gone", "timeout", "stopped", "failed"};
  constexpr double kMicroseconds = 1000;
  JsonObject line = {{"request", exchange.id},
                     {"peer", exchange.peer},
                     {"method", exchange.method},
                     {"path", exchange.path},
                     {"status", exchange.status},
                     {"bytes_in", exchange.n_body_bytes_in},
                     {"bytes_out", exchange.n_body_bytes_out},
                     {"first_byte_ms", static_cast<double>(exchange.first_byte_us) / kMicroseconds},
                     {"total_ms", static_cast<double>(exchange.total_us) / kMicroseconds},
                     {"outcome", kOutcomes[static_cast<size_t>(exchange.outcome)]}};
  if (!exchange.trace_id.empty()) line.emplace_back("trace", exchange.trace_id);
  services_.log->write(system::LogLevel::kInfo, "request", std::move(line));
}

http::Response Api::refuse(unsigned status, std::string_view message, std::string_view path) {
  return error_response(dialect_of(path), status, std::string(message));
}

}  // namespace kinglet::serve
