// The models that a process holds at once, given out by name within a memory budget.
//
// A model is loaded when it is first asked for, by a thread of the host's own, while those who asked wait; it stays for
// its keep-alive after the last one who had it. Where a model does not fit, those that nobody has are unloaded, the
// least recently used first. What is resident is known by what it is made of (manifest, adapters), not by its name: a
// name that is made anew, here or by another process, brings the new model with the next request, while requests on
// their way end on the old one, which is unloaded behind the last of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "home/store/store.h"
#include "run/chat/hosted_model.h"

namespace kinglet::chat {

/// How a model is wanted.
struct LoadOverrides {
  /// At least so many tokens; a model with fewer is loaded anew. Empty: what its parameters say, else the host's.
  std::optional<uint64_t> context_len = {};
  /// In place of those that the name is bound with, beside those of the model itself.
  std::optional<std::vector<models::Model::AdapterPath>> adapters = {};
};

struct AcquireOptions {
  LoadOverrides overrides = {};
  /// How long it stays behind the last who has it, until somebody says otherwise. Empty: as before, else the host's.
  /// 0: not at all; negative: for ever.
  std::optional<std::chrono::milliseconds> keep_alive = {};
  std::optional<std::chrono::steady_clock::time_point> deadline = {};  ///< Of waiting for it.
  /// Asked many times a second while it waits: true ends that. Empty: who waits stays.
  std::function<bool()> is_gone = {};
};

/// A model that is resident or on its way, as `ps` shows it.
struct ResidentModel {
  std::string name;    ///< By which it was last asked for.
  std::string digest;  ///< Of its manifest; empty where unknown.
  std::string family;  ///< "llama"; empty while it loads, as what follows.
  std::string quantization;
  uint64_t n_parameters = 0;
  uint64_t size_bytes = 0;  ///< Of its parts on the disk.
  MemoryUse memory = {};    ///< What it is counted with.
  size_t context_len = 0;
  std::optional<engine::EngineStats> stats = {};  ///< Of a model that generates.
  size_t n_leases = 0;                            ///< Requests that have it or wait for it.
  bool is_loading = false;
  /// When it is unloaded, if nobody asks for it; empty: never.
  std::optional<std::chrono::system_clock::time_point> expires_at = {};
};

/// Thread-safe.
class ModelHost {
 public:
  using Clock = std::chrono::steady_clock;
  using Duration = std::chrono::milliseconds;

  struct Options {
    uint64_t memory_budget = 0;  ///< Bytes that all models may hold (MemoryUse); 0: four fifths of the machine's.
    uint64_t default_context = Settings::kDefaultContext;
    size_t max_sequences = 1;                        ///< Of each model, at once.
    size_t max_waiting = LoadOptions{}.max_waiting;  ///< Requests of each model; one more is refused.
    double step_ms = LoadOptions{}.step_ms;          ///< What a step with prompts may take while others generate.
    kernels::KvType kv_type = kernels::KvType::kF16;
    Duration keep_alive = std::chrono::minutes(5);  ///< Negative: for ever.
  };

  /// All of them outlive the host and what it gives out.
  ModelHost(Options options, const store::Store& store, const kernels::KernelTable& table, ThreadPool& pool);
  /// Those who wait get Error{kCancelled}. Models that somebody has stay until they are given back.
  ~ModelHost();
  ModelHost(const ModelHost&) = delete;
  ModelHost& operator=(const ModelHost&) = delete;

  /// The model of this name, which is not unloaded while the pointer or a copy of it lives; what was made of it, as an
  /// Answer, ends before. Waits while it is loaded.
  /// Throws Error{kInvalidArgument} for what is no name, kNotFound with near names, kOutOfMemory with the number needed
  /// and the budget, kCancelled when the deadline comes first or who asked is gone, and as HostedModel.
  std::shared_ptr<HostedModel> acquire(std::string_view name, const AcquireOptions& options = {});

  /// Begins to load it, where it is not here, and does not wait. Throws for a name that is not here.
  void load(std::string_view name, const AcquireOptions& options = {});

  /// Hot swap: loads `target` (as acquire, and throws likewise; `alias` then means what it did), then lets `alias` mean
  /// it, at once for all. Requests on their way end on the old model. An alias hides a model of the store with its
  /// name. `alias` may be the target's own name: then it has these overrides from now on.
  void bind(std::string_view alias, std::string_view target, const AcquireOptions& options = {});
  /// Lets the name mean what the store says. False where it was not bound.
  bool unbind(std::string_view alias);
  /// Aliases and what they mean, in the order of the aliases.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> bindings() const;

  /// Unloads what is resident by this name: at once where nobody has it, else behind the last who does, unless it is
  /// asked for meanwhile. False where nothing is.
  bool unload(std::string_view name);

  /// Those that stay longest first.
  [[nodiscard]] std::vector<ResidentModel> list() const;

  [[nodiscard]] const Options& options() const noexcept;
  /// Bytes of the budget that are taken.
  [[nodiscard]] uint64_t used_bytes() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // those who have models keep it
};

}  // namespace kinglet::chat
