// GET /openapi.json: all endpoints, from the declarations that requests are read by.
#include "front/serve/api/routes.h"

namespace kinglet::serve {
namespace {

Json operation(const Endpoint& endpoint) {
  Json made = JsonObject{{"summary", endpoint.summary}};
  JsonArray parameters;
  for (size_t at = endpoint.path.find('{'); at != std::string::npos; at = endpoint.path.find('{', at + 1)) {
    std::string name = endpoint.path.substr(at + 1, endpoint.path.find('}', at) - at - 1);
    if (name.ends_with("...")) name.resize(name.size() - 3);
    parameters.push_back(
        JsonObject{{"name", name}, {"in", "path"}, {"required", true}, {"schema", JsonObject{{"type", "string"}}}});
  }
  if (!parameters.empty()) made.set("parameters", std::move(parameters));
  if (!endpoint.request_schema.is_null()) {
    made.set(
        "requestBody",
        JsonObject{{"required", true},
                   {"content", JsonObject{{"application/json", JsonObject{{"schema", endpoint.request_schema}}}}}});
  }
  const Json error = JsonObject{{"description", "What is wrong, in the words of the dialect."}};
  Json responses = JsonObject{{"200", JsonObject{{"description", "The answer."}}}};
  responses.set("4XX", error);
  responses.set("5XX", error);
  made.set("responses", std::move(responses));
  return made;
}

std::string openapi_path(std::string path) {
  const size_t dots = path.find("...}");
  if (dots != std::string::npos) path.erase(dots, 3);
  return path;
}

}  // namespace

Json openapi_of(const std::vector<Endpoint>& endpoints, const std::string& version) {
  Json paths = JsonObject{};
  for (const Endpoint& one : endpoints) {
    const std::string path = openapi_path(one.path);
    std::string method = one.method;
    for (char& c : method) c = static_cast<char>(c - 'A' + 'a');
    Json methods = paths.find(path) == nullptr ? Json(JsonObject{}) : *paths.find(path);
    methods.set(method, operation(one));
    paths.set(path, std::move(methods));
  }
  return JsonObject{{"openapi", "3.1.0"},
                    {"info", JsonObject{{"title", "Kinglet"}, {"version", version}}},
                    {"paths", std::move(paths)}};
}

}  // namespace kinglet::serve
