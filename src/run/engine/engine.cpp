// The loop: admit, then step by step (step.cpp) until all are finished.
#include "run/engine/engine.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "run/engine/caught.h"
#include "run/engine/fingerprint.h"
#include "run/engine/tokens.h"

namespace kinglet::engine {
namespace {

using kernels::kPageTokens;

const EngineOptions& checked(const EngineOptions& options, const models::Model& model) {
  model.require_head();
  if (options.context_len == 0 || options.context_len > model.config().context_len) {
    fail_with(ErrorCode::kInvalidArgument, "context: ", options.context_len, " is not between 1 and ",
              model.config().context_len, ", which the model was trained for");
  }
  if (options.max_sequences == 0) fail_with(ErrorCode::kInvalidArgument, "parallel: is 0, expected at least 1");
  if (options.prompt_chunk < options.max_sequences) {
    fail_with(ErrorCode::kInvalidArgument, "prompt-chunk: ", options.prompt_chunk, " rows are fewer than the ",
              options.max_sequences, " sequences that may each want one");
  }
  const bool in_blocks = options.kv_type == kernels::KvType::kQ8_0 || options.kv_type == kernels::KvType::kQ4_0;
  for (const models::LayerConfig& layer : model.config().layers) {
    if (in_blocks && layer.head_dim % 32 != 0) {
      fail_with(ErrorCode::kInvalidArgument, "kv-type: heads of ", layer.head_dim,
                " are no whole number of blocks of 32; use f16 or f32");
    }
  }
  if (!(options.step_ms > 0)) fail(ErrorCode::kInvalidArgument, "step-ms: is not more than 0");
  return options;
}

}  // namespace

Engine::Engine(std::shared_ptr<const models::Model> model, const EngineOptions& options,
               const kernels::KernelTable& table, ThreadPool& pool)
    : model_(std::move(model)),
      options_(checked(options, *model_)),
      runner_(*model_, options_, table, pool),
      step_bytes_(runner_.size_bytes()),
      pools_(runner_.layout(), {options_.context_len, options_.max_sequences, options_.prompt_chunk}),
      prefixes_(pools_),
      table_(table),
      budget_(options_.step_ms) {
  for (const models::AdapterUse& use : model_->adapters()) adapter_names_.push_back(fingerprint_of(use.adapter));
  sequences_.reserve(options_.max_sequences);
  batch_rows_.reserve(options_.max_sequences);
  mask_jobs_.reserve(options_.max_sequences);
  forced_.reserve(options_.context_len);
  turns_.reserve(options_.max_sequences);
  publish();
  thread_ = std::thread([this] { loop(); });
}

Engine::~Engine() {
  {
    MutexLock lock(mutex_);
    ending_ = true;
    wake_.notify_all();
  }
  thread_.join();
}

std::shared_ptr<Generation> Engine::submit(Request request) {
  if (request.prompt.empty()) fail_with(ErrorCode::kInvalidArgument, "prompt: is empty");
  if (request.prompt.size() >= options_.context_len) {
    fail_with(ErrorCode::kContextFull, "prompt: ", request.prompt.size(), " tokens leave no room in a context of ",
              options_.context_len);
  }
  const size_t vocab_size = model_->config().vocab_size;
  check_tokens(request.prompt, vocab_size, "prompt: ");
  check(request.sampling, vocab_size);
  if (request.adapters.empty()) request.adapters.assign(model_->factors().begin(), model_->factors().end());
  if (request.adapters.size() != model_->adapters().size()) {
    fail_with(ErrorCode::kInvalidArgument, "adapters: ", request.adapters.size(), " factors for ",
              model_->adapters().size(), " adapters of the model");
  }
  for (const float factor : request.adapters) {
    if (!std::isfinite(factor)) fail(ErrorCode::kInvalidArgument, "adapters: a factor is not a finite number");
  }
  if (request.log_probs && *request.log_probs > std::min(Request::kMostLogProbs, vocab_size)) {
    fail_with(ErrorCode::kInvalidArgument, "log-probabilities: ", *request.log_probs, " of a token are more than ",
              std::min(Request::kMostLogProbs, vocab_size));
  }
  if (request.prompt_log_probs && !request.log_probs) {
    fail(ErrorCode::kInvalidArgument, "log-probabilities of the prompt: how many is not said");
  }
  auto generation = std::make_shared<Generation>(std::move(request));
  MutexLock lock(mutex_);
  if (waiting_.size() >= options_.max_waiting) {
    metrics_.n_refused.fetch_add(1, std::memory_order_relaxed);
    fail_with(ErrorCode::kBusy, "queue: ", waiting_.size(), " requests wait already, which is the limit");
  }
  waiting_.push(generation);
  metrics_.n_submitted.fetch_add(1, std::memory_order_relaxed);
  metrics_.n_waiting.store(waiting_.size(), std::memory_order_relaxed);
  wake_.notify_one();
  return generation;
}

void Engine::loop() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      while (!ending_ && waiting_.empty() && sequences_.empty() && !has_loans_to_serve()) wake_.wait(mutex_);
      // Where all places are lent, those that wait are looked after in between.
      if (!ending_ && sequences_.empty() && !has_place() && !has_loans_to_serve()) {
        wake_.wait_for(mutex_, std::chrono::milliseconds(10));
      }
      if (ending_) {
        for (const auto& generation : waiting_.take_all()) generation->finish(FinishReason::kCancelled, {});
        break;
      }
    }
    drop_unwanted();
    serve_loans();
    try {
      admit();
      remove_finished();
      for (auto& sequence : sequences_) {
        const auto reason = sequence->generation->unwanted(Clock::now());
        if (reason) finish(*sequence, *reason);
      }
      remove_finished();
      publish();
      if (!sequences_.empty()) step();
      remove_finished();
      if (sequences_.empty()) publish();
    } catch (...) {
      // No memory for a step: those on their way are told, later ones may need less.
      for (auto& sequence : sequences_) {
        if (sequence->generation != nullptr) give_up(*sequence, caught());
      }
      sequences_.clear();
    }
  }
  for (auto& sequence : sequences_) sequence->generation->finish(FinishReason::kCancelled, sequence->usage);
  sequences_.clear();
}

