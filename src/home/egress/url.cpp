#include "home/egress/url.h"

#include <curl/curl.h>

#include <memory>
#include <optional>

#include "core/base/base.h"
#include "home/egress/egress.h"

namespace kinglet::egress {
namespace {

using Handle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string part_of(CURLU* handle, CURLUPart part, unsigned int flags = 0) {
  char* text = nullptr;
  if (curl_url_get(handle, part, &text, flags) != CURLUE_OK) return "";
  const std::unique_ptr<char, decltype(&curl_free)> owner(text, &curl_free);
  return text;
}

// Nullopt with the reason in `why`.
std::optional<Url> read(std::string_view base, std::string_view text, std::string& why) {
  const Handle handle(curl_url(), &curl_url_cleanup);
  for (const std::string_view piece : {base, text}) {
    if (piece.empty()) continue;
    const CURLUcode code = curl_url_set(handle.get(), CURLUPART_URL, std::string(piece).c_str(), CURLU_DISALLOW_USER);
    if (code != CURLUE_OK) {
      why = curl_url_strerror(code);
      return std::nullopt;
    }
  }
  curl_url_set(handle.get(), CURLUPART_FRAGMENT, nullptr, 0);
  Url url{.text = part_of(handle.get(), CURLUPART_URL),
          .scheme = part_of(handle.get(), CURLUPART_SCHEME),
          .host = part_of(handle.get(), CURLUPART_HOST),
          .path = part_of(handle.get(), CURLUPART_PATH)};
  if (url.scheme != "https" && url.scheme != "http") {
    why = str("\"", url.scheme, "\" is neither https nor http");
    return std::nullopt;
  }
  // The library has checked that it is a number of a port.
  url.port = static_cast<uint16_t>(std::stoul(part_of(handle.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT)));
  return url;
}

}  // namespace

Url parse_url(std::string_view text) {
  std::string why;
  if (auto url = read("", text, why)) return *url;
  fail_with(ErrorCode::kInvalidArgument, "\"", text, "\" is no URL that can be asked: ", why);
}

Url resolve(const Url& base, std::string_view location) {
  std::string why;
  if (auto url = read(base.text, location, why)) return *url;
  fail_with(ErrorCode::kNetwork, base.host, " redirects to an unusable address: ", why);
}

bool is_loopback(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1) == "[::1]";
  host = host.substr(0, host.find(':'));
  if (host == "localhost") return true;
  // Four numbers, as "127.evil.example" is a name.
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace kinglet::egress
