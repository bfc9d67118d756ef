#include "front/serve/model_use.h"

namespace kinglet::serve {

ModelUse use_model(RequestContext& context, const std::string& name, const UseOptions& options) {
  if (name.empty()) throw ApiError(400, "model: is empty", "model");
  context.require_model(name);
  const auto started = std::chrono::steady_clock::now();
  chat::AcquireOptions wanted;
  if (options.context_len) wanted.overrides.context_len = static_cast<uint64_t>(*options.context_len);
  wanted.keep_alive = options.keep_alive;
  wanted.is_gone = [&context] { return context.cancel.requested(); };
  ModelUse use{context.services.host.acquire(name, wanted)};
  use.loading = std::chrono::steady_clock::now() - started;
  return use;
}

std::string only_model(RequestContext& context) {
  const std::vector<chat::ResidentModel> resident = context.services.host.list();
  if (resident.size() != 1)
    throw ApiError(400, str("model: is missing, and ", resident.size(), " are loaded"), "model");
  return resident.front().name;
}

Json with_stored_messages(Json messages, const chat::ModelSource& source, bool adds_system) {
  const JsonArray& given = messages.as_array("messages");
  const auto is_system = [](const Json& one) { return one.at("role").as_string("role") == "system"; };
  const bool has_system = !given.empty() && is_system(given.front());
  Json made = JsonArray{};
  if (!source.stored.system.empty() && adds_system && !has_system)
    made.push(JsonObject{{"role", "system"}, {"content", source.stored.system}});
  size_t at = 0;
  if (has_system) made.push(given[at++]);
  if (!source.stored.messages.is_null()) {
    for (const Json& one : source.stored.messages.as_array("messages")) made.push(one);
  }
  for (; at < given.size(); ++at) made.push(given[at]);
  return made;
}

store::ModelName parse_name(const std::string& text, const std::string& field) {
  try {
    return store::ModelName::parse(text);
  } catch (const Error& error) {
    throw ApiError(400, str(field, ": ", error.message()), field);
  }
}

}  // namespace kinglet::serve
