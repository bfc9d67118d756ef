#include "front/serve/http/authority.h"

#include <algorithm>
#include <charconv>

#include "core/base/error.h"
#include "front/serve/http/headers.h"

namespace kinglet::serve::http {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_ipv6_char(char c) {
  return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

// Four numbers, as browsers read "127.1" but "127.evil.example" is a name.
bool is_ipv4(std::string_view host) {
  int n_numbers = 0;
  while (true) {
    const size_t dot = host.find('.');
    const std::string_view digits = host.substr(0, dot);
    unsigned value = 0;
    const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || rest != digits.data() + digits.size() || value > 255 || digits.size() > 3) return false;
    ++n_numbers;
    if (dot == std::string_view::npos) return n_numbers == 4;
    host.remove_prefix(dot + 1);
  }
}

bool is_local_name(std::string_view host) { return host == "localhost" || host.ends_with(".localhost"); }

uint16_t usual_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

}  // namespace

bool Authority::is_address() const noexcept { return host.starts_with('[') || is_ipv4(host); }

std::optional<Authority> parse_authority(std::string_view text) {
  Authority out;
  size_t end = text.find(':');
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos || end < 3) return std::nullopt;
    if (!std::ranges::all_of(text.substr(1, end - 1), is_ipv6_char)) return std::nullopt;
    ++end;
  } else if (!std::ranges::all_of(text.substr(0, end), is_name_char)) {
    return std::nullopt;
  }
  out.host = lowered(text.substr(0, end));
  if (out.host.empty() || out.host.size() > 255) return std::nullopt;
  if (end == std::string_view::npos || end == text.size()) return out;
  const std::string_view digits = text.substr(end + 1);
  uint16_t port = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (text[end] != ':' || error != std::errc() || rest != digits.data() + digits.size()) return std::nullopt;
  out.port = port;
  return out;
}

HostRule::HostRule(const std::vector<std::string>& hosts, const std::vector<std::string>& own) {
  for (const std::string& name : hosts) {
    if (name == "*") {
      any_ = true;
      continue;
    }
    const auto authority = parse_authority(name);
    if (!authority || authority->port) {
      fail_with(ErrorCode::kInvalidArgument, "allowed host \"", name,
                "\" is no name: use models.example, .example or *");
    }
    names_.push_back(authority->host);
  }
  for (const std::string& name : own) names_.push_back(lowered(name));
}

bool HostRule::allows(const Authority& authority) const {
  std::string_view host = authority.host;
  if (host.ends_with('.')) host.remove_suffix(1);  // A name with its root is the same name.
  if (any_ || authority.is_address() || is_local_name(host)) return true;
  return std::ranges::any_of(names_, [&](std::string_view name) {
    if (name.starts_with('.')) return host.ends_with(name) || host == name.substr(1);
    return host == name;
  });
}

std::optional<OriginRule::Pattern> OriginRule::parse(std::string_view text) {
  Pattern out;
  const size_t mark = text.find("://");
  if (mark == std::string_view::npos || mark == 0) return std::nullopt;
  out.scheme = lowered(text.substr(0, mark));
  if (!is_token(out.scheme)) return std::nullopt;
  text.remove_prefix(mark + 3);
  if (text.ends_with(":*")) {
    out.any_port = true;
    text.remove_suffix(2);
  }
  if (text == "*" || text.empty()) {  // Pages of programs: "app://*", and "file://" has no host at all.
    out.host = text;
    out.any_port = out.any_port || text == "*";
    return out;
  }
  const auto authority = parse_authority(text);
  if (!authority || (out.any_port && authority->port)) return std::nullopt;
  out.host = authority->host;
  out.port = authority->port.value_or(usual_port(out.scheme));
  return out;
}

OriginRule::OriginRule(const std::vector<std::string>& origins) {
  for (const std::string& origin : origins) {
    if (origin == "*") {
      any_ = true;
      continue;
    }
    auto pattern = parse(origin);
    if (!pattern) {
      fail_with(ErrorCode::kInvalidArgument, "allowed origin \"", origin,
                "\" is none: use https://app.example, http://localhost:*, app://* or *");
    }
    patterns_.push_back(std::move(*pattern));
  }
}

bool OriginRule::allows(std::string_view origin, bool tls, std::string_view host) const {
  if (any_) return true;
  const auto asked = parse(origin);
  if (!asked || asked->any_port || asked->host == "*") return false;
  if (const auto own = parse_authority(host)) {
    const std::string_view scheme = tls ? "https" : "http";
    if (asked->scheme == scheme && asked->host == own->host && asked->port == own->port.value_or(usual_port(scheme))) {
      return true;
    }
  }
  return std::ranges::any_of(patterns_, [&](const Pattern& pattern) {
    return pattern.scheme == asked->scheme && (pattern.host == "*" || pattern.host == asked->host) &&
           (pattern.any_port || pattern.port == asked->port);
  });
}

}  // namespace kinglet::serve::http
