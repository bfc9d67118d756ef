#include "home/store/registry.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "core/base/base.h"
#include "home/store/manifest.h"
#include "model/format/printable.h"

namespace kinglet::store {
namespace {

using egress::Request;
using egress::Response;
using system::Json;

constexpr int kMaxTries = 3;
constexpr uint64_t kMaxTokenBytes = uint64_t{64} << 10;
constexpr uint64_t kMaxTagsBytes = uint64_t{1} << 20;
constexpr std::string_view kAccept =
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json";

std::string_view host_of(std::string_view url) {
  const size_t start = url.find("//");
  if (start == std::string_view::npos) return "";
  url.remove_prefix(start + 2);
  return url.substr(0, url.find_first_of("/?#"));
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

// What may stand in a query. Source: RFC 3986, unreserved.
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    const auto byte = static_cast<uint8_t>(c);
    out += plain ? std::string(1, c) : str('%', kDigits[byte >> 4], kDigits[byte & 15]);
  }
  return out;
}

// Whether a text may stand in a header: nothing in it begins another one.
bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTokenBytes &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

// The reason in the body of an answer: {"errors": [{"message": ...}]} or {"error": ...}; empty where there is none.
std::string reason_in(const std::string& body) {
  try {
    const Json json = Json::parse(body, "answer", {.max_depth = 16});
    if (const Json* error = json.find("error"); error != nullptr && error->is_string()) {
      return format::printable(error->as_string("error"), 300);
    }
    const auto& errors = json.at("errors").as_array("errors");
    if (!errors.empty()) return format::printable(errors.front().at("message").as_string("message"), 300);
  } catch (const Error&) {
    // An answer for people.
  }
  return "";
}

}  // namespace

void wait(uint32_t wait_ms, Reporter& reporter) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
  while (std::chrono::steady_clock::now() < end) {
    if (!reporter.keep_going()) fail(ErrorCode::kCancelled, "stopped; what has arrived is kept");
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min<uint32_t>(wait_ms, 50)));
  }
}

