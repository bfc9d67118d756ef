// POST /api/pull and /api/push (Ollama): models from and to registries.
#include "front/serve/api/routes.h"
#include "front/serve/model_use.h"
#include "front/serve/work_stream.h"

namespace kinglet::serve {
namespace {

struct Request {
  std::string model;
  std::string name;
  bool insecure = false;
  bool stream = true;

  static const Fields<Request>& fields() {
    static const Fields<Request> kFields(
        field("model", &Request::model).doc("The model's name, with its registry where it is not the usual one."),
        field("name", &Request::name).doc("The same (older name)."),
        field("insecure", &Request::insecure).doc("Speak to the registry without TLS."),
        field("stream", &Request::stream).doc("Say line by line how far it is."),
        without_effect<Request>("username", "Registries have tokens."),
        without_effect<Request>("password", "Registries have tokens."));
    return kFields;
  }
};

store::ModelName name_of(const Request& request, RequestContext& context) {
  const std::string& text = request.model.empty() ? request.name : request.model;
  if (text.empty()) fail_missing("model");
  store::ModelName name = parse_name(text, "model");
  if (request.insecure) name.plain_http = true;
  context.services.check_registry(name);
  return name;
}

// The first words of a digest say which part it is.
Json report_of(const store::Progress& progress, std::string_view verb) {
  Json made = JsonObject{};
  switch (progress.step) {
    case store::Step::kManifest:
      made.set("status", verb == "pulling" ? "pulling manifest" : "retrieving manifest");
      return made;
    case store::Step::kVerify:
      made.set("status", "verifying sha256 digest");
      return made;
    case store::Step::kWrite:
      made.set("status", verb == "pulling" ? "writing manifest" : "pushing manifest");
      return made;
    case store::Step::kDone:
      made.set("status", "success");
      return made;
    default:
      made.set("status", str(verb, " ", progress.item));
      made.set("digest", progress.item);
      if (progress.total_bytes > 0) made.set("total", progress.total_bytes);
      if (progress.done_bytes > 0) made.set("completed", progress.done_bytes);
      return made;
  }
}

using Transfer = void (*)(store::Store&, const store::ModelName&, const store::ProgressCallback&);

http::Response handle(const Request& request, RequestContext& context, std::string_view verb, Transfer transfer) {
  const store::ModelName name = name_of(request, context);
  store::Store& store = context.services.store;
  return run_work(
      [name, verb, transfer, &store](const Report& report) {
        bool said_success = false;
        transfer(store, name, [&](const store::Progress& progress) {
          said_success = progress.step == store::Step::kDone;
          return report(report_of(progress, verb));
        });
        if (!said_success) report(JsonObject{{"status", "success"}});
      },
      request.stream, context.cancel);
}

}  // namespace

Endpoint ollama_pull() {
  return managing(json_endpoint<Request>("POST", "/api/pull", Dialect::kOllama, "Get a model from a registry.",
                                         [](const Request& request, RequestContext& context) {
                                           return handle(request, context, "pulling",
                                                         [](store::Store& store, const store::ModelName& name,
                                                            const store::ProgressCallback& progress) {
                                                           store.pull(name, progress);
                                                         });
                                         }));
}

Endpoint ollama_push() {
  return managing(json_endpoint<Request>("POST", "/api/push", Dialect::kOllama, "Send a model to a registry.",
                                         [](const Request& request, RequestContext& context) {
                                           return handle(request, context, "pushing",
                                                         [](store::Store& store, const store::ModelName& name,
                                                            const store::ProgressCallback& progress) {
                                                           store.push(name, progress);
                                                         });
                                         }));
}

}  // namespace kinglet::serve
