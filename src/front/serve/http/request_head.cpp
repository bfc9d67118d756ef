#include "front/serve/http/request_head.h"

#include <charconv>

#include "core/base/str.h"

namespace kinglet::serve::http {
namespace {

// "GET", two spaces, "HTTP/1.1" and more of a method than anybody has.
constexpr size_t kBesideTarget = 64;

Refusal bad(std::string message) { return {400, std::move(message)}; }

std::optional<uint64_t> number(std::string_view digits) {
  uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, value);
  if (digits.empty() || error != std::errc() || rest != end) return std::nullopt;
  return value;
}

std::optional<Refusal> parse_request_line(std::string_view line, RequestHead& head) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return bad("the first line is not METHOD TARGET HTTP/1.1");
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  head.method = line.substr(0, first);
  if (!is_token(head.method) || head.method.size() > 32) return bad("the method is no word");
  if (target.empty() || target.find(' ') != std::string_view::npos) return bad("the target has a space");
  head.target = target;
  if (version == "HTTP/1.1") {
    head.minor_version = 1;
  } else if (version == "HTTP/1.0") {
    head.minor_version = 0;
  } else if (version.size() == 8 && version.starts_with("HTTP/")) {
    return Refusal{505, "only HTTP/1.1 and HTTP/1.0 are spoken here"};
  } else {
    return bad("the first line does not end with HTTP/1.1");
  }
  return std::nullopt;
}

}  // namespace

Result<size_t, Refusal> HeadScanner::scan(std::string_view bytes) {
  for (size_t i = n_seen_; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    const bool after_return = i > line_start_ && bytes[i - 1] == '\r';
    if (after_return && byte != '\n') return bad("a carriage return without a line feed");
    if (i == 0 && !is_token(bytes.substr(0, 1))) return bad("this is not HTTP");
    if (byte == '\n') {
      if (!after_return) return bad("a line feed without a carriage return");
      if (i == line_start_ + 1) {
        if (in_first_line_) return bad("the first line is empty");
        return i + 1;
      }
      line_start_ = i + 1;
      in_first_line_ = false;
    } else if ((byte < 0x20 && byte != '\r' && byte != '\t') || byte == 0x7f) {
      return bad("a control byte in the head");
    }
    if (in_first_line_ && i >= limits_.target_bytes + kBesideTarget) {
      return Refusal{414, str("the target is longer than ", limits_.target_bytes, " bytes")};
    }
    if (i + 1 >= limits_.head_bytes) {
      return Refusal{431, str("the headers are longer than ", limits_.head_bytes, " bytes")};
    }
  }
  n_seen_ = bytes.size();
  return size_t{0};
}

std::optional<Headers::Field> parse_field(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_token(name) || !is_field_value(value)) return std::nullopt;
  return Headers::Field{std::string(name), std::string(value)};
}

Result<RequestHead, Refusal> parse_head(std::string_view bytes, const HeadLimits& limits) {
  RequestHead head;
  bool first = true;
  while (true) {
    const size_t end = bytes.find("\r\n");
    if (end == std::string_view::npos) return bad("the head has no end");
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end + 2);
    if (first) {
      if (const auto refusal = parse_request_line(line, head)) return *refusal;
      if (head.target.size() > limits.target_bytes) {
        return Refusal{414, str("the target is longer than ", limits.target_bytes, " bytes")};
      }
      first = false;
      continue;
    }
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') return bad("a header is folded over two lines");
    if (head.headers.size() == limits.n_headers) {
      return Refusal{431, str("there are more than ", limits.n_headers, " headers")};
    }
    auto field = parse_field(line);
    if (!field) return bad("a header is not NAME: VALUE");
    head.headers.add(std::move(field->name), std::move(field->value));
  }
  if (!bytes.empty()) return bad("bytes behind the head");
  return head;
}

Result<Framing, Refusal> framing_of(const RequestHead& head) {
  const Headers& headers = head.headers;
  Framing framing;
  const size_t n_lengths = headers.count("content-length");
  const size_t n_codings = headers.count("transfer-encoding");
  if (n_lengths > 1) return bad("Content-Length is there more than once");
  if (n_lengths > 0 && n_codings > 0) return bad("both Content-Length and Transfer-Encoding are there");
  if (n_codings > 0) {
    if (head.minor_version == 0) return bad("HTTP/1.0 has no Transfer-Encoding");
    if (n_codings > 1 || !same_word(*headers.find("transfer-encoding"), "chunked")) {
      return Refusal{501, "the only Transfer-Encoding understood is chunked"};
    }
    framing.chunked = true;
  } else if (n_lengths > 0) {
    const auto length = number(*headers.find("content-length"));
    if (!length) return bad("Content-Length is no number");
    framing.length = *length;
  }
  if (headers.count("host") > 1) return bad("Host is there more than once");
  if (head.minor_version == 1 && headers.count("host") == 0) return bad("Host is missing");
  if (const auto expect = headers.find("expect")) {
    if (!same_word(*expect, "100-continue")) return Refusal{417, "the only Expect understood is 100-continue"};
    framing.expects_continue = head.minor_version == 1 && framing.has_body();
  }
  framing.keep_alive =
      head.minor_version == 1 ? !headers.lists("connection", "close") : headers.lists("connection", "keep-alive");
  return framing;
}

}  // namespace kinglet::serve::http
