// One endpoint of the API: a method, a path, its declared fields, and a short handler.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "front/serve/fields.h"
#include "front/serve/http/http.h"
#include "front/serve/services.h"

namespace kinglet::serve {

/// Whose words a reply is written in; decides how errors look.
enum class Dialect : uint8_t { kOllama, kOpenAi, kAnthropic };

/// What a handler knows of its request beside the fields.
struct RequestContext {
  Services& services;
  const http::Request& request;
  const http::Cancel& cancel;
  std::map<std::string, std::string> path_values;  ///< Of "{name}" in the path.
  std::string client;                              ///< Who asks: the name of the key, else the address.
  access::Caller caller;                           ///< The key; null where none is needed.

  /// Throws ApiError where the client's key is not for this model.
  void require_model(const std::string& model) const;
};

struct Endpoint {
  std::string method;
  std::string path;  ///< "{name}" stands for one part, "{name...}" for the rest.
  Dialect dialect = Dialect::kOllama;
  std::string summary;
  Json request_schema;  ///< Null: it takes no body.
  std::function<http::Response(const Json& body, RequestContext&)> handle;
  bool is_urgent = false;  ///< Answered while all workers are taken.
  bool is_public = false;  ///< Needs no key.
  bool manages = false;    ///< Changes what the server has: needs a key that may.
};

/// An endpoint whose body is JSON with these fields. `handle(const R&, RequestContext&)` gives an http::Response.
template <class R, class H>
Endpoint json_endpoint(std::string method, std::string path, Dialect dialect, std::string summary, H handle) {
  return {std::move(method),
          std::move(path),
          dialect,
          std::move(summary),
          R::fields().schema(),
          [handle](const Json& body, RequestContext& context) { return handle(R::fields().read(body), context); }};
}

/// An endpoint without a body. `handle(RequestContext&)`.
template <class H>
Endpoint plain_endpoint(std::string method, std::string path, Dialect dialect, std::string summary, H handle) {
  return {std::move(method),
          std::move(path),
          dialect,
          std::move(summary),
          Json(),
          [handle](const Json& /*body*/, RequestContext& context) { return handle(context); }};
}

/// The same endpoint, which changes what the server has.
inline Endpoint managing(Endpoint endpoint) {
  endpoint.manages = true;
  return endpoint;
}

/// A reply of one JSON document.
http::Response json_response(const Json& document, unsigned status = 200);

/// The body of an error in the words of a dialect.
Json error_body(Dialect dialect, unsigned status, const std::string& message, const std::string& field);

}  // namespace kinglet::serve
