// What a command runs in: options for every command, the environment, the standard streams, and the machine.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/kernels/select.h"
#include "front/cli/arguments.h"
#include "front/cli/command.h"
#include "front/cli/output.h"
#include "home/system/thread_pool.h"

namespace kinglet::store {
class Store;
}
namespace kinglet::ledger {
class Ledger;
}
namespace kinglet::egress {
class Door;
}

namespace kinglet::cli {

/// Read once, at start; empty where not set.
struct Environment {
  std::string home;                       ///< HOME
  std::string kinglet_home;               ///< KINGLET_HOME
  std::string ollama_models;              ///< OLLAMA_MODELS
  std::string ollama_host;                ///< OLLAMA_HOST
  std::string hugging_face_cache;         ///< HF_HUB_CACHE, HF_HOME/hub, or XDG_CACHE_HOME/huggingface/hub
  std::string hugging_face_home;          ///< HF_HOME, or XDG_CACHE_HOME/huggingface: where the token file lies
  std::string hugging_face_token;         ///< HF_TOKEN
  std::string hugging_face_endpoint;      ///< HF_ENDPOINT: a mirror
  std::string proxy;                      ///< https_proxy, HTTPS_PROXY, or the same of http
  std::string no_proxy;                   ///< no_proxy or NO_PROXY
  std::string ca_file;                    ///< SSL_CERT_FILE
  std::vector<std::string> for_programs;  ///< NAME=VALUE of what other programs need to run, and no secrets.

  static Environment read();
};

/// The variable of this name; empty where it is not set.
std::string environment_variable(const std::string& name);

/// Options that every command takes.
struct GlobalOptions {
  std::optional<std::string> home;
  std::optional<uint64_t> threads;
  std::optional<std::string> isa;
  std::optional<std::string> compute;
  std::optional<std::string> kv_type;
  bool offline = false;
  bool verbose = false;
  bool quiet = false;
  bool help = false;
};

void declare_globals(Arguments& arguments, GlobalOptions& options);

/// One run of a command. What is costly is made when it is first asked for. Used by one thread.
class Session {
 public:
  using Clock = std::chrono::steady_clock;

  /// `commands` outlive it.
  Session(const GlobalOptions& options, const Environment& environment, std::span<const Command> commands,
          Clock::time_point started);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Where our own state lies. Throws Error{kInvalidArgument} where nobody says it.
  [[nodiscard]] const std::string& home() const;
  [[nodiscard]] const Environment& environment() const noexcept { return environment_; }
  [[nodiscard]] const GlobalOptions& options() const noexcept { return options_; }
  [[nodiscard]] std::span<const Command> commands() const noexcept { return commands_; }
  [[nodiscard]] Clock::time_point started() const noexcept { return started_; }

  [[nodiscard]] Output& out() noexcept { return out_; }
  /// A line on standard error, unless --quiet.
  void note(std::string_view text) const;
  /// A line on standard error with --verbose.
  void detail(std::string_view text) const;
  /// Progress is wanted: standard error is a terminal and nobody said --quiet.
  [[nodiscard]] bool shows_progress() const noexcept;

  /// Throws Error{kInvalidArgument} for an instruction set that this CPU lacks.
  [[nodiscard]] const kernels::KernelTable& table();
  [[nodiscard]] int n_threads();
  [[nodiscard]] ThreadPool& pool();
  /// As --kv-type says; `fallback` where it does not.
  [[nodiscard]] kernels::KvType kv_type(kernels::KvType fallback) const;
  /// Throws Error{kInvalidArgument} where --kv-type says something else than the f32 that this command computes in.
  void require_f32_kv(std::string_view command) const;

  [[nodiscard]] store::Store& store();
  [[nodiscard]] ledger::Ledger& ledger();
  /// A door for content of the user's: whoever uses it has asked.
  [[nodiscard]] egress::Door& tool_door();

 private:
  const GlobalOptions options_;
  const Environment environment_;
  const std::span<const Command> commands_;
  const Clock::time_point started_;
  std::string home_;
  Output out_;
  std::optional<kernels::KernelTable> table_;
  std::unique_ptr<system::SpinPool> pool_;
  struct Home;
  Home& home_rooms();
  std::unique_ptr<Home> home_rooms_;
};

}  // namespace kinglet::cli
