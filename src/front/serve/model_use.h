// The model that a request names, ready to answer.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "front/serve/endpoint.h"
#include "run/chat/model_host.h"

namespace kinglet::serve {

struct ModelUse {
  std::shared_ptr<chat::HostedModel> model;  ///< It stays loaded as long as this lives.
  std::chrono::nanoseconds loading{0};       ///< How long it took until it was there.
};

struct UseOptions {
  std::optional<int64_t> context_len = {};
  std::optional<std::chrono::milliseconds> keep_alive = {};
};

/// Loads it where it is not loaded; waits as long as the client does. Throws as ModelHost::acquire, and Error{kRefused}
/// where the client's key is not for this model.
ModelUse use_model(RequestContext& context, const std::string& name, const UseOptions& options = {});

/// The name of the model that is loaded, where there is one alone. Throws ApiError where there are others or none.
std::string only_model(RequestContext& context);

/// The messages of a request behind those that the stored model has of its own: its system message where the request
/// has none (and `adds_system`), and its MESSAGEs.
Json with_stored_messages(Json messages, const chat::ModelSource& source, bool adds_system = true);

/// A name of a model in a field. Throws ApiError.
store::ModelName parse_name(const std::string& text, const std::string& field);

}  // namespace kinglet::serve
