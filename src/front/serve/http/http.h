// Facade of front/serve/http: HTTP/1.1 on sockets, strictly.
//
// A Server (server.h) accepts connections over TCP, TLS and Unix sockets, reads requests (message.h) and hands them to
// a Handler (handler.h), whose answers are whole or come in pieces from a BodySource. What a request may be is decided
// here alone: framing, limits of size and time, the Host and Origin of browsers. What its path means is the handler's.
// Sources: RFC 9110, 9112, 3986, the Fetch standard (CORS).
// Thread rules: a Server's functions may be called from any thread; which thread calls a Handler, its header says.
#pragma once

#include "front/serve/http/cancel.h"
#include "front/serve/http/handler.h"
#include "front/serve/http/headers.h"
#include "front/serve/http/message.h"
#include "front/serve/http/server.h"
#include "front/serve/http/systemd.h"
#include "front/serve/http/systemd.h"
