// GET /api/ps (Ollama): what is loaded.
#include "front/serve/api/routes.h"
#include "front/serve/dialects/ollama.h"

namespace kinglet::serve {
namespace {

// For ever, as Ollama says it: a date that nobody sees.
constexpr std::chrono::hours kForever(24 * 365 * 100);

http::Response handle(RequestContext& context) {
  JsonArray models;
  for (const chat::ResidentModel& one : context.services.host.list()) {
    const auto expires = one.expires_at ? *one.expires_at : std::chrono::system_clock::now() + kForever;
    models.push_back(JsonObject{{"name", one.name},
                                {"model", one.name},
                                {"size", one.memory.total()},
                                {"digest", one.digest},
                                {"details", ollama::details("gguf", one.family, one.n_parameters, one.quantization)},
                                {"expires_at", ollama::time_text(expires)},
                                {"size_vram", 0},
                                {"context_length", one.context_len}});
  }
  return json_response(JsonObject{{"models", std::move(models)}});
}

}  // namespace

Endpoint ollama_ps() { return plain_endpoint("GET", "/api/ps", Dialect::kOllama, "Models that are loaded.", handle); }

}  // namespace kinglet::serve
