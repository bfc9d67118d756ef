// Reads bytes as what a client sends to the server: a head, a target, hosts and origins, a body by length or in chunks.
// However the bytes are cut they mean the same, and what is accepted keeps to the rules that handlers rely on.
#include <algorithm>
#include <optional>
#include <string>

#include "core/base/base.h"
#include "front/serve/http/authority.h"
#include "front/serve/http/body_decoder.h"
#include "front/serve/http/request_head.h"
#include "front/serve/http/target.h"
#include "fuzz_target.h"

namespace {

using namespace kinglet;
using namespace kinglet::serve::http;

constexpr HeadLimits kLimits{.head_bytes = 2048, .target_bytes = 512, .n_headers = 16};
constexpr uint64_t kMaxBody = 1024;

// The bytes of the head, scanned in pieces; nullopt where it is refused or not whole.
std::optional<size_t> head_bytes(std::string_view bytes, size_t piece) {
  HeadScanner scanner(kLimits);
  for (size_t n = std::min(piece, bytes.size());; n = std::min(n + piece, bytes.size())) {
    const auto found = scanner.scan(bytes.substr(0, n));
    if (!found) return std::nullopt;
    if (found.value() > 0) return found.value();
    if (n == bytes.size()) return std::nullopt;
  }
}

struct Body {
  std::string bytes;
  size_t n_taken = 0;
  bool done = false;
  bool refused = false;
};

Body read_body(const Framing& framing, std::string_view bytes, size_t piece) {
  Body body;
  BodyDecoder decoder(framing, kMaxBody);
  std::string_view nothing;
  body.refused = decoder.feed(nothing, body.bytes).has_value();
  while (!body.refused && !decoder.done() && body.n_taken < bytes.size()) {
    std::string_view part = bytes.substr(body.n_taken, piece);
    const size_t before = part.size();
    body.refused = decoder.feed(part, body.bytes).has_value();
    KINGLET_CHECK(body.refused || part.empty() || decoder.done(), "all is taken that belongs to the body");
    body.n_taken += before - part.size();
  }
  body.done = decoder.done();
  KINGLET_CHECK(body.bytes.size() <= kMaxBody, "a body keeps to its limit");
  return body;
}

void check_body(const Framing& framing, std::string_view bytes) {
  const Body whole = read_body(framing, bytes, bytes.size() + 1);
  const Body pieces = read_body(framing, bytes, 1);
  KINGLET_CHECK(whole.refused == pieces.refused && whole.done == pieces.done, "a body is the same in pieces");
  if (whole.refused) return;
  KINGLET_CHECK(whole.bytes == pieces.bytes && whole.n_taken == pieces.n_taken, "a body has the same bytes in pieces");
}

void check_target(std::string_view method, std::string_view text) {
  auto parsed = parse_target(method, text);
  if (!parsed) return;
  const std::string& path = parsed.value().path;
  KINGLET_CHECK(path == "*" || path.starts_with('/'), "a path begins with a slash");
  KINGLET_CHECK(is_utf8(path) && is_field_value(path) && path.find('\t') == std::string::npos, "a path is clean text");
  KINGLET_CHECK((path + "/").find("/../") == std::string::npos && (path + "/").find("/./") == std::string::npos,
                "a path climbs nowhere");
}

void check_request(std::string_view bytes) {
  const auto n = head_bytes(bytes, bytes.size() + 1);
  KINGLET_CHECK(head_bytes(bytes, 1) == n && head_bytes(bytes, 7) == n, "a head is the same in pieces");
  if (!n) return;
  const auto head = parse_head(bytes.substr(0, *n), kLimits);
  if (!head) return;
  KINGLET_CHECK(is_token(head.value().method), "a method is a word");
  for (const auto& [name, value] : head.value().headers) {
    KINGLET_CHECK(is_token(name) && is_field_value(value) && trimmed(value) == value, "headers are clean text");
  }
  check_target(head.value().method, head.value().target);
  const auto framing = framing_of(head.value());
  if (!framing) return;
  KINGLET_CHECK(!framing.value().chunked || framing.value().length == 0, "a body is framed in one way");
  check_body(framing.value(), bytes.substr(*n));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const HostRule hosts({"models.example", ".lan.example"}, {"machine"});
  static const OriginRule origins({"https://app.example", "http://localhost:*", "app://*"});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_request(text);
  check_body({.chunked = true}, text);
  check_target("GET", text);
  if (const auto authority = parse_authority(text)) {
    KINGLET_CHECK(!hosts.allows(*authority) || authority->host.find('/') == std::string::npos, "a host is a host");
  }
  static_cast<void>(origins.allows(text, false, "localhost"));
  return 0;
}
