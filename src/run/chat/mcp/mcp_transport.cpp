#include "run/chat/mcp/mcp_transport.h"

#include "core/base/base.h"

namespace kinglet::chat::mcp {

using system::Json;
using system::JsonObject;

Json request_message(int64_t id, const std::string& method, const Json& parameters) {
  return JsonObject{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", parameters}};
}

Json notification(const std::string& method) { return JsonObject{{"jsonrpc", "2.0"}, {"method", method}}; }

const Json* result_in(const Json& message, int64_t id, const std::string& what) {
  const Json* answered = message.find("id");
  if (answered == nullptr || !answered->is_integer() || answered->as_integer("id") != id) return nullptr;
  if (message.find("method") != nullptr) return nullptr;  // a request of theirs
  if (const Json* error = message.find("error")) {
    const Json* words = error->find("message");
    fail_with(ErrorCode::kNetwork, what, ": ",
              words != nullptr && words->is_string() ? words->as_string("message") : error->dump());
  }
  const Json* result = message.find("result");
  if (result == nullptr) fail_with(ErrorCode::kNetwork, what, ": an answer without a result");
  return result;
}

}  // namespace kinglet::chat::mcp
