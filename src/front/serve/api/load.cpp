// POST /api/load: which model a name means, changed while the server answers.
#include "front/serve/api/routes.h"
#include "front/serve/dialects/ollama.h"
#include "front/serve/model_use.h"

namespace kinglet::serve {
namespace {

struct Request {
  std::string model;
  std::string alias;
  bool unbind = false;
  std::optional<ollama::KeepAlive> keep_alive;
  std::optional<int64_t> context;

  static const Fields<Request>& fields() {
    static const Fields<Request> kFields(
        field("model", &Request::model).doc("The model that is loaded."),
        field("alias", &Request::alias)
            .doc("A name that means this model from now on; requests on their way end on the one that it meant."),
        field("unbind", &Request::unbind).doc("Let the alias mean what the store says again."),
        field("keep_alive", &Request::keep_alive).doc("How long it stays loaded."),
        field("context", &Request::context).range(8, 1e9).doc("Tokens of a conversation."));
    return kFields;
  }
};

http::Response handle(const Request& request, RequestContext& context) {
  chat::ModelHost& host = context.services.host;
  if (request.unbind) {
    if (request.alias.empty()) fail_missing("alias");
    if (!host.unbind(request.alias))
      fail_with(ErrorCode::kNotFound, "alias: ", system::json_quoted(request.alias), " is no alias");
    return json_response(JsonObject{{"status", "success"}});
  }
  if (request.model.empty()) fail_missing("model");
  chat::AcquireOptions options;
  if (request.keep_alive) options.keep_alive = request.keep_alive->value;
  if (request.context) options.overrides.context_len = static_cast<uint64_t>(*request.context);
  if (request.alias.empty()) {
    static_cast<void>(use_model(context, request.model, {request.context, options.keep_alive}));
  } else {
    host.bind(request.alias, request.model, options);
  }
  return json_response(JsonObject{{"status", "success"}});
}

}  // namespace

Endpoint ollama_load() {
  return managing(
      json_endpoint<Request>("POST", "/api/load", Dialect::kOllama, "Load a model, or let a name mean it.", handle));
}

}  // namespace kinglet::serve
