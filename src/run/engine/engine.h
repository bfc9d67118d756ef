// One loaded model that answers many requests: a loop on a thread of its own that owns the key-value pool and the
// batch.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "core/base/base.h"
#include "core/base/mutex.h"
#include "core/graph/graph.h"
#include "core/tensor/tensor.h"
#include "model/models/models.h"
#include "run/engine/fair_queue.h"
#include "run/engine/generation.h"
#include "run/engine/mask_worker.h"
#include "run/engine/metrics.h"
#include "run/engine/paged_memory.h"
#include "run/engine/prefix_cache.h"
#include "run/engine/sampler.h"
#include "run/engine/sequence_file.h"
#include "run/engine/step_budget.h"

namespace kinglet::engine {

struct EngineOptions {
  size_t context_len = 4096;  ///< Tokens of a sequence, prompt and answer; at most what the model was trained for.
  size_t max_sequences = 1;   ///< Sequences that may be on their way at once.
  size_t prompt_chunk = 512;  ///< Most rows in one step, no fewer than max_sequences; a longer prompt is cut.
  kernels::KvType kv_type = kernels::KvType::kF16;
  size_t max_waiting = 1024;  ///< Requests that may wait for a place; one more is refused.
  double step_ms = 50;        ///< What a step with rows of prompts may take while others generate (step_budget.h).
};

/// Executors by row class, made when first needed and kept: a step takes the smallest that fits.
class StepRunner {
 public:
  StepRunner(const models::Model& model, const EngineOptions& options, const kernels::KernelTable& table,
             ThreadPool& pool);

  [[nodiscard]] const graph::SequenceLayout& layout() const noexcept { return layout_; }
  /// The executor for a step of so many rows, of which n_logits want logits. Throws Error{kOutOfMemory} where it cannot
  /// be made.
  graph::Executor<float>& for_rows(size_t n_rows, size_t n_logits);
  /// What first gives a number that is not finite when this row of one sequence is run again: a layer by its number, or
  /// what stands before or behind all of them. Makes a plan for it each time.
  [[nodiscard]] std::string place_not_finite(const models::Model& model, const ops::SequenceRows& row,
                                             int32_t token) const;
  [[nodiscard]] ir::Value logits() const noexcept { return logits_; }
  [[nodiscard]] size_t max_rows() const noexcept { return max_rows_; }
  /// Most rows of a step that may want logits: one of each sequence, and some whose log-probabilities are asked for.
  [[nodiscard]] size_t max_logits() const noexcept { return std::min(max_rows_, max_sequences_ + kMoreLogits); }
  /// What the executors of all classes take together, once each has been needed.
  [[nodiscard]] size_t size_bytes();

 private:
  // Bounds the memory of logits: 64 rows of 128k tokens are 32 MiB.
  static constexpr size_t kMoreLogits = 64;
  [[nodiscard]] std::shared_ptr<const graph::Plan> planned(size_t n_rows, size_t n_logits) const;
  const std::shared_ptr<const graph::Plan>& plan(size_t class_idx);

  const kernels::KernelTable& table_;
  ThreadPool& pool_;
  size_t max_rows_;
  size_t max_sequences_;
  ir::Graph graph_;
  ir::Value logits_;
  graph::SequenceLayout layout_;
  static constexpr std::array<size_t, 4> kClasses = {1, 8, 64, 512};
  std::array<std::shared_ptr<const graph::Plan>, kClasses.size()> plans_;
  std::array<std::unique_ptr<graph::Executor<float>>, kClasses.size()> executors_;
  std::unique_ptr<graph::Executor<float>> with_logits_;  // for more of them than sequences
};

/// What a file of a saved sequence had.
struct LoadedSequence {
  std::vector<int32_t> tokens;
  size_t n_known = 0;                ///< Of them, that need not be computed as long as the cache keeps them.
  std::vector<float> adapters = {};  ///< As Request::adapters: what it was computed with.
};

/// Thread-safe. The destructor cancels what is on its way and joins the thread.
class Engine {
 public:
  /// Takes its memory: Throws Error{kOutOfMemory} with the number needed, kInvalidArgument for a context over the
  /// model's and for options that make no sense. `table` and `pool` outlive the engine; the pool is lent
  /// for each step, so that engines may share one.
  Engine(std::shared_ptr<const models::Model> model, const EngineOptions& options, const kernels::KernelTable& table,
         ThreadPool& pool);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Queues a request. Throws Error{kContextFull} for a prompt that leaves no room (both numbers are said), and
  /// kInvalidArgument for an empty prompt, ids outside of the vocabulary, senseless sampling settings or more
  /// log-probabilities than there may be, and kBusy where as many wait as may.
  std::shared_ptr<Generation> submit(Request request);

  /// Writes what the model made of a request's prompt, computed first where it is not known, to a file that appears
  /// when it is complete; a request that goes on from it with the same adapters, in whatever process, computes only its
  /// own tokens and gives the same. Returns how many tokens are in it, whole pages. Takes a place as a request does;
  /// others go on meanwhile. Throws as submit and next, and Error{kNoSpace or kIo}. The engine outlives the call.
  size_t save(Request request, const std::string& path);
  /// Reads such a file, whose pages become known as if they had been computed. Throws Error{kNotFound, kIo},
  /// kInvalidFile where it is damaged, kUnsupported where it is of another model, adapter, instruction set or type of
  /// keys, and kContextFull where it is longer than the context.
  LoadedSequence load(const std::string& path);

