// The loop: admit, choose rows, run, sample, tell. Every generating sequence has a row in each step; what is left of
// the step's rows goes to prompts, in the order in which they came.
#include "run/engine/engine.h"

#include <algorithm>
#include <utility>

#include "run/engine/tokens.h"

namespace kinglet::engine {
namespace {

using kernels::kPageTokens;

size_t pages_for(size_t n_tokens) noexcept { return (n_tokens + kPageTokens - 1) / kPageTokens; }

double ms_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

const EngineOptions& checked(const EngineOptions& options, const models::Model& model) {
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
      pages_(runner_.layout(), pages_for(options_.context_len) * options_.max_sequences),
      prefixes_(pages_) {
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
      fail_all(std::current_exception());
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

// Takes requests in order as long as there are places and pages for their whole length.
void Engine::admit() {
  while (sequences_.size() < options_.max_sequences) {
    std::shared_ptr<Generation> next;
    {
      MutexLock lock(mutex_);
      if (waiting_.empty()) return;
      next = waiting_.front();
    }
    try {
      if (!start(next)) return;
    } catch (...) {
      next->fail(std::current_exception());
    }
    MutexLock lock(mutex_);
    waiting_.pop_front();
  }
}

bool Engine::start(const std::shared_ptr<Generation>& generation) {
  const Request& request = generation->request();
  const size_t room = options_.context_len - request.prompt.size();
  const size_t n_pages = pages_for(request.prompt.size() + std::min(request.max_tokens, room));
  auto sequence = std::make_unique<Sequence>(pages_, generation, Sampler(request.sampling, model_->config().vocab_size),
                                             request.prompt);
  sequence->tokens.reserve(n_pages * kPageTokens);
  sequence->pages.reserve(n_pages);
  const graph::SequenceLayout& layout = runner_.layout();
  sequence->keys.resize(layout.groups.size());
  sequence->values.resize(layout.groups.size());
  for (auto& list : sequence->keys) list.reserve(n_pages);
  for (auto& list : sequence->values) list.reserve(n_pages);
  sequence->state = tensor::Buffer(layout.state_bytes);
  // The last token of a prompt is always computed, as its logits are wanted.
  const bool is_reusable = layout.state_bytes == 0;
  for (const PageId page : prefixes_.find({request.prompt.data(), is_reusable ? request.prompt.size() - 1 : 0})) {
    add_page(*sequence, page);
  }
  sequence->n_done = sequence->pages.size() * kPageTokens;
  const size_t n_new = n_pages - std::min(n_pages, sequence->pages.size());
  prefixes_.evict_until(n_new);
  if (pages_.n_free() < n_new) return false;
  for (size_t i = 0; i < n_new; ++i) {
    PageId page = 0;
    KINGLET_CHECK(pages_.allocate(page), "pages were counted before");
    add_page(*sequence, page);
  }
  for (size_t i = 0; i < sequence->keys.size(); ++i) {
    sequence->views.push_back({sequence->keys[i].data(), sequence->values[i].data()});
  }
  sequence->max_len = request.prompt.size() + std::min(request.max_tokens, room);
  sequence->sampler.reserve(n_pages * kPageTokens);
  sequence->sampler.observe(request.prompt);
  generation->reserve(std::min(request.max_tokens, room));
  sequence->usage.prompt_tokens = request.prompt.size();
  sequence->usage.cached_tokens = sequence->n_done;
  sequence->started = Clock::now();
  sequence->usage.queue_ms = ms_between(generation->submitted_, sequence->started);
  sequences_.push_back(std::move(sequence));
  return true;
}

void Engine::add_page(Sequence& sequence, PageId page) {
  sequence.pages.push_back(page);
  for (size_t i = 0; i < sequence.keys.size(); ++i) {
    sequence.keys[i].push_back(pages_.keys(page, i));
    sequence.values[i].push_back(pages_.values(page, i));
  }
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
    sequence->n_step = std::min(left, sequence->tokens.size() - sequence->n_done);
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
    batch_rows_.push_back({row, sequence->n_step, sequence->n_done, sequence->views.data(),
                           sequence->state.size_bytes() == 0 ? nullptr : sequence->state.data(), sequence->max_len});
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
    sequence->n_done += sequence->n_step;
    if (sampled) take_token(*sequence, {logits + sequence->logit_row * vocab_size, vocab_size});
  }
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
  prefixes_.insert(std::span(sequence.tokens).first(sequence.n_done), sequence.pages);
  sequence.generation->finish(reason, sequence.usage);
  sequence.generation = nullptr;
}

void Engine::fail_all(const std::exception_ptr& error) noexcept {
  for (auto& sequence : sequences_) {
    if (sequence->generation != nullptr) sequence->generation->fail(error);
  }
  sequences_.clear();
}

void Engine::remove_finished() {
  std::erase_if(sequences_, [](const auto& sequence) { return sequence->generation == nullptr; });
}

}  // namespace kinglet::engine
