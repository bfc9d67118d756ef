#include "front/serve/http/response_head.h"

#include <algorithm>
#include <array>

#include "core/base/str.h"
#include "front/serve/http/server.h"

namespace kinglet::serve::http {
namespace {

constexpr std::array<std::string_view, 4> kOwnHeaders = {"content-length", "transfer-encoding", "connection", "date"};

void append_two(std::string& out, int number) {
  out += static_cast<char>('0' + number / 10 % 10);
  out += static_cast<char>('0' + number % 10);
}

}  // namespace

std::string_view reason_of(unsigned status) noexcept {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    case 529:
      return "Overloaded";
    default:
      return "";
  }
}

std::string http_date(std::time_t time) {
  constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::string out = str(kDays[static_cast<size_t>(parts.tm_wday)], ", ");
  append_two(out, parts.tm_mday);
  out += str(" ", kMonths[static_cast<size_t>(parts.tm_mon)], " ", parts.tm_year + 1900, " ");
  append_two(out, parts.tm_hour);
  out += ':';
  append_two(out, parts.tm_min);
  out += ':';
  append_two(out, parts.tm_sec);
  return out + " GMT";
}

std::string response_head(const Response& response, const AnswerFraming& framing, std::time_t now) {
  std::string out = str("HTTP/1.1 ", response.status, " ", reason_of(response.status), "\r\n");
  for (const auto& [name, value] : response.headers) {
    if (!is_token(name) || !is_field_value(value)) {
      fail_with(ErrorCode::kInternal, "an answer's header \"", name, "\" cannot be sent");
    }
    if (std::ranges::any_of(kOwnHeaders, [&](std::string_view own) { return same_word(own, name); })) {
      fail_with(ErrorCode::kInternal, "an answer's header \"", name, "\" is the transport's");
    }
    out += str(name, ": ", value, "\r\n");
  }
  if (framing.length) out += str("Content-Length: ", *framing.length, "\r\n");
  if (framing.chunked) out += "Transfer-Encoding: chunked\r\n";
  if (framing.close) out += "Connection: close\r\n";
  if (framing.keep_alive) out += "Connection: keep-alive\r\n";
  out += str("Date: ", http_date(now), "\r\n\r\n");
  return out;
}

unsigned status_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kContextFull:
    case ErrorCode::kUnsupported:
      return 400;
    case ErrorCode::kRefused:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kCancelled:
      return 499;
    case ErrorCode::kNetwork:
      return 502;
    case ErrorCode::kBusy:
    case ErrorCode::kOutOfMemory:
      return 503;
    case ErrorCode::kNoSpace:
      return 507;
    case ErrorCode::kInternal:
    case ErrorCode::kIo:
    case ErrorCode::kInvalidFile:
      return 500;
  }
  return 500;
}

}  // namespace kinglet::serve::http
