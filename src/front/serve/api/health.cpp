// GET /health (as llama-server has it).
#include "front/serve/api/routes.h"

namespace kinglet::serve {

Endpoint health() {
  Endpoint made = plain_endpoint("GET", "/health", Dialect::kOpenAi, "Says that the server answers.",
                                 [](RequestContext&) { return json_response(JsonObject{{"status", "ok"}}); });
  made.is_urgent = true;
  made.is_public = true;
  return made;
}

}  // namespace kinglet::serve
