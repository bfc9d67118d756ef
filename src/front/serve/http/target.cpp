#include "front/serve/http/target.h"

#include <algorithm>
#include <cstdint>

#include "front/serve/http/message.h"

namespace kinglet::serve::http {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool has_dot_part(std::string_view path) {
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part == "." || part == "..") return true;
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return false;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

bool is_utf8(std::string_view bytes) noexcept {
  for (size_t i = 0; i < bytes.size();) {
    const auto first = static_cast<unsigned char>(bytes[i++]);
    if (first < 0x80) continue;
    const int n_more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4) return false;
    uint32_t code = first & (0x3fU >> n_more);
    for (int k = 0; k < n_more; ++k) {
      if (i == bytes.size() || (static_cast<unsigned char>(bytes[i]) & 0xc0) != 0x80) return false;
      code = code << 6 | (static_cast<unsigned char>(bytes[i++]) & 0x3f);
    }
    const bool too_long = (n_more == 2 && code < 0x800) || (n_more == 3 && code < 0x10000);
    if (too_long || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
  }
  return true;
}

Result<Target, Refusal> parse_target(std::string_view method, std::string_view target) {
  const bool is_visible = std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f; });
  if (!is_visible) return Refusal{400, "the target has bytes that must be written with percent signs"};
  if (target.find('#') != std::string_view::npos) return Refusal{400, "the target has a fragment"};
  if (target == "*" && method == "OPTIONS") return Target{"*", "", ""};
  Target out;
  if (!target.starts_with('/')) {
    const std::string_view scheme = target.starts_with("http://")    ? "http://"
                                    : target.starts_with("https://") ? "https://"
                                                                     : "";
    if (scheme.empty()) return Refusal{400, "the target is no path"};
    target.remove_prefix(scheme.size());
    const size_t end = target.find_first_of("/?");
    out.authority = target.substr(0, end);
    if (out.authority.empty()) return Refusal{400, "the target has no host"};
    target.remove_prefix(end == std::string_view::npos ? target.size() : end);
  }
  const size_t mark = target.find('?');
  if (mark != std::string_view::npos) out.query = target.substr(mark + 1);
  auto path = percent_decoded(target.substr(0, mark));
  if (!path) return Refusal{400, "the path has a percent sign without two hexadecimal digits"};
  out.path = path->empty() ? "/" : std::move(*path);
  if (std::ranges::any_of(out.path, is_control)) return Refusal{400, "the path has a control character"};
  if (!is_utf8(out.path)) return Refusal{400, "the path is not UTF-8"};
  // Backslashes, as what stands behind might take one for a slash.
  if (has_dot_part(out.path) || out.path.find('\\') != std::string::npos) {
    return Refusal{400, "the path has \"..\", \".\" or a backslash"};
  }
  return out;
}

std::optional<std::string> Request::parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const size_t end = rest.find('&');
    std::string pair(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    std::ranges::replace(pair, '+', ' ');
    const size_t equals = pair.find('=');
    const auto key = percent_decoded(std::string_view(pair).substr(0, equals));
    if (key != name) continue;
    auto value = equals == std::string::npos ? "" : percent_decoded(std::string_view(pair).substr(equals + 1));
    if (!value || !is_utf8(*value) || value->find('\0') != std::string::npos) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

}  // namespace kinglet::serve::http
