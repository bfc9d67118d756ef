#include "front/serve/config.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace kinglet::serve {

Bytes Value<Bytes>::read(const Json& value, const std::string& path) {
  constexpr std::string_view kUnits = "KMGT";
  constexpr double kMax = 1e18;
  const auto refuse = [&] [[noreturn]] { fail_kind(path, value, "a number of bytes such as 8G or 512M"); };
  if (value.is_integer()) {
    const int64_t number = Value<int64_t>::read(value, path);
    if (number <= 0) refuse();
    return {static_cast<uint64_t>(number)};
  }
  if (!value.is_string()) refuse();
  std::string_view text = value.as_string(path);
  double number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  if (unit.ends_with('B')) unit.remove_suffix(1);
  double factor = 1;
  if (!unit.empty()) {
    const size_t power = kUnits.find(unit.front());
    if (unit.size() > 1 || power == std::string_view::npos) refuse();
    factor = std::pow(1024.0, static_cast<double>(power + 1));
  }
  const double bytes = number * factor;
  if (status != std::errc() || !(bytes >= 1) || bytes > kMax) refuse();
  return {static_cast<uint64_t>(bytes)};
}

Json Value<Bytes>::schema() {
  return JsonObject{{"anyOf", JsonArray{JsonObject{{"type", "integer"}}, JsonObject{{"type", "string"}}}}};
}

const Fields<Config>& Config::fields() {
  static const Fields<Config> kFields(
      field("host", &Config::host).doc("Where to listen: an address or a name (default 127.0.0.1)"),
      field("port", &Config::port).range(0, 65535).doc("The port (default 11434; 0: any that is free)"),
      field("unix_socket", &Config::unix_socket).doc("A Unix socket to listen on beside it, for this user alone"),
      field("tls_cert", &Config::tls_cert).doc("Speak TLS with this certificate (PEM)"),
      field("tls_key", &Config::tls_key).doc("Its key (PEM)"),
      field("parallel", &Config::parallel).range(1, 256).doc("Requests that a model answers at once (default 4)"),
      field("queue", &Config::queue)
          .range(1, 1e6)
          .doc("Requests of a model that may wait; one more is refused with 503 (default 1024)"),
      field("step_ms", &Config::step_ms)
          .range(1, 1e6)
          .doc("What a step with long prompts may take while others get tokens, in ms (default 50)"),
      field("memory", &Config::memory).doc("What all models may hold, such as 8G (default: 4/5 of the memory)"),
      field("context", &Config::context)
          .range(8, 1e9)
          .doc("Tokens of a conversation where the model says nothing (default 4096)"),
      field("keep_alive", &Config::keep_alive).doc("How long a model stays when nobody asks, such as 10m (default 5m)"),
      field("allow_host", &Config::allow_host).doc("A name that a Host header may have"),
      field("origin", &Config::origin).doc("An origin whose web pages may ask"),
      field("registry", &Config::registry).doc("A registry that models may come from"),
      field("api_key_file", &Config::api_key_file).doc("Answer those alone who have a key of this file"),
      field("log", &Config::log).choices({"off", "json", "text"}).doc("Log requests: off, json or text (default off)"),
      field("log_file", &Config::log_file).doc("Where to (default: standard error)"),
      field("log_level", &Config::log_level)
          .choices({"error", "warning", "info", "debug"})
          .doc("What is worth a line (default info)"),
      field("max_body", &Config::max_body).doc("The longest body of a request (default 64M)"),
      field("stop_seconds", &Config::stop_seconds)
          .range(0, 3600)
          .doc("How long answers may go on when the server stops (default 30)"));
  return kFields;
}

http::ServerOptions Config::server_options() const {
  if (tls_cert.empty() != tls_key.empty())
    fail(ErrorCode::kInvalidArgument, "tls_cert and tls_key: both or none of them");
  http::ServerOptions made;
  made.host = host;
  made.port = static_cast<uint16_t>(port);
  made.unix_path = unix_socket;
  made.tls_certificate = tls_cert;
  made.tls_key = tls_key;
  made.hosts = allow_host;
  made.origins.insert(made.origins.end(), origin.begin(), origin.end());
  made.limits.stop_time = std::chrono::seconds(stop_seconds);
  return made;
}

chat::ModelHost::Options Config::host_options() const {
  chat::ModelHost::Options made;
  if (memory) made.memory_budget = memory->value;
  made.default_context = static_cast<uint64_t>(context);
  made.max_sequences = static_cast<size_t>(parallel);
  made.max_waiting = static_cast<size_t>(queue);
  made.step_ms = static_cast<double>(step_ms);
  if (keep_alive) made.keep_alive = keep_alive->value;
  return made;
}

void Config::check_registry(const store::ModelName& name) const {
  if (name.host == store::kDefaultHost || name.is_hugging_face()) return;
  if (std::ranges::find(registry, name.host) != registry.end()) return;
  fail_with(ErrorCode::kRefused, name.host, ": models may not come from this registry or go there; `kinglet serve ",
            "--registry ", name.host, "` allows it");
}

Json laid_over(const Json& under, const Json& over) {
  Json made = JsonObject{};
  for (const auto& [name, value] : under.as_object("settings")) {
    if (over.find(name) == nullptr) made.set(name, value);
  }
  for (const auto& [name, value] : over.as_object("settings")) made.set(name, value);
  return made;
}

}  // namespace kinglet::serve
