// For tests: clients that come and go without waiting for an answer.
#pragma once

#include "front/serve/http/raw_client.h"
#include "front/serve/http/test_handler.h"

namespace kinglet::serve::http {

/// Connects n times, sends nothing, a part of a request or a whole one, and drops it, by an end or a reset; true when
/// the server has let go of all of them.
inline bool connect_and_drop(const Server& server, int n) {
  for (int i = 0; i < n; ++i) {
    RawClient client(server.port());
    if (i % 5 == 1) client.send("GET / HTTP/1.1\r\nHo");
    if (i % 5 == 2) client.send("POST /e HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nhello");
    if (i % 5 == 3) client.send("GET /stream-on HTTP/1.1\r\nHost: localhost\r\n\r\n");
    if (i % 5 == 4) client.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
    i % 2 == 0 ? client.drop() : client.close();
  }
  return eventually(
      [&] { return server.statistics().n_connections_now == 0 && server.statistics().n_requests_now == 0; });
}

}  // namespace kinglet::serve::http
