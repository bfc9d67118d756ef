// The endpoints: a line each, in files of their own.
#pragma once

#include <vector>

#include "front/serve/endpoint.h"

namespace kinglet::serve {

Endpoint anthropic_count_tokens();
Endpoint anthropic_messages();
Endpoint detokenize();
Endpoint health();
Endpoint infill();
Endpoint metrics();
Endpoint ollama_chat();
Endpoint ollama_copy();
Endpoint ollama_delete();
Endpoint ollama_embed();
Endpoint ollama_embeddings();
Endpoint ollama_generate();
Endpoint ollama_load();
Endpoint ollama_ps();
Endpoint ollama_pull();
Endpoint ollama_push();
Endpoint ollama_root();
Endpoint ollama_show();
Endpoint ollama_tags();
Endpoint ollama_version();
Endpoint openai_chat();
Endpoint openai_completions();
Endpoint openai_embeddings();
Endpoint openai_model();
Endpoint openai_models();
Endpoint openai_rerank();
Endpoint tokenize();

/// The OpenAPI document of endpoints.
Json openapi_of(const std::vector<Endpoint>& endpoints, const std::string& version);

/// All of them: the whole table of routes.
std::vector<Endpoint> endpoints();

}  // namespace kinglet::serve