// Those that wait need not come to their turn to be told.
void Engine::drop_unwanted() {
  const auto now = Clock::now();
  MutexLock lock(mutex_);
  waiting_.remove_if([&](Generation& generation) {
    const auto reason = generation.unwanted(now);
    if (!reason) return false;
    metrics_.n_finished[static_cast<size_t>(*reason)].fetch_add(1, std::memory_order_relaxed);
    generation.finish(*reason, {});
    return true;
  });
}

// Takes requests by turns as long as there are places; memory is there for each.
void Engine::admit() {
  while (has_place()) {
    std::shared_ptr<Generation> next;
    {
      MutexLock lock(mutex_);
      if (waiting_.empty()) return;
      for (auto& sequence : sequences_) {
        if (sequence->generation != nullptr) charge(*sequence);
      }
      next = waiting_.pop();
    }
    try {
      start(next);
    } catch (...) {
      metrics_.n_failed.fetch_add(1, std::memory_order_relaxed);
      next->fail(caught());
      MutexLock lock(mutex_);
      waiting_.leave(next->request().client);
    }
  }
}

void Engine::start(const std::shared_ptr<Generation>& generation) {
  const Request& request = generation->request();
  const size_t max_len = length_of(request);
  const size_t max_new = max_len - request.prompt.size();
  const size_t variant = context_of(context_for(request));
  // The last token of a prompt is always computed, as its logits are wanted; of some all are.
  const size_t n_before = request.prompt.size() - 1;
  const std::span<const int32_t> reusable(request.prompt.data(), request.prompt_log_probs ? 0 : n_before);
  auto sequence = std::unique_ptr<Sequence>(new Sequence{.generation = generation,
                                                         .sampler{request.sampling, model_->config().vocab_size},
                                                         .memory{pools_, prefixes_, variant, reusable, max_len},
                                                         .tokens = request.prompt,
                                                         .max_len = max_len,
                                                         .variant = variant});
  sequence->tokens.reserve(max_len);
  sequence->prompt_border = n_before / kPageTokens * kPageTokens;
  sequence->n_done = sequence->memory.n_known();
  sequence->n_told = request.prompt.size();
  sequence->is_shared = sequence->n_done == sequence->prompt_border;
  sequence->sampler.reserve(max_len);
  sequence->sampler.observe(request.prompt);
  generation->reserve(max_new);
  sequence->usage.prompt_tokens = request.prompt.size();
  sequence->usage.cached_tokens = sequence->n_done;
  sequence->started = Clock::now();
  sequence->usage.queue_ms = ms_between(generation->submitted_, sequence->started);
  if (request.prompt_log_probs) {
    // What is missing for so many logits is missing for this request alone.
    runner_.for_rows(1, runner_.max_logits());
    generation->add_prompt_start();
    sequence->n_told = 1;
  }
  metrics_.queue.add(sequence->usage.queue_ms / 1000);
  metrics_.prompt_tokens.fetch_add(request.prompt.size(), std::memory_order_relaxed);
  metrics_.cached_tokens.fetch_add(sequence->n_done, std::memory_order_relaxed);
  if (sequence->n_done > 0) metrics_.n_cache_hits.fetch_add(1, std::memory_order_relaxed);
  {
    MutexLock lock(mutex_);
    waiting_.charge(request.client, -static_cast<int64_t>(sequence->n_done));
  }
  sequences_.push_back(std::move(sequence));
  if (request.max_tokens == 0) return;
  try {
    force_tokens(*sequences_.back());
  } catch (...) {
    give_up(*sequences_.back(), caught());
  }
}

