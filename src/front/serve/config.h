// How a server is set up: the same declared fields read a TOML file, the environment and the command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "front/serve/dialects/ollama.h"
#include "front/serve/fields.h"
#include "front/serve/http/http.h"
#include "run/chat/model_host.h"

namespace kinglet::serve {

/// A number of bytes: a number, or a text such as "8G" or "512M" (powers of 1024).
struct Bytes {
  uint64_t value = 0;
};
template <>
struct Value<Bytes> {
  static Bytes read(const Json& value, const std::string& path);
  static Json schema();
};

struct Config {
  std::string host = "127.0.0.1";
  int64_t port = 11434;
  std::string unix_socket;
  std::string tls_cert;
  std::string tls_key;
  int64_t parallel = 4;
  int64_t queue = static_cast<int64_t>(chat::LoadOptions{}.max_waiting);
  int64_t step_ms = static_cast<int64_t>(chat::LoadOptions{}.step_ms);
  std::optional<Bytes> memory;
  int64_t context = static_cast<int64_t>(chat::Settings::kDefaultContext);
  std::optional<ollama::KeepAlive> keep_alive;
  std::vector<std::string> allow_host;
  std::vector<std::string> origin;
  std::vector<std::string> registry;
  std::string api_key_file;
  std::string log = "off";
  std::string log_file;
  std::string log_level = "info";
  Bytes max_body{uint64_t{64} << 20};
  int64_t stop_seconds = 30;

  static const Fields<Config>& fields();

  [[nodiscard]] http::ServerOptions server_options() const;
  [[nodiscard]] chat::ModelHost::Options host_options() const;
  /// Throws Error{kRefused} for a registry that models may not come from or go to.
  void check_registry(const store::ModelName& name) const;
};

/// The members of `over` in place of those of `under`; both are objects.
Json laid_over(const Json& under, const Json& over);

}  // namespace kinglet::serve
