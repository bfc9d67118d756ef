#include "front/serve/http/response_head.h"

#include <gtest/gtest.h>

namespace kinglet::serve::http {
namespace {

TEST(ResponseHead, IsWhatTheRulesSay) {
  const Response response{.status = 404, .headers = {{"Content-Type", "text/plain"}}};
  // The date is the example of RFC 9110, section 5.6.7.
  EXPECT_EQ(response_head(response, {.length = 3, .close = true}, 784111777),
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
  EXPECT_EQ(response_head({}, {.length = {}, .chunked = true}, 0),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n");
}

TEST(ResponseHead, RefusesHeadersThatWouldBreakIt) {
  const std::vector<std::pair<std::string, std::string>> bad = {{"A", "b\r\nC: d"},
                                                                {"A", "b\nc"},
                                                                {"A", std::string("b\0c", 3)},
                                                                {"A b", "c"},
                                                                {"", "c"},
                                                                {"A\r\nB", "c"},
                                                                {"Content-Length", "5"},
                                                                {"transfer-encoding", "chunked"},
                                                                {"Connection", "close"},
                                                                {"Date", "now"}};
  for (const auto& header : bad) {
    const Response response{.status = 200, .headers = {header}};
    EXPECT_THROW(static_cast<void>(response_head(response, {}, 0)), Error) << header.first;
  }
}

}  // namespace
}  // namespace kinglet::serve::http
