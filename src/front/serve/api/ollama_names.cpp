// POST /api/copy and DELETE /api/delete (Ollama): names of models.
#include "front/serve/api/routes.h"
#include "front/serve/model_use.h"

namespace kinglet::serve {
namespace {

struct Copy {
  std::string source;
  std::string destination;

  static const Fields<Copy>& fields() {
    static const Fields<Copy> kFields(field("source", &Copy::source).required().doc("A name from GET /api/tags."),
                                      field("destination", &Copy::destination).required().doc("Its second name."));
    return kFields;
  }
};

struct Delete {
  std::string model;
  std::string name;

  static const Fields<Delete>& fields() {
    static const Fields<Delete> kFields(field("model", &Delete::model).doc("A name from GET /api/tags."),
                                        field("name", &Delete::name).doc("The same (older name)."));
    return kFields;
  }
};

http::Response copy(const Copy& request, RequestContext& context) {
  context.services.store.copy(parse_name(request.source, "source"), parse_name(request.destination, "destination"));
  return {};
}

http::Response remove(const Delete& request, RequestContext& context) {
  const std::string& text = request.model.empty() ? request.name : request.model;
  if (text.empty()) fail_missing("model");
  const store::ModelName name = parse_name(text, "model");
  context.services.store.remove(name);
  context.services.host.unload(name.to_string());
  return {};
}

}  // namespace

Endpoint ollama_copy() {
  return managing(json_endpoint<Copy>("POST", "/api/copy", Dialect::kOllama, "Give a model a second name.", copy));
}

Endpoint ollama_delete() {
  return managing(json_endpoint<Delete>("DELETE", "/api/delete", Dialect::kOllama, "Remove a model.", remove));
}

}  // namespace kinglet::serve