Challenge parse_challenge(std::string_view header) {
  Challenge challenge;
  const size_t space = header.find(' ');
  challenge.scheme = header.substr(0, space);
  std::ranges::transform(challenge.scheme, challenge.scheme.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  header.remove_prefix(space == std::string_view::npos ? header.size() : space + 1);
  while (!header.empty()) {
    header.remove_prefix(std::min(header.find_first_not_of(" ,"), header.size()));
    const size_t equals = header.find('=');
    if (equals == std::string_view::npos) break;
    const std::string_view key = header.substr(0, equals);
    header.remove_prefix(equals + 1);
    std::string value;
    if (header.starts_with('"')) {
      size_t i = 1;
      for (; i < header.size() && header[i] != '"'; ++i) {
        if (header[i] == '\\' && i + 1 < header.size()) ++i;
        value.push_back(header[i]);
      }
      header.remove_prefix(std::min(i + 1, header.size()));
    } else {
      value = header.substr(0, header.find(','));
      header.remove_prefix(value.size());
    }
    if (key == "realm") challenge.realm = value;
    if (key == "service") challenge.service = value;
    if (key == "scope") challenge.scope = value;
  }
  return challenge;
}

bool may_give_tokens(std::string_view registry_host, std::string_view realm_host) {
  registry_host = without_port(registry_host);
  realm_host = without_port(realm_host);
  if (registry_host == realm_host) return true;
  const auto is_number = [](std::string_view host) {
    return host.starts_with('[') || host.find_first_not_of("0123456789.") == std::string_view::npos;
  };
  if (is_number(registry_host) || is_number(realm_host)) return false;
  const auto domain = [](std::string_view host) {
    const size_t last = host.rfind('.');
    if (last == std::string_view::npos || last == 0) return std::string_view();
    const size_t before = host.rfind('.', last - 1);
    return before == std::string_view::npos ? host : host.substr(before + 1);
  };
  return !domain(registry_host).empty() && domain(registry_host) == domain(realm_host);
}

Registry::Registry(egress::Door& door, const StoreOptions& options, const ModelName& name, Reporter& reporter)
    : door_(door), name_(name), reporter_(reporter), retry_wait_ms_(options.retry_wait_ms) {
  if (name.is_hugging_face()) {
    base_ = options.hugging_face_endpoint;
    while (base_.ends_with('/')) base_.pop_back();
    if (!options.hugging_face_token.empty() && !is_token(options.hugging_face_token)) {
      fail(ErrorCode::kInvalidArgument, "the Hugging Face token has characters that no token has");
    }
    own_token_ = options.hugging_face_token;
  } else {
    base_ = str(name.plain_http ? "http://" : "https://", name.host);
  }
  plain_http_ = base_.starts_with("http://");
  host_ = host_of(base_);
  if (!own_token_.empty()) authorization_ = str("Bearer ", own_token_);
}

std::string Registry::url(std::string_view rest) const {
  return str(base_, "/v2/", name_.name_space, '/', name_.name, rest);
}

Response Registry::send(Request request) {
  request.plain_http = plain_http_;
  request.keep_going = [this] { return reporter_.keep_going(); };
  request.authorization = authorization_;
  Response response = door_.send(request);
  if (response.status != 401) return response;
  const Challenge challenge = parse_challenge(response.header("www-authenticate"));
  if (challenge.scheme != "bearer" || challenge.realm.empty()) return response;
  authorization_ = str("Bearer ", ask_for_token(response.header("www-authenticate")));
  request.authorization = authorization_;
  return door_.send(request);
}

std::string Registry::ask_for_token(std::string_view challenge_text) {
  const Challenge challenge = parse_challenge(challenge_text);
  const std::string_view realm_host = host_of(challenge.realm);
  if (!may_give_tokens(host_, realm_host)) {
    fail_with(ErrorCode::kRefused, host_, " sends us to ", format::printable(realm_host),
              " for a token, which is refused: it is a host of another domain");
  }
  std::string url = challenge.realm;
  char separator = url.find('?') == std::string::npos ? '?' : '&';
  for (const auto& [key, value] : {std::pair{"service", &challenge.service}, std::pair{"scope", &challenge.scope}}) {
    if (value->empty()) continue;
    url += str(separator, key, '=', percent_encoded(*value));
    separator = '&';
  }
  const Response response =
      door_.send({.url = url,
                  .authorization = realm_host == host_ && !own_token_.empty() ? str("Bearer ", own_token_) : "",
                  .plain_http = plain_http_,
                  .max_body_bytes = kMaxTokenBytes,
                  .keep_going = [this] { return reporter_.keep_going(); }});
  if (response.status != 200) fail_with_status(response);
  try {
    const Json json = Json::parse(response.body, "token", {.max_depth = 16});
    const Json* token = json.find("token");
    const std::string text = token != nullptr ? token->as_string("token") : json.at("access_token").as_string("token");
    if (is_token(text)) return text;
  } catch (const Error&) {
    // Said below.
  }
  fail_with(ErrorCode::kNetwork, format::printable(realm_host), ": the answer to a request for a token has none");
}

std::optional<std::string> Registry::fetch_manifest() {
  for (int n_tries = 1;; ++n_tries) {
    Response response = send({.url = url(str("/manifests/", name_.tag)),
                              .headers = {{"Accept", std::string(kAccept)}},
                              .max_body_bytes = kMaxManifestBytes});
    if (response.status == 200) return std::move(response.body);
    if (response.status == 404) return std::nullopt;
    const bool may_pass = response.status == 429 || response.status >= 500;
    if (!may_pass || n_tries == kMaxTries) fail_with_status(response);
    wait(retry_wait_ms_ << n_tries, reporter_);
  }
}

std::vector<std::string> Registry::tags() {
  std::vector<std::string> tags;
  try {
    const Response response = send({.url = url("/tags/list"), .max_body_bytes = kMaxTagsBytes});
    if (response.status != 200) return {};
    const Json json = Json::parse(response.body, "tags", {.max_depth = 16});
    for (const Json& tag : json.at("tags").as_array("tags")) tags.push_back(tag.as_string("tag"));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;  // else nobody needs to know: it was only for a hint
  }
  return tags;
}

Response Registry::fetch_blob(const BlobRequest& request) {
  return send({.url = url(str("/blobs/", request.digest.to_string())),
               .first_byte = request.first_byte,
               .max_body_bytes = request.max_bytes,
               .sink = request.sink,
               .on_head = request.on_head});
}

bool Registry::has_blob(const system::Digest& digest) {
  for (int n_tries = 1;; ++n_tries) {
    const Response response = send({.method = "HEAD", .url = url(str("/blobs/", digest.to_string()))});
    if (response.status == 200) return true;
    if (response.status == 404) return false;
    const bool may_pass = response.status == 429 || response.status >= 500;
    if (!may_pass || n_tries == kMaxTries) fail_with_status(response);
    wait(retry_wait_ms_ << n_tries, reporter_);
  }
}

Response Registry::open_upload(const system::Digest& digest, std::string_view mount_from) {
  const std::string mount =
      mount_from.empty() ? ""
                         : str("?mount=", percent_encoded(digest.to_string()), "&from=", percent_encoded(mount_from));
  return send({.method = "POST", .url = url(str("/blobs/uploads/", mount))});
}

Response Registry::send_part(const std::string& upload, uint64_t first_byte, egress::ModelBytes part) {
  const std::string range = str(first_byte, '-', first_byte + part.size - 1);
  return send({.method = "PATCH",
               .url = upload,
               .headers = {{"Content-Type", "application/octet-stream"}, {"Content-Range", range}},
               .model = std::move(part)});
}

Response Registry::ask_upload(const std::string& upload) { return send({.url = upload}); }

Response Registry::close_upload(const std::string& upload, const system::Digest& digest) {
  const char separator = upload.find('?') == std::string::npos ? '?' : '&';
  return send({.method = "PUT",
               .url = str(upload, separator, "digest=", percent_encoded(digest.to_string())),
               .headers = {{"Content-Type", "application/octet-stream"}}});
}

// The registry's own name is what we know it by: one behind a proxy may say http of itself.
std::string Registry::upload_in(const Response& response) const {
  const std::string_view location = response.header("location");
  if (location.starts_with('/') && !location.starts_with("//")) return str(base_, location);
  if (host_of(location) != host_) {
    fail_with(ErrorCode::kRefused, host_, " sends the upload on to \"", format::printable(location, 100),
              "\", which is refused: it is another host");
  }
  const size_t path = location.find('/', location.find("//") + 2);
  return str(base_, path == std::string_view::npos ? "/" : location.substr(path));
}

void Registry::put_manifest(const std::string& text) {
  const Json json = Json::parse(text, "manifest", {.max_depth = 16});
  const Json* type = json.find("mediaType");
  const std::string media_type = type != nullptr && type->is_string() && is_token(type->as_string("mediaType"))
                                     ? type->as_string("mediaType")
                                     : std::string(kAccept.substr(0, kAccept.find(',')));
  const auto read = [&](uint64_t offset, std::span<std::byte> into) {
    const auto bytes = std::as_bytes(std::span(text)).subspan(offset);
    const size_t n = std::min(into.size(), bytes.size());
    std::copy_n(bytes.begin(), n, into.begin());
    return n;
  };
  for (int n_tries = 1;; ++n_tries) {
    const Response response = send({.method = "PUT",
                                    .url = url(str("/manifests/", name_.tag)),
                                    .headers = {{"Content-Type", media_type}},
                                    .model = egress::ModelBytes{text.size(), system::Sha256::of(text), read}});
    if (response.status >= 200 && response.status < 300) return;
    const bool may_pass = response.status == 429 || response.status >= 500;
    if (!may_pass || n_tries == kMaxTries) fail_with_status(response);
    wait(retry_wait_ms_ << n_tries, reporter_);
  }
}

void Registry::fail_with_status(const Response& response) const {
  const std::string reason = reason_in(response.body);
  const std::string why = reason.empty() ? "" : str(" (", reason, ')');
  if (response.status == 401 || response.status == 403) {
    if (name_.is_hugging_face()) {
      fail_with(ErrorCode::kNotFound, name_.to_string(), ": is not there, or not for everybody", why,
                own_token_.empty() ? "; if it is yours, set HF_TOKEN" : "; the token in HF_TOKEN does not open it");
    }
    fail_with(ErrorCode::kNetwork, name_.to_string(), ": ", host_, " asks for a login", why,
              ", which is not supported; use a registry that is open to everybody");
  }
  fail_with(ErrorCode::kNetwork, name_.to_string(), ": ", host_, " answers with status ", response.status, why,
            response.status >= 500 || response.status == 429 ? "; try again later" : "");
}

}  // namespace kinglet::store
