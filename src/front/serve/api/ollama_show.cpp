// POST /api/show (Ollama): all that is known of a model.
#include "front/serve/api/routes.h"
#include "front/serve/dialects/ollama.h"

namespace kinglet::serve {
namespace {

struct Request {
  std::string model;
  std::string name;
  bool verbose = false;

  static const Fields<Request>& fields() {
    static const Fields<Request> kFields(
        field("model", &Request::model).doc("A name from GET /api/tags."),
        field("name", &Request::name).doc("The same (older name)."),
        field("verbose", &Request::verbose).doc("With long arrays of the file, too."),
        refused<Request>("system", "nothing is changed by looking", {Json("")}),
        refused<Request>("template", "nothing is changed by looking", {Json("")}),
        refused<Request>("options", "nothing is changed by looking", {Json(JsonObject{})}));
    return kFields;
  }
};

http::Response handle(const Request& request, RequestContext& context) {
  const std::string& text = request.model.empty() ? request.name : request.model;
  if (text.empty()) fail_missing("model");
  auto found = context.services.store.find(parse_name(text, "model"));
  if (!found) fail_with(ErrorCode::kNotFound, "model '", text, "' not found");
  const int64_t modified_s = found->modified_s;
  const chat::ModelSource source = chat::source_of(std::move(*found));
  const auto file = chat::open_source(source);
  chat::ModelDescription about = chat::describe(source, *file, request.verbose);
  const chat::ModelFacts& facts = about.facts;
  JsonArray capabilities;
  for (const std::string_view word : facts.capabilities.names()) capabilities.emplace_back(word);
  Json made = JsonObject{};
  if (!about.license.empty()) made.set("license", about.license);
  made.set("modelfile", about.modelfile);
  made.set("parameters", about.parameters);
  made.set("template", about.template_text);
  if (!about.system.empty()) made.set("system", about.system);
  made.set("details", ollama::details(facts.format, facts.family, facts.n_parameters, facts.quantization));
  if (!about.messages.is_null()) made.set("messages", std::move(about.messages));
  made.set("model_info", std::move(about.model_info));
  made.set("tensors", std::move(about.tensors));
  made.set("capabilities", std::move(capabilities));
  made.set("modified_at", ollama::time_text(std::chrono::system_clock::time_point{std::chrono::seconds(modified_s)}));
  return json_response(made);
}

}  // namespace

Endpoint ollama_show() {
  return json_endpoint<Request>("POST", "/api/show", Dialect::kOllama, "All that is known of a model.", handle);
}

}  // namespace kinglet::serve
