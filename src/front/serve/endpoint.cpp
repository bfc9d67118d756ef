#include "front/serve/endpoint.h"

#include <string_view>

namespace kinglet::serve {
namespace {

std::string_view openai_type(unsigned status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 404) return "not_found_error";
  if (status == 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

std::string_view anthropic_type(unsigned status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 404) return "not_found_error";
  if (status == 413) return "request_too_large";
  if (status == 429) return "rate_limit_error";
  if (status == 503) return "overloaded_error";
  return status < 500 ? "invalid_request_error" : "api_error";
}

}  // namespace

void RequestContext::require_model(const std::string& model) const {
  if (caller == nullptr) return;
  std::string name = model;
  try {
    name = store::ModelName::parse(model).to_string();
  } catch (const Error&) {
    // Refused where it is looked up.
  }
  if (const auto denial = access::may_use(caller, name)) throw ApiError(denial->status, denial->message, "model");
}

http::Response json_response(const Json& document, unsigned status) {
  http::Response made;
  made.status = status;
  made.headers.emplace_back("Content-Type", "application/json; charset=utf-8");
  made.body = document.dump();
  return made;
}

Json error_body(Dialect dialect, unsigned status, const std::string& message, const std::string& field) {
  switch (dialect) {
    case Dialect::kOllama:
      return JsonObject{{"error", message}};
    case Dialect::kOpenAi:
      return JsonObject{{"error", JsonObject{{"message", message},
                                             {"type", openai_type(status)},
                                             {"param", field.empty() ? Json() : Json(field)},
                                             {"code", Json()}}}};
    case Dialect::kAnthropic:
      return JsonObject{{"type", "error"},
                        {"error", JsonObject{{"type", anthropic_type(status)}, {"message", message}}}};
  }
  return {};
}

}  // namespace kinglet::serve
