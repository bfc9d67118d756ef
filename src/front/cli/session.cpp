#include "front/cli/session.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "front/cli/terminal.h"
#include "home/db/db.h"
#include "home/ledger/ledger.h"
#include "home/store/store.h"
#include "home/system/file.h"
#include "model/models/models.h"
#include "run/chat/vocabulary.h"

namespace kinglet::cli {
namespace {

struct KvWord {
  std::string_view word;
  kernels::KvType type;
};
constexpr std::array kKvWords = {
    KvWord{"f32", kernels::KvType::kF32},
    KvWord{"f16", kernels::KvType::kF16},
    KvWord{"q8_0", kernels::KvType::kQ8_0},
    KvWord{"q4_0", kernels::KvType::kQ4_0},
};

// "~/x" of an option or variable that no shell has expanded.
std::string expanded(std::string_view path, std::string_view home) {
  if (path == "~") return std::string(home);
  return path.starts_with("~/") ? str(home, path.substr(1)) : std::string(path);
}

std::string first_line(const std::string& text) { return text.substr(0, text.find_first_of("\r\n")); }

// Where Ollama keeps its models: as its variable says, in the user's home, or that of its service.
std::string ollama_models(const Environment& environment) {
  if (!environment.ollama_models.empty()) return expanded(environment.ollama_models, environment.home);
  std::error_code ignored;
  for (const std::string& folder :
       {environment.home + "/.ollama/models", std::string("/usr/share/ollama/.ollama/models")}) {
    if (std::filesystem::is_directory(folder, ignored)) return folder;
  }
  return {};
}

}  // namespace

// What the store stands on, in the order in which it is made.
struct Session::Home {
  Home(const std::string& folder, const egress::DoorOptions& door_options, const store::StoreOptions& options)
      : database(folder + "/kinglet.db"),
        ledger(database),
        door(door_options, ledger),
        tool_door(with_content(door_options), ledger),
        store(options, door) {}

  static egress::DoorOptions with_content(egress::DoorOptions options) {
    options.escalate = egress::EscalatePolicy::kAllow;
    return options;
  }

  db::Database database;
  ledger::Ledger ledger;
  egress::Door door;
  egress::Door tool_door;
  store::Store store;
};

std::string environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

Environment Environment::read() {
  Environment environment;
  environment.home = environment_variable("HOME");
  environment.kinglet_home = environment_variable("KINGLET_HOME");
  environment.ollama_models = environment_variable("OLLAMA_MODELS");
  environment.ollama_host = environment_variable("OLLAMA_HOST");
  std::string cache = environment_variable("XDG_CACHE_HOME");
  if (cache.empty()) cache = environment.home + "/.cache";
  environment.hugging_face_home = environment_variable("HF_HOME");
  if (environment.hugging_face_home.empty()) environment.hugging_face_home = cache + "/huggingface";
  environment.hugging_face_cache = environment_variable("HF_HUB_CACHE");
  if (environment.hugging_face_cache.empty()) environment.hugging_face_cache = environment.hugging_face_home + "/hub";
  environment.hugging_face_token = environment_variable("HF_TOKEN");
  environment.hugging_face_endpoint = environment_variable("HF_ENDPOINT");
  // Small letters first, as curl has it; HTTP_PROXY in capitals is what a web server may have set from a request.
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "http_proxy"}) {
    if (environment.proxy.empty()) environment.proxy = environment_variable(name);
  }
  environment.no_proxy = environment_variable("no_proxy");
  if (environment.no_proxy.empty()) environment.no_proxy = environment_variable("NO_PROXY");
  environment.ca_file = environment_variable("SSL_CERT_FILE");
  for (const char* name : {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TERM", "TMPDIR", "TZ"}) {
    if (const std::string value = environment_variable(name); !value.empty())
      environment.for_programs.push_back(str(name, '=', value));
  }
  return environment;
}

void declare_globals(Arguments& arguments, GlobalOptions& options) {
  arguments
      .option("--home", "DIR", options.home, "Where models and settings are kept (KINGLET_HOME; default ~/.kinglet)")
      .is_file = true;
  arguments.option("--threads", "N", options.threads,
                   "Threads to compute with (default: the physical cores that this process may use)");
  arguments.option("--isa", "NAME", options.isa, "Compute with this instruction set instead of the best one")
      .choices = {"scalar", "avx2", "avx512", "neon"};
  arguments.option("--compute", "TYPE", options.compute, "Numbers that products of float weights are computed in: f32");
  arguments.option("--kv-type", "TYPE", options.kv_type, "How keys and values are kept (default f16)").choices = {
      "f32", "f16", "q8_0", "q4_0"};
  arguments.flag("--offline", options.offline, "Refuse everything that needs the network");
  arguments.flag("-v,--verbose", options.verbose, "Say more on standard error; `run` shows timings");
  arguments.flag("-q,--quiet", options.quiet, "Say nothing but errors on standard error");
  arguments.flag("-h,--help", options.help, "Show this help");
}