// To its client, for the tokens that came since the last time.
void Engine::charge(Sequence& sequence) {
  const size_t n = sequence.usage.completion_tokens;
  waiting_.charge(sequence.generation->request().client,
                  static_cast<int64_t>(FairQueue::kTokenCost * (n - std::exchange(sequence.n_charged, n))));
}

void Engine::publish() noexcept {
  size_t n_used = 0;
  size_t n_pages = 0;
  for (const PagePool& group : pools_.groups) {
    n_pages += group.n_pages();
    n_used += group.n_pages() - group.n_free();
  }
  const auto set = [](Metrics::Count& count, size_t n) { count.store(n, std::memory_order_relaxed); };
  set(metrics_.kv_pages_used, n_used);
  set(metrics_.kv_pages_total, n_pages);
  set(metrics_.cached_pages, prefixes_.n_pages());
  set(metrics_.n_evicted_pages, prefixes_.n_evicted());
  set(metrics_.n_running, sequences_.size());
  MutexLock lock(mutex_);
  set(metrics_.n_waiting, waiting_.size());
}

size_t Engine::length_of(const Request& request) const noexcept {
  return request.prompt.size() + std::min(request.max_tokens, options_.context_len - request.prompt.size());
}

Engine::Context Engine::context_for(const Request& request) const {
  Context context{.rope_variant = model_->config().rope_variant(length_of(request))};
  for (size_t i = 0; i < request.adapters.size(); ++i) {
    if (request.adapters[i] != 0.0F) context.adapters.push_back({adapter_names_[i], request.adapters[i]});
  }
  return context;
}

// Texts share keys and values where the same rope variant and the same adapters made them. Callers may ask for any
// strength of an adapter: numbers that nothing is known of any more are forgotten.
size_t Engine::context_of(const Context& context) {
  constexpr size_t kMany = 256;
  if (contexts_.size() >= kMany) {
    std::erase_if(contexts_, [&](const auto& entry) {
      const auto has = [&](const auto& sequence) { return sequence->variant == entry.second; };
      return !prefixes_.knows(entry.second) && std::ranges::none_of(sequences_, has);
    });
  }
  const auto [place, is_new] = contexts_.try_emplace(context, n_contexts_);
  n_contexts_ += is_new ? 1 : 0;
  return place->second;
}

}  // namespace kinglet::engine
