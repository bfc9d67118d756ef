// kinglet serve: models over HTTP.
#include "front/serve/serve.h"
#include "front/cli/commands/commands.h"
#include "front/cli/help.h"
#include "front/cli/input_files.h"
#include "front/cli/session.h"
#include "front/cli/signals.h"
#include "front/serve/config.h"
#include "home/store/store.h"
#include "home/system/toml.h"

namespace kinglet::cli {
namespace {

using serve::Config;
using system::Json;
using system::JsonArray;

std::vector<std::string> names_of(const std::string& text) {
  std::vector<std::string> names;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    if (end > at) names.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

// A text as the kind of value that a setting has.
Json value_of(const serve::FieldFacts& setting, std::string_view from, const std::string& text) {
  const Json* type = setting.schema.find("type");
  const std::string kind = type == nullptr ? "string" : type->as_string("type");
  if (kind == "integer") return parse_count(from, text);
  if (kind != "array") return text;
  Json list = JsonArray{};
  for (std::string& name : names_of(text)) list.push(std::move(name));
  return list;
}

class Serve final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.option("--config", "FILE", file_, "A TOML file of settings, named as the options without dashes in front")
        .is_file = true;
    arguments.option("--new-key", "NAME", new_key_, "Add a key to --api-key-file, print it and end");
    arguments.option(
        "--key-models", "NAMES", key_models_,
        "With --new-key: the models that it is for; \"*\" is any characters, commas between (default: all)");
    arguments.flag("--key-manage", key_grant_.manage,
                   "With --new-key: it may pull, push, create, copy and delete models");
    arguments.option("--key-requests", "N", key_grant_.requests_per_minute, "With --new-key: requests a minute");
    arguments.option("--key-tokens", "N", key_grant_.tokens_per_minute, "With --new-key: tokens a minute");
    // An option for each setting: "tls_cert" is --tls-cert.
    const auto& settings = Config::fields().facts();
    texts_.resize(settings.size());
    for (size_t i = 0; i < settings.size(); ++i) {
      const Json* type = settings[i].schema.find("type");
      const std::string kind = type == nullptr ? "string" : type->as_string("type");
      arguments.option(option_of(settings[i].name), kind == "integer" ? "N" : "VALUE", texts_[i],
                       settings[i].doc + (kind == "array" ? "; several are separated by commas" : ""));
    }
  }

  void run(Session& session) override {
    const SignalWait signals;  // before there are threads
    const Config config = Config::fields().read(settings(session));
    if (new_key_) return add_key(session, config);
    chat::ModelHost::Options host_options = config.host_options();
    host_options.kv_type = session.kv_type(kernels::KvType::kF16);
    chat::ModelHost host(host_options, session.store(), session.table(), session.pool());
    chat::FactsCache facts(session.store());
    serve::Services services{host, session.store(), facts, std::string(version()),
                             [&config](const store::ModelName& name) { config.check_registry(name); }};
    std::optional<serve::access::Access> access;
    if (!config.api_key_file.empty()) services.access = &access.emplace(config.api_key_file);
    std::optional<system::Log> log;
    if (config.log != "off") {
      services.log = &log.emplace(system::LogOptions{
          .path = config.log_file, .json = config.log == "json", .level = system::parse_log_level(config.log_level)});
    }
    serve::Api api(services, serve::endpoints(), {.max_body_bytes = config.max_body.value});
    serve::http::ServerOptions options = config.server_options();
    options.inherited_fds =
        serve::http::activated_sockets(environment_variable("LISTEN_PID"), environment_variable("LISTEN_FDS"));
    if (!options.inherited_fds.empty()) options.host.clear();  // systemd has said where to listen
    serve::http::Server server(std::move(options), api);
    services.server = &server;
    const std::string manager = environment_variable("NOTIFY_SOCKET");
    serve::http::notify_service_manager(manager, "READY=1");
    for (const std::string& address : server.addresses()) session.note(str("kinglet: listening on ", address));
    while (signals.wait() == SIGHUP) {
      try {
        server.reload_certificates();
        if (access) access->reload();
        if (log) log->reopen();
        session.note("kinglet: certificates and keys were read again");
      } catch (const Error& error) {
        session.note(str("kinglet: ", error.message()));
      }
    }
    serve::http::notify_service_manager(manager, "STOPPING=1");
    session.note("kinglet: stopping when answers are finished");
    server.stop();
    server.wait();
  }