  [[nodiscard]] const models::Model& model() const noexcept { return *model_; }
  [[nodiscard]] const EngineOptions& options() const noexcept { return options_; }
  /// Keys, values and states of all sequences and of known prefixes.
  [[nodiscard]] size_t kv_bytes() const noexcept { return pools_.size_bytes(); }
  /// Values of a step, for steps of all sizes.
  [[nodiscard]] size_t step_bytes() const noexcept { return step_bytes_; }
  /// Takes no lock: of the numbers each is right, together they may be of different moments.
  [[nodiscard]] EngineStats stats() const noexcept { return metrics_.view(); }

 private:
  using Clock = std::chrono::steady_clock;
  static double ms_between(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double, std::milli>(to - from).count();
  }

  // A request on its way. Once it is finished it has no generation any more.
  struct Sequence {
    std::shared_ptr<Generation> generation;
    Sampler sampler;
    PagedMemory memory;
    std::vector<int32_t> tokens;  // prompt, then what was sampled
    size_t max_len = 0;           // tokens that it may come to
    size_t variant = 0;           // of rope and adapters, for the cache of prefixes
    size_t prompt_border = 0;     // tokens of the prompt's last page border in front of its last token
    bool is_shared = false;       // the prompt up to there is known to the cache
    size_t n_told = 0;            // tokens that the caller has or does not want
    size_t n_done = 0;            // tokens whose keys are in the cache
    size_t n_step = 0;            // rows in the current step
    size_t n_logits = 0;          // of them the last so many want logits
    size_t mask_idx = kNoMask;    // of the current step's masks
    std::optional<FinishReason> ending = std::nullopt;  // when all of its tokens are told
    Usage usage = {};
    Clock::time_point started = {};
    std::optional<Clock::time_point> first_logits = std::nullopt;
    std::optional<Clock::time_point> last_token = std::nullopt;
    size_t n_charged = 0;  // of the completion tokens, to its client

    static constexpr size_t kNoMask = SIZE_MAX;
    [[nodiscard]] size_t n_left() const noexcept { return tokens.size() - n_done; }
    [[nodiscard]] bool is_generating() const noexcept { return n_done + 1 >= generation->request().prompt.size(); }
    // Whether the step ends with the last token, behind which the next one is chosen.
    [[nodiscard]] bool is_at_end() const noexcept { return n_step == n_left(); }
    // The first token whose logits are wanted.
    [[nodiscard]] size_t logits_from() const noexcept {
      return generation->request().log_probs ? n_told - 1 : tokens.size() - 1;
    }
  };

  // What keys depend on beside tokens.
  struct Context {
    uint64_t rope_variant = 0;
    std::vector<UsedAdapter> adapters = {};  // those that work
    auto operator<=>(const Context&) const = default;
  };
  struct Loan;

  void loop();
  void borrow(Loan& loan, const std::function<void(PagedMemory&)>& use);
  [[nodiscard]] bool has_loans_to_serve() const REQUIRES(mutex_);
  [[nodiscard]] bool has_place() const noexcept { return sequences_.size() + n_lent_ < options_.max_sequences; }
  void serve_loans();
  [[nodiscard]] SequenceMaker maker() const;
  /// Tokens that it may come to.
  [[nodiscard]] size_t length_of(const Request& request) const noexcept;
  [[nodiscard]] Context context_for(const Request& request) const;
  void drop_unwanted();
  void admit();
  void start(const std::shared_ptr<Generation>& generation);
  size_t context_of(const Context& context);
  size_t choose_rows();
  void give_prompt_rows(size_t left, size_t& more_logits);
  size_t prompt_rows_left(const Sequence& sequence) const noexcept;
  size_t take_rows(Sequence& sequence, size_t most, size_t& more_logits);
  void step();
  void begin_masks();
  void use_logits(Sequence& sequence, std::span<const float> logits);
  void keep_prefix(Sequence& sequence);
  void choose_token(Sequence& sequence, std::span<const float> logits);
  void add_token(Sequence& sequence, int32_t token);
  void force_tokens(Sequence& sequence);
  void note_token(Sequence& sequence);
  void charge(Sequence& sequence) REQUIRES(mutex_);
  void close(Sequence& sequence) noexcept;
  void publish() noexcept;
  void finish(Sequence& sequence, FinishReason reason);
  void give_up(Sequence& sequence, Error error) noexcept;
  void fail_not_finite(Sequence& sequence, size_t place);
  void remove_finished();

  const std::shared_ptr<const models::Model> model_;
  const EngineOptions options_;
  StepRunner runner_;
  const size_t step_bytes_;
  Pools pools_;
  PrefixCache prefixes_;
  const kernels::KernelTable& table_;
  std::vector<std::string> adapter_names_;  // fingerprints
  std::map<Context, size_t> contexts_;      // numbers for the cache of prefixes
  size_t n_contexts_ = 0;
  std::vector<std::unique_ptr<Sequence>> sequences_;  // the loop's own
  std::vector<ops::SequenceRows> batch_rows_;
  std::vector<MaskWorker::Job> mask_jobs_;
  MaskWorker masks_;
  std::vector<int32_t> forced_;
  std::vector<Sequence*> turns_;  // of clients, for rows of prompts
  StepBudget budget_;
  Metrics metrics_;

  Mutex mutex_;
  Condition wake_;
  Condition returned_;
  std::vector<Loan*> loans_ GUARDED_BY(mutex_);
  size_t n_lent_ = 0;  // the loop's own
  FairQueue waiting_ GUARDED_BY(mutex_);
  bool ending_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace kinglet::engine
