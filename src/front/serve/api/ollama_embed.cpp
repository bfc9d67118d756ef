// POST /api/embed and its older form /api/embeddings (Ollama).
#include "front/serve/api/routes.h"
#include "front/serve/dialects/ollama.h"
#include "front/serve/dialects/vectors.h"

namespace kinglet::serve {
namespace {

struct Request {
  std::string model;
  Texts input;
  bool truncate = false;
  int64_t dimensions = 0;
  std::optional<ollama::KeepAlive> keep_alive;
  std::optional<ollama::Options> options;

  static const Fields<Request>& fields() {
    static const Fields<Request> kFields(
        field("model", &Request::model).required().doc("A name from GET /api/tags."),
        field("input", &Request::input).required().doc("Texts to embed."),
        field("truncate", &Request::truncate).doc("Cut texts that are longer than the context."),
        field("dimensions", &Request::dimensions).range(1, 1e9).doc("So many of a vector's first numbers."),
        field("keep_alive", &Request::keep_alive).doc("How long the model stays loaded."),
        field("options", &Request::options).doc("Settings by their names; num_ctx alone matters here."));
    return kFields;
  }
};

struct OldRequest {
  std::string model;
  std::string prompt;
  std::optional<ollama::KeepAlive> keep_alive;
  std::optional<ollama::Options> options;

  static const Fields<OldRequest>& fields() {
    static const Fields<OldRequest> kFields(
        field("model", &OldRequest::model).required().doc("A name from GET /api/tags."),
        field("prompt", &OldRequest::prompt).doc("The text to embed."),
        field("keep_alive", &OldRequest::keep_alive).doc("How long the model stays loaded."),
        field("options", &OldRequest::options).doc("Settings by their names; num_ctx alone matters here."));
    return kFields;
  }
};

JsonArray numbers(const std::vector<float>& row) {
  JsonArray made;
  made.reserve(row.size());
  for (const float x : row) made.emplace_back(x);
  return made;
}

http::Response handle(const Request& request, RequestContext& context) {
  const auto started = std::chrono::steady_clock::now();
  const ModelUse use = use_model(context, request.model, ollama::use_options_of(request));
  std::vector<VectorInput> inputs;
  for (const std::string& text : request.input.values) inputs.push_back({text});
  const Vectors vectors = vectors_of(*use.model, inputs, request.truncate, request.dimensions);
  JsonArray rows;
  for (const auto& row : vectors.rows) rows.emplace_back(numbers(row));
  Json made = JsonObject{{"model", request.model}, {"embeddings", std::move(rows)}};
  made.set("total_duration", std::chrono::nanoseconds(std::chrono::steady_clock::now() - started).count());
  made.set("load_duration", use.loading.count());
  made.set("prompt_eval_count", vectors.n_tokens);
  return json_response(made);
}

http::Response handle_old(const OldRequest& request, RequestContext& context) {
  const ModelUse use = use_model(context, request.model, ollama::use_options_of(request));
  if (request.prompt.empty()) return json_response(JsonObject{{"embedding", JsonArray{}}});
  const std::vector<VectorInput> inputs = {{request.prompt}};
  // The older form never made them of length one.
  const Vectors vectors = vectors_of(*use.model, inputs, false, 0, false);
  return json_response(JsonObject{{"embedding", numbers(vectors.rows.front())}});
}

}  // namespace

Endpoint ollama_embed() {
  return json_endpoint<Request>("POST", "/api/embed", Dialect::kOllama, "Vectors of texts.", handle);
}

Endpoint ollama_embeddings() {
  return json_endpoint<OldRequest>("POST", "/api/embeddings", Dialect::kOllama, "The vector of a text (older form).",
                                   handle_old);
}

}  // namespace kinglet::serve