 private:
  static std::string option_of(const std::string& setting) {
    std::string option = "--" + setting;
    std::ranges::replace(option, '_', '-');
    return option;
  }

  // In layers: the file, the environment, the command line.
  Json settings(const Session& session) const {
    Json made = system::JsonObject{};
    if (file_) made = system::parse_toml(read_input(*file_), *file_);
    Json environment = system::JsonObject{};
    take_ollama_host(session.environment().ollama_host, environment);
    Json words = system::JsonObject{};
    const auto& facts = Config::fields().facts();
    for (size_t i = 0; i < facts.size(); ++i) {
      const std::string variable = variable_of(facts[i].name);
      if (const std::string text = environment_variable(variable); !text.empty())
        environment =
            serve::laid_over(environment, system::JsonObject{{facts[i].name, value_of(facts[i], variable, text)}});
      if (texts_[i]) words.set(facts[i].name, value_of(facts[i], option_of(facts[i].name), *texts_[i]));
    }
    return serve::laid_over(serve::laid_over(made, environment), words);
  }

  // "tls_cert": KINGLET_TLS_CERT.
  static std::string variable_of(const std::string& setting) {
    std::string name = "KINGLET_" + setting;
    for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return name;
  }

  // [http://]HOST[:PORT], as Ollama's variable has it.
  static void take_ollama_host(std::string_view text, Json& settings) {
    if (text.empty()) return;
    if (const size_t scheme = text.find("://"); scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
    text = text.substr(0, text.find('/'));
    const size_t bracket = text.rfind(']');
    const size_t colon = text.rfind(':');
    const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    if (has_port) settings.set("port", parse_count("OLLAMA_HOST", text.substr(colon + 1)));
    std::string_view host = has_port ? text.substr(0, colon) : text;
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (!host.empty()) settings.set("host", host);
  }

  void add_key(Session& session, const Config& config) {
    if (config.api_key_file.empty())
      fail(ErrorCode::kInvalidArgument, "--new-key: needs --api-key-file, the file that keys are kept in");
    serve::access::Grant grant = key_grant_;
    grant.models = names_of(key_models_.value_or(""));
    session.out().write(serve::access::add_key(config.api_key_file, *new_key_, grant) + '\n');
    session.note("kinglet: the key is shown this once; the file has its sum alone");
  }

  std::optional<std::string> new_key_;
  std::optional<std::string> key_models_;
  serve::access::Grant key_grant_;
  std::optional<std::string> file_;
  std::vector<std::optional<std::string>> texts_;  // of each setting
};

}  // namespace

Command serve_command() {
  return {"serve",
          "start",
          "Answer requests over HTTP",
          "Speaks the words of Ollama (/api/...), OpenAI (/v1/...) and Anthropic (/v1/messages), so programs that know "
          "one of them need another base URL alone. GET /openapi.json describes all of it. Models are loaded when they "
          "are first asked for, and unloaded when nobody has asked for a while or another one needs the room. Ctrl-C "
          "stops when answers are finished; SIGHUP reads certificates and keys again.\n\n"
          "Settings come from a file (--config), from the environment (KINGLET_PORT for --port, and OLLAMA_HOST), and "
          "from options; later ones win.",
          "kinglet serve\nkinglet serve --port 8080 --parallel 8 --memory 8G\n"
          "curl http://127.0.0.1:11434/api/chat -d '{\"model\": \"smollm2:135m\", \"messages\": [{\"role\": \"user\", "
          "\"content\": \"Hello\"}]}'",
          make_action<Serve>};
}

}  // namespace kinglet::cli
