#include "front/serve/api/routes.h"

#include <memory>

namespace kinglet::serve {

std::vector<Endpoint> endpoints() {
  std::vector<Endpoint> all = {
      ollama_root(),
      ollama_version(),
      ollama_tags(),
      ollama_ps(),
      ollama_show(),
      ollama_chat(),
      ollama_generate(),
      ollama_embed(),
      ollama_embeddings(),
      ollama_pull(),
      ollama_push(),
      ollama_copy(),
      ollama_delete(),
      openai_models(),
      openai_model(),
      openai_chat(),
      openai_completions(),
      openai_embeddings(),
      openai_rerank(),
      anthropic_messages(),
      anthropic_count_tokens(),
      tokenize(),
      detokenize(),
      health(),
      metrics(),
      infill(),
      ollama_load(),
  };
  // What describes all endpoints is one itself.
  const auto document = std::make_shared<Json>();
  all.push_back(plain_endpoint("GET", "/openapi.json", Dialect::kOpenAi, "All endpoints and their fields.",
                               [document](RequestContext&) { return json_response(*document); }));
  *document = openapi_of(all, "1");
  return all;
}

}  // namespace kinglet::serve
