// GET /api/tags (Ollama): models of this machine.
#include "front/serve/api/routes.h"
#include "front/serve/dialects/ollama.h"

namespace kinglet::serve {
namespace {

http::Response handle(RequestContext& context) {
  JsonArray models;
  for (const store::StoredModel& one : context.services.store.list()) {
    const auto facts = one.damage.empty() ? context.services.facts.of(one) : nullptr;
    const std::string name = one.name.to_string();
    const std::chrono::system_clock::time_point modified{std::chrono::seconds(one.modified_s)};
    Json entry = JsonObject{{"name", name},
                            {"model", name},
                            {"modified_at", ollama::time_text(modified)},
                            {"size", one.size_bytes},
                            {"digest", one.digest}};
    if (facts != nullptr) {
      Json details = ollama::details(facts->format, facts->family, facts->n_parameters, facts->quantization);
      if (facts->context_len != 0) details.set("context_length", facts->context_len);
      if (facts->embedding_len != 0) details.set("embedding_length", facts->embedding_len);
      entry.set("details", std::move(details));
      JsonArray capabilities;
      for (const std::string_view word : facts->capabilities.names()) capabilities.emplace_back(word);
      entry.set("capabilities", std::move(capabilities));
    } else {
      entry.set("details", ollama::details("", "", 0, ""));
    }
    models.push_back(std::move(entry));
  }
  return json_response(JsonObject{{"models", std::move(models)}});
}

}  // namespace

Endpoint ollama_tags() {
  return plain_endpoint("GET", "/api/tags", Dialect::kOllama, "Models of this machine.", handle);
}

}  // namespace kinglet::serve