Session::Session(const GlobalOptions& options, const Environment& environment, std::span<const Command> commands,
                 Clock::time_point started)
    : options_(options), environment_(environment), commands_(commands), started_(started), out_(STDOUT_FILENO) {
  if (options_.compute && *options_.compute != "f32") {
    const bool is_known = *options_.compute == "bf16";
    fail_with(
        ErrorCode::kInvalidArgument, "--compute: ", *options_.compute,
        is_known ? " is not there yet; this version computes in f32" : " is not known; this version computes in f32");
  }
  if (options_.threads && (*options_.threads < 1 || *options_.threads > 1024)) {
    fail_with(ErrorCode::kInvalidArgument, "--threads: ", *options_.threads, " is not between 1 and 1024");
  }
  if (options_.home) {
    home_ = expanded(*options_.home, environment_.home);
  } else if (!environment_.kinglet_home.empty()) {
    home_ = expanded(environment_.kinglet_home, environment_.home);
  } else if (!environment_.home.empty()) {
    home_ = environment_.home + "/.kinglet";
  }
}

Session::~Session() = default;

const std::string& Session::home() const {
  if (home_.empty()) fail(ErrorCode::kInvalidArgument, "home: HOME is not set; say --home DIR");
  return home_;
}

void Session::note(std::string_view text) const {
  if (!options_.quiet) write_to_stderr(str(without_controls(text), '\n'));
}

void Session::detail(std::string_view text) const {
  if (options_.verbose) write_to_stderr(str(text, '\n'));
}

bool Session::shows_progress() const noexcept { return !options_.quiet && is_terminal(STDERR_FILENO); }

const kernels::KernelTable& Session::table() {
  if (table_) return *table_;
  const kernels::CpuFeatures features = kernels::detect();
  std::optional<kernels::Isa> isa;
  if (options_.isa) isa = kernels::parse_isa(*options_.isa);
  table_ = kernels::select(features, isa);
  if (!table_) {
    fail_with(ErrorCode::kInvalidArgument, "--isa: this CPU has no ", *options_.isa, "; it has ",
              kernels::to_string(features));
  }
  detail(str("kernels: ", table_->name, ", ", n_threads(), " threads"));
  return *table_;
}

int Session::n_threads() { return options_.threads ? static_cast<int>(*options_.threads) : system::usable_cores(); }

ThreadPool& Session::pool() {
  if (pool_ == nullptr) pool_ = std::make_unique<system::SpinPool>(n_threads());
  return *pool_;
}

kernels::KvType Session::kv_type(kernels::KvType fallback) const {
  for (const KvWord& row : kKvWords) {
    if (options_.kv_type && row.word == *options_.kv_type) return row.type;
  }
  return fallback;
}

void Session::require_f32_kv(std::string_view command) const {
  if (kv_type(kernels::KvType::kF32) != kernels::KvType::kF32) {
    fail_with(ErrorCode::kInvalidArgument, "--kv-type: ", command, " computes with f32 keys and values, not ",
              *options_.kv_type);
  }
}

store::Store& Session::store() { return home_rooms().store; }
ledger::Ledger& Session::ledger() { return home_rooms().ledger; }
egress::Door& Session::tool_door() { return home_rooms().tool_door; }

Session::Home& Session::home_rooms() {
  if (home_rooms_ == nullptr) {
    egress::DoorOptions door;
    door.offline = options_.offline;
    door.proxy = environment_.proxy;
    door.no_proxy = environment_.no_proxy;
    door.ca_file = environment_.ca_file;
    store::StoreOptions options;
    options.home = home();
    options.families = models::hf_families();
    options.check = [](const format::ModelFile& file) {
      models::Model::check(file);
      if (chat::has_vocabulary(file.metadata())) static_cast<void>(chat::make_tokenizer(file));
    };
    options.ollama_models = ollama_models(environment_);
    options.hugging_face_cache = environment_.hugging_face_cache;
    if (!environment_.hugging_face_endpoint.empty()) options.hugging_face_endpoint = environment_.hugging_face_endpoint;
    options.hugging_face_token = environment_.hugging_face_token;
    if (options.hugging_face_token.empty())
      options.hugging_face_token = first_line(system::read_small_file(environment_.hugging_face_home + "/token"));
    home_rooms_ = std::make_unique<Home>(home(), door, options);
  }
  return *home_rooms_;
}

}  // namespace kinglet::cli
