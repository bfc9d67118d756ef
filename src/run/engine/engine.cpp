// The loop: admit, choose rows, run, sample, tell. Every generating sequence has a row in each step; what is left of
// the step's rows goes to prompts, in the order in which they came.
#include "run/engine/engine.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "run/engine/caught.h"
#include "run/engine/tokens.h"

namespace kinglet::engine {
namespace {

using kernels::kPageTokens;

double ms_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

// Whether no number is NaN or infinite: none has an exponent of all ones.
bool is_finite(std::span<const float> values) noexcept {
  bool is_finite = true;
  for (const float value : values) is_finite &= (std::bit_cast<uint32_t>(value) & 0x7F800000U) != 0x7F800000U;
  return is_finite;
}

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
  return options;
}

}  // namespace

Engine::Engine(std::shared_ptr<const models::Model> model, const EngineOptions& options,
               const kernels::KernelTable& table, ThreadPool& pool)
    : model_(std::move(model)),
      options_(checked(options, *model_)),
      runner_(*model_, options_, table, pool),
      pools_(runner_.layout(), {options_.context_len, options_.max_sequences, options_.prompt_chunk}),
      prefixes_(pools_) {
  sequences_.reserve(options_.max_sequences);
  batch_rows_.reserve(options_.max_sequences);
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
  auto generation = std::make_shared<Generation>(std::move(request));
  MutexLock lock(mutex_);
  waiting_.push_back(generation);
  wake_.notify_one();
  return generation;
}

void Engine::loop() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      while (!ending_ && waiting_.empty() && sequences_.empty()) wake_.wait(mutex_);
      if (ending_) {
        for (const auto& generation : waiting_) generation->finish(FinishReason::kCancelled, {});
        waiting_.clear();
        break;
      }
    }
    drop_cancelled();
    try {
      admit();
      for (auto& sequence : sequences_) {
        if (sequence->generation->cancelled()) finish(*sequence, FinishReason::kCancelled);
      }
      remove_finished();
      if (!sequences_.empty()) step();
      remove_finished();
    } catch (...) {
      // No memory for a step: those on their way are told, later ones may need less.
      for (auto& sequence : sequences_) {
        if (sequence->generation != nullptr) sequence->generation->fail(caught());
      }
      sequences_.clear();
    }
  }
  for (auto& sequence : sequences_) sequence->generation->finish(FinishReason::kCancelled, sequence->usage);
  sequences_.clear();
}

// Those that wait need not come to their turn to be told.
void Engine::drop_cancelled() {
  MutexLock lock(mutex_);
  std::erase_if(waiting_, [](const auto& generation) {
    if (!generation->cancelled()) return false;
    generation->finish(FinishReason::kCancelled, {});
    return true;
  });
}

// Takes requests in order as long as there are places; memory is there for each.
void Engine::admit() {
  while (sequences_.size() < options_.max_sequences) {
    std::shared_ptr<Generation> next;
    {
      MutexLock lock(mutex_);
      if (waiting_.empty()) return;
      next = waiting_.front();
    }
    try {
      start(next);
    } catch (...) {
      next->fail(caught());
    }
    MutexLock lock(mutex_);
    waiting_.pop_front();
  }
}

void Engine::start(const std::shared_ptr<Generation>& generation) {
  const Request& request = generation->request();
  const size_t max_new = std::min(request.max_tokens, options_.context_len - request.prompt.size());
  const size_t max_len = request.prompt.size() + max_new;
  const size_t variant = context_of(model_->config().rope_variant(max_len), request.adapters);
  // The last token of a prompt is always computed, as its logits are wanted.
  const std::span<const int32_t> reusable(request.prompt.data(), request.prompt.size() - 1);
  auto sequence = std::unique_ptr<Sequence>(new Sequence{.generation = generation,
                                                         .sampler{request.sampling, model_->config().vocab_size},
                                                         .memory{pools_, prefixes_, variant, reusable, max_len},
                                                         .tokens = request.prompt,
                                                         .max_len = max_len,
                                                         .variant = variant});
  sequence->tokens.reserve(max_len);
  sequence->prompt_border = reusable.size() / kPageTokens * kPageTokens;
  sequence->n_done = sequence->memory.n_known();
  sequence->is_shared = sequence->n_done == sequence->prompt_border;
  sequence->sampler.reserve(max_len);
  sequence->sampler.observe(request.prompt);
  generation->reserve(max_new);
  sequence->usage.prompt_tokens = request.prompt.size();
  sequence->usage.cached_tokens = sequence->n_done;
  sequence->started = Clock::now();
  sequence->usage.queue_ms = ms_between(generation->submitted_, sequence->started);
  sequences_.push_back(std::move(sequence));
}

// Texts share keys and values where the same rope variant and the same adapters made them.
size_t Engine::context_of(size_t rope_variant, const std::vector<float>& adapters) {
  return contexts_.try_emplace({rope_variant, adapters}, contexts_.size()).first->second;
}

