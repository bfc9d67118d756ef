#include "home/store/model_name.h"

#include <algorithm>
#include <vector>

#include "core/base/base.h"
#include "home/egress/egress.h"
#include "model/format/printable.h"

namespace kinglet::store {
namespace {

constexpr size_t kMaxPartBytes = 128;  // with our endings still a name that file systems take
constexpr size_t kMaxHostBytes = 200;

constexpr std::string_view kOtherHuggingFaceHost = "huggingface.co";

bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return lower(c); });
  return out;
}

bool same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  fail_with(ErrorCode::kInvalidArgument, "\"", format::printable(text), "\" is no name of a model: ", why);
}

void check_part(std::string_view text, std::string_view what, std::string_view part) {
  const size_t limit = what == "host" ? kMaxHostBytes : kMaxPartBytes;
  if (part.empty()) refuse(text, str("the ", what, " is empty"));
  if (part.size() > limit) refuse(text, str("the ", what, " is longer than ", limit, " characters"));
  if (!is_letter_or_digit(part[0]) && part[0] != '_') {
    refuse(text, str("the ", what, " begins with '", format::printable(part.substr(0, 1)), "'"));
  }
  const std::string_view others = what == "host" ? "-_.:" : "-_.";
  for (size_t i = 0; i < part.size(); ++i) {
    if (is_letter_or_digit(part[i]) || others.find(part[i]) != std::string_view::npos) continue;
    refuse(text, str("the ", what, " has '", format::printable(part.substr(i, 1)), "' in it"));
  }
}

void check_host(std::string_view text, std::string_view host) {
  check_part(text, "host", host);
  const size_t colon = host.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view port = host.substr(colon + 1);
  const bool is_number = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number) refuse(text, "what follows the host's ':' is no port");
}

// Whether the first of two parts is a host rather than a namespace.
bool looks_like_host(std::string_view part) {
  return part.find_first_of(".:") != std::string_view::npos || part == "localhost";
}

bool is_plain_by_default(std::string_view host) { return egress::is_loopback(host); }

}  // namespace

ModelName ModelName::parse(std::string_view text) {
  std::string_view rest = text;
  const bool http = rest.starts_with("http://");
  const bool https = rest.starts_with("https://");
  if (http || https) rest.remove_prefix(rest.find("//") + 2);
  if (rest.find('@') != std::string_view::npos) refuse(text, "a digest ('@') cannot be named, only a tag (':')");

  std::vector<std::string_view> parts;
  for (;;) {
    const size_t slash = rest.find('/');
    parts.push_back(rest.substr(0, slash));
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (parts.size() > 3) refuse(text, "it has more parts than HOST/NAMESPACE/NAME:TAG");

  ModelName name;
  std::string_view last = parts.back();
  if (const size_t colon = last.find(':'); colon != std::string_view::npos) {
    name.tag = last.substr(colon + 1);
    last = last.substr(0, colon);
  }
  name.name = last;
  if (parts.size() == 3) {
    name.host = lower(parts[0]);
    name.name_space = parts[1];
  } else if (parts.size() == 2 && looks_like_host(parts[0])) {
    name.host = lower(parts[0]);
  } else if (parts.size() == 2) {
    name.name_space = parts[0];
  }
  if (name.host == kOtherHuggingFaceHost) name.host = kHuggingFaceHost;
  check_host(text, name.host);
  check_part(text, "namespace", name.name_space);
  check_part(text, "name", name.name);
  check_part(text, "tag", name.tag);
  if (name.tag.ends_with(".part")) refuse(text, "the tag ends with \".part\", as files that are not complete do");
  name.plain_http = http || (!https && is_plain_by_default(name.host));
  return name;
}

std::string ModelName::to_string() const {
  const bool default_host = host == kDefaultHost;
  std::string text;
  if (plain_http != is_plain_by_default(host)) text = plain_http ? "http://" : "https://";
  if (!default_host || !text.empty()) text += str(host, '/');
  if (!text.empty() || !same(name_space, kDefaultNamespace)) text += str(name_space, '/');
  return str(text, name, ':', tag);
}

std::string ModelName::full() const { return str(host, '/', name_space, '/', name, ':', tag); }

bool operator==(const ModelName& a, const ModelName& b) {
  return same(a.host, b.host) && same(a.name_space, b.name_space) && same(a.name, b.name) && same(a.tag, b.tag);
}

bool is_path(std::string_view text) {
  for (const std::string_view start : {"/", "./", "../", "~/"}) {
    if (text.starts_with(start)) return true;
  }
  return text == "." || text == ".." || text.ends_with(".gguf");
}

}  // namespace kinglet::store
