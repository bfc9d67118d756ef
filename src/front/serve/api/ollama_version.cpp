// GET /api/version (Ollama) and GET /, by which its programs see that a server is there.
#include "front/serve/api/routes.h"

namespace kinglet::serve {

Endpoint ollama_version() {
  return plain_endpoint(
      "GET", "/api/version", Dialect::kOllama, "The version of this server.",
      [](RequestContext& context) { return json_response(JsonObject{{"version", context.services.version}}); });
}

Endpoint ollama_root() {
  return plain_endpoint("GET", "/", Dialect::kOllama, "Says that the server is there.", [](RequestContext&) {
    http::Response made;
    made.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
    made.body = "Ollama is running";  // what programs look for; the server is Kinglet
    return made;
  });
}

}  // namespace kinglet::serve