// Sets n_step of every sequence; the sum is returned.
size_t Engine::choose_rows() {
  size_t left = runner_.max_rows();
  for (auto& sequence : sequences_) {
    sequence->n_step = sequence->n_done + 1 == sequence->tokens.size() && left > 0 ? 1 : 0;
    left -= sequence->n_step;
  }
  for (auto& sequence : sequences_) {
    if (sequence->n_step > 0) continue;
    // A state is known where a step ends: one ends where the prompt may be gone on from.
    const bool ends_at_border = pools_.states && sequence->n_done < sequence->prompt_border;
    const size_t end = ends_at_border ? sequence->prompt_border : sequence->tokens.size();
    sequence->n_step = std::min(left, end - sequence->n_done);
    left -= sequence->n_step;
  }
  return runner_.max_rows() - left;
}

void Engine::step() {
  const size_t n_rows = choose_rows();
  graph::Executor<float>& executor = runner_.for_rows(n_rows);
  const std::span<int32_t> ids = executor.input(ir::Input::kTokenIds);
  const std::span<int32_t> positions = executor.input(ir::Input::kPositions);
  const std::span<int32_t> logit_rows = executor.input(ir::Input::kLogitRows);
  batch_rows_.clear();
  size_t row = 0;
  size_t n_logits = 0;
  for (auto& sequence : sequences_) {
    if (sequence->n_step == 0) continue;
    sequence->memory.advance(sequence->n_done, sequence->n_step);
    batch_rows_.push_back({row, sequence->n_step, sequence->n_done, sequence->memory.pages(), sequence->memory.state(),
                           sequence->max_len, sequence->generation->request().adapters});
    for (size_t i = 0; i < sequence->n_step; ++i, ++row) {
      ids[row] = sequence->tokens[sequence->n_done + i];
      positions[row] = static_cast<int32_t>(sequence->n_done + i);
    }
    if (sequence->wants_logits()) {
      sequence->logit_row = n_logits;
      logit_rows[n_logits++] = static_cast<int32_t>(row - 1);
    }
  }
  executor.run({n_rows, n_logits, batch_rows_.size()}, {batch_rows_, options_.kv_type});
  const size_t vocab_size = model_->config().vocab_size;
  const float* logits = executor.output(runner_.logits());
  for (auto& sequence : sequences_) {
    if (sequence->n_step == 0) continue;
    const bool sampled = sequence->wants_logits();
    const std::span<const float> of_sequence(logits + sequence->logit_row * vocab_size, vocab_size);
    sequence->n_done += sequence->n_step;
    if (sampled && !is_finite(of_sequence)) {
      fail_not_finite(*sequence);
      continue;
    }
    keep_prefix(*sequence);
    if (sampled) take_token(*sequence, of_sequence);
  }
}

// What the next request may begin with: the prompt as soon as it is computed, the answer at its end.
void Engine::keep_prefix(Sequence& sequence) {
  const bool is_border = sequence.n_done % kPageTokens == 0 && sequence.n_done >= sequence.prompt_border;
  if (is_border && sequence.n_done > sequence.memory.n_known()) sequence.memory.keep_state(sequence.n_done);
  if (sequence.is_shared || sequence.n_done < sequence.prompt_border) return;
  sequence.memory.share(sequence.variant, std::span(sequence.tokens).first(sequence.prompt_border));
  sequence.is_shared = true;
}

void Engine::take_token(Sequence& sequence, std::span<const float> logits) {
  const Request& request = sequence.generation->request();
  if (sequence.usage.completion_tokens == 0) {
    sequence.first_logits = Clock::now();
    sequence.usage.prompt_ms = ms_between(sequence.started, sequence.first_logits);
  }
  if (request.max_tokens == 0) return finish(sequence, FinishReason::kLength);
  const int32_t token = sequence.sampler.sample(logits);
  if (token < 0) return finish(sequence, FinishReason::kBarred);
  if (std::ranges::find(request.stop_tokens, token) != request.stop_tokens.end()) {
    return finish(sequence, FinishReason::kStop);
  }
  sequence.sampler.observe(token);
  sequence.tokens.push_back(token);
  ++sequence.usage.completion_tokens;
  sequence.generation->add_token(token);
  if (sequence.usage.completion_tokens >= request.max_tokens) return finish(sequence, FinishReason::kLength);
  if (sequence.tokens.size() >= options_.context_len) return finish(sequence, FinishReason::kContext);
}

void Engine::finish(Sequence& sequence, FinishReason reason) {
  if (sequence.usage.completion_tokens > 0) sequence.usage.decode_ms = ms_between(sequence.first_logits, Clock::now());
  sequence.memory.share(sequence.variant, std::span(sequence.tokens).first(sequence.n_done));
  sequence.generation->finish(reason, sequence.usage);
  sequence.generation = nullptr;
}

// The others go on, and nothing is kept of it.
void Engine::fail_not_finite(Sequence& sequence) {
  const size_t last = sequence.n_done - 1;
  const ops::SequenceRows row{0,
                              1,
                              last,
                              sequence.memory.pages(),
                              sequence.memory.state(),
                              sequence.max_len,
                              sequence.generation->request().adapters};
  const std::string place = runner_.place_not_finite(*model_, row, sequence.tokens[last]);
  sequence.generation->fail(
      {ErrorCode::kInvalidFile, str(model_->file().path(), ": ", place, " gives numbers that are not finite at ",
                                    "position ", last, ": its weights or those before it are damaged")});
  sequence.generation = nullptr;
}

void Engine::remove_finished() {
  std::erase_if(sequences_, [](const auto& sequence) { return sequence->generation == nullptr; });
}

}  // namespace kinglet::engine
