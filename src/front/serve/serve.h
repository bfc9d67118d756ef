// Facade of front/serve: models over HTTP, in the words of Ollama, OpenAI and Anthropic.
//
// Api (api.h) stands behind an http::Server (http/http.h): it finds the Endpoint (endpoint.h) of a request in the table
// of routes (api/routes.h), reads its body by the endpoint's declared fields (fields.h), and gives the answer or an
// error in the endpoint's dialect (dialects/). Handlers get a model from the ModelHost and start Replies, which
// ReplyWriters turn into each dialect's bytes (reply_stream.h).
// Thread rules: an Api is called by all threads of its server; handlers run at once, each on a thread of its own.
#pragma once

#include "front/serve/api.h"
#include "front/serve/api/routes.h"
#include "front/serve/http/http.h"
