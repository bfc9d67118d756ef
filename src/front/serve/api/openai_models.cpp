// GET /v1/models and /v1/models/{model} (OpenAI).
#include "front/serve/api/routes.h"
#include "front/serve/model_use.h"

namespace kinglet::serve {
namespace {

Json entry(const store::StoredModel& model) {
  return JsonObject{{"id", model.name.to_string()},
                    {"object", "model"},
                    {"created", model.modified_s},
                    {"owned_by", model.name.name_space}};
}

http::Response list(RequestContext& context) {
  JsonArray data;
  for (const store::StoredModel& one : context.services.store.list()) {
    if (one.damage.empty()) data.push_back(entry(one));
  }
  for (const auto& [alias, target] : context.services.host.bindings()) {
    data.push_back(JsonObject{{"id", alias}, {"object", "model"}, {"created", 0}, {"owned_by", target}});
  }
  return json_response(JsonObject{{"object", "list"}, {"data", std::move(data)}});
}

http::Response one(RequestContext& context) {
  const std::string& text = context.path_values.at("model");
  const store::ModelName name = parse_name(text, "model");
  const auto found = context.services.store.find(name);
  if (!found) fail_with(ErrorCode::kNotFound, "model ", system::json_quoted(text), " not found");
  return json_response(entry(*found));
}

}  // namespace

Endpoint openai_models() {
  return plain_endpoint("GET", "/v1/models", Dialect::kOpenAi, "Models of this machine.", list);
}

Endpoint openai_model() {
  return plain_endpoint("GET", "/v1/models/{model...}", Dialect::kOpenAi, "One of them.", one);
}

}  // namespace kinglet::serve
