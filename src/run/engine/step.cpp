// One step of the loop: choose rows, run, sample, tell. Every generating sequence has a row in each step; what is left
// of the step's rows goes to what was forced behind it, then to prompts, as many as the step's time allows.
#include <algorithm>
#include <bit>
#include <utility>

#include "run/engine/caught.h"
#include "run/engine/engine.h"
#include "run/engine/tokens.h"

namespace kinglet::engine {
namespace {

using kernels::kPageTokens;

// Whether no number is NaN or infinite: none has an exponent of all ones.
bool is_finite(std::span<const float> values) noexcept {
  bool is_finite = true;
  for (const float value : values) is_finite &= (std::bit_cast<uint32_t>(value) & 0x7F800000U) != 0x7F800000U;
  return is_finite;
}

}  // namespace

// Gives a sequence as many more of its rows as it may have. Beyond one, rows that want logits are taken from those that
// are left of the step.
size_t Engine::take_rows(Sequence& sequence, size_t most, size_t& more_logits) {
  size_t n = std::min(sequence.n_step + most, sequence.n_left());
  const size_t from = std::max(sequence.logits_from(), sequence.n_done);
  const size_t had = std::max<size_t>(1, sequence.n_logits);
  n = std::min(n, from - sequence.n_done + had + more_logits);
  sequence.n_logits = sequence.n_done + n - std::min(from, sequence.n_done + n);
  more_logits -= std::max<size_t>(had, sequence.n_logits) - had;
  return n - std::exchange(sequence.n_step, n);
}

// What a prompt may still get in this step. A state is known where a step ends: one ends where the prompt may be gone
// on from.
size_t Engine::prompt_rows_left(const Sequence& sequence) const noexcept {
  if (sequence.is_generating()) return 0;
  const bool ends_at_border = pools_.states && sequence.n_done < sequence.prompt_border;
  return (ends_at_border ? sequence.prompt_border : sequence.tokens.size()) - sequence.n_done - sequence.n_step;
}

// In equal parts for the clients that have any; of one client in the order in which they came.
void Engine::give_prompt_rows(size_t left, size_t& more_logits) {
  for (size_t n_given = 1; left > 0 && n_given > 0;) {
    turns_.clear();
    for (auto& sequence : sequences_) {
      const std::string& client = sequence->generation->request().client;
      const auto is_same = [&](const Sequence* of) { return of->generation->request().client == client; };
      if (prompt_rows_left(*sequence) > 0 && std::ranges::none_of(turns_, is_same)) turns_.push_back(sequence.get());
    }
    n_given = 0;
    const size_t share = std::max<size_t>(1, left / std::max<size_t>(1, turns_.size()));
    for (Sequence* sequence : turns_) {
      const size_t n = take_rows(*sequence, std::min({share, left, prompt_rows_left(*sequence)}), more_logits);
      left -= n;
      n_given += n;
    }
  }
}

// Sets n_step and n_logits of every sequence; the number of rows of prompts is returned.
size_t Engine::choose_rows() {
  size_t left = runner_.max_rows();
  size_t more_logits = runner_.max_logits() - std::min(runner_.max_logits(), sequences_.size());
  bool is_any_generating = false;
  for (auto& sequence : sequences_) {
    sequence->n_step = sequence->n_logits = 0;
    if (!sequence->is_generating()) continue;
    is_any_generating = true;
    left -= take_rows(*sequence, 1, more_logits);
  }
  for (auto& sequence : sequences_) {
    if (sequence->is_generating()) left -= take_rows(*sequence, left, more_logits);
  }
  give_prompt_rows(is_any_generating ? std::min(left, budget_.prompt_rows()) : left, more_logits);
  size_t n_prompt_rows = 0;
  for (auto& sequence : sequences_) n_prompt_rows += sequence->is_generating() ? 0 : sequence->n_step;
  return n_prompt_rows;
}

void Engine::step() {
  const size_t n_prompt_rows = choose_rows();
  size_t n_rows = 0;
  size_t n_logits = 0;
  for (const auto& sequence : sequences_) {
    n_rows += sequence->n_step;
    n_logits += sequence->n_logits;
  }
  graph::Executor<float>& executor = runner_.for_rows(n_rows, n_logits);
  const auto started = Clock::now();
  const std::span<int32_t> ids = executor.input(ir::Input::kTokenIds);
  const std::span<int32_t> positions = executor.input(ir::Input::kPositions);
  const std::span<int32_t> logit_rows = executor.input(ir::Input::kLogitRows);
  batch_rows_.clear();
  size_t row = 0;
  size_t logit_row = 0;
  for (auto& sequence : sequences_) {
    if (sequence->n_step == 0) continue;
    sequence->memory.advance(sequence->n_done, sequence->n_step);
    batch_rows_.push_back({row, sequence->n_step, sequence->n_done, sequence->memory.pages(), sequence->memory.state(),
                           sequence->max_len, sequence->generation->request().adapters});
    for (size_t i = 0; i < sequence->n_step; ++i, ++row) {
      ids[row] = sequence->tokens[sequence->n_done + i];
      positions[row] = static_cast<int32_t>(sequence->n_done + i);
    }
    for (size_t i = sequence->n_logits; i > 0; --i) logit_rows[logit_row++] = static_cast<int32_t>(row - i);
  }
  begin_masks();
  executor.run({n_rows, n_logits, batch_rows_.size()}, {batch_rows_, options_.kv_type});
  masks_.wait();
  const size_t vocab_size = model_->config().vocab_size;
  const float* logits = executor.output(runner_.logits());
  for (auto& sequence : sequences_) {
    const size_t n_values = sequence->n_logits * vocab_size;
    if (sequence->n_step > 0) use_logits(*sequence, {logits, n_values});
    logits += n_values;
  }
  const double ms = ms_between(started, Clock::now());
  if (n_rows > n_prompt_rows) budget_.record(n_prompt_rows, ms);
  metrics_.n_steps.fetch_add(1, std::memory_order_relaxed);
  metrics_.n_step_sequences.fetch_add(batch_rows_.size(), std::memory_order_relaxed);
  metrics_.n_step_rows.fetch_add(n_rows, std::memory_order_relaxed);
  metrics_.steps.add(ms / 1000);
}

// While the model runs: of those that choose a token behind this step.
void Engine::begin_masks() {
  mask_jobs_.clear();
  for (auto& sequence : sequences_) {
    TokenConstraint* constraint = sequence->generation->request().constraint.get();
    sequence->mask_idx = Sequence::kNoMask;
    if (constraint == nullptr || sequence->n_step == 0 || !sequence->is_at_end() || sequence->ending) continue;
    sequence->mask_idx = mask_jobs_.size();
    mask_jobs_.push_back({.constraint = constraint});
  }
  masks_.begin(mask_jobs_);
}

void Engine::use_logits(Sequence& sequence, std::span<const float> logits) {
  const size_t vocab_size = model_->config().vocab_size;
  sequence.n_done += sequence.n_step;
  const size_t first = sequence.n_done - sequence.n_logits;
  for (size_t i = 0; i < sequence.n_logits; ++i) {
    if (!is_finite(logits.subspan(i * vocab_size, vocab_size))) return fail_not_finite(sequence, first + i);
  }
  keep_prefix(sequence);
  for (size_t i = 0; i < sequence.n_logits; ++i) {
    const auto of_row = logits.subspan(i * vocab_size, vocab_size);
    const size_t next = first + i + 1;
    if (next == sequence.tokens.size()) return choose_token(sequence, of_row);
    sequence.generation->add_token(sequence.tokens[next], of_row);
    sequence.n_told = next + 1;
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

// Behind the last token.
void Engine::choose_token(Sequence& sequence, std::span<const float> logits) {
  const Request& request = sequence.generation->request();
  if (!sequence.first_logits) {
    sequence.first_logits = Clock::now();
    sequence.usage.prompt_ms = ms_between(sequence.started, *sequence.first_logits);
  }
  if (sequence.ending) return finish(sequence, *sequence.ending);
  if (request.max_tokens == 0) return finish(sequence, FinishReason::kLength);
  std::optional<std::span<const uint32_t>> mask;
  if (sequence.mask_idx != Sequence::kNoMask) {
    MaskWorker::Job& job = mask_jobs_[sequence.mask_idx];
    if (job.error) return give_up(sequence, *std::move(job.error));
    mask = job.mask;
  }
  const int32_t token = sequence.sampler.sample(logits, mask);
  if (token < 0) return finish(sequence, FinishReason::kBarred);
  if (std::ranges::find(request.stop_tokens, token) != request.stop_tokens.end()) {
    return finish(sequence, FinishReason::kStop);
  }
  add_token(sequence, token);
  sequence.generation->add_token(token, logits);
  ++sequence.n_told;
  note_token(sequence);
  if (sequence.ending) return finish(sequence, *sequence.ending);
  if (request.constraint == nullptr) return;
  try {
    request.constraint->accept(token);
    force_tokens(sequence);
  } catch (...) {
    give_up(sequence, caught());
  }
}

// Chosen or forced.
void Engine::add_token(Sequence& sequence, int32_t token) {
  sequence.sampler.observe(token);
  sequence.tokens.push_back(token);
  ++sequence.usage.completion_tokens;
  metrics_.completion_tokens.fetch_add(1, std::memory_order_relaxed);
  if (sequence.usage.completion_tokens >= sequence.generation->request().max_tokens) {
    sequence.ending = FinishReason::kLength;
  } else if (sequence.tokens.size() >= options_.context_len) {
    sequence.ending = FinishReason::kContext;
  }
}

// What must follow needs no choice. It is told at once, or with its log-probabilities when the model has run over it.
void Engine::force_tokens(Sequence& sequence) {
  const Request& request = sequence.generation->request();
  if (request.constraint == nullptr) return;
  forced_.clear();
  request.constraint->forced(forced_);
  check_tokens(forced_, model_->config().vocab_size, "constraint: ");
  for (const int32_t token : forced_) {
    if (sequence.ending) break;
    if (std::ranges::find(request.stop_tokens, token) != request.stop_tokens.end()) {
      sequence.ending = FinishReason::kStop;
      break;
    }
    request.constraint->accept(token);
    add_token(sequence, token);
    if (request.log_probs) continue;
    sequence.generation->add_token(token);
    ++sequence.n_told;
    if (!sequence.last_token) note_token(sequence);
  }
  if (sequence.ending && sequence.n_told == sequence.tokens.size()) finish(sequence, *sequence.ending);
}

void Engine::finish(Sequence& sequence, FinishReason reason) {
  if (sequence.first_logits) sequence.usage.decode_ms = ms_between(*sequence.first_logits, Clock::now());
  sequence.memory.share(sequence.variant, std::span(sequence.tokens).first(sequence.n_done));
  metrics_.n_finished[static_cast<size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
  sequence.generation->finish(reason, sequence.usage);
  close(sequence);
}

void Engine::give_up(Sequence& sequence, Error error) noexcept {
  metrics_.n_failed.fetch_add(1, std::memory_order_relaxed);
  sequence.generation->fail(std::move(error));
  close(sequence);
}

void Engine::close(Sequence& sequence) noexcept {
  MutexLock lock(mutex_);
  charge(sequence);
  waiting_.leave(sequence.generation->request().client);
  sequence.generation = nullptr;
}

// When the caller got it. Tokens that are forced behind another one come with it.
void Engine::note_token(Sequence& sequence) {
  const auto now = Clock::now();
  if (sequence.last_token) {
    metrics_.between_tokens.add(ms_between(*sequence.last_token, now) / 1000);
  } else {
    metrics_.first_token.add(ms_between(sequence.generation->submitted_, now) / 1000);
  }
  sequence.last_token = now;
}

// The others go on, and nothing is kept of it.
void Engine::fail_not_finite(Sequence& sequence, size_t place) {
  const ops::SequenceRows row{0,
                              1,
                              place,
                              sequence.memory.pages(),
                              sequence.memory.state(),
                              sequence.max_len,
                              sequence.generation->request().adapters};
  const std::string part = runner_.place_not_finite(*model_, row, sequence.tokens[place]);
  give_up(sequence,
          {ErrorCode::kInvalidFile, str(model_->file().path(), ": ", part, " gives numbers that are not finite at ",
                                        "position ", place, ": its weights or those before it are damaged")});
}

void Engine::remove_finished() {
  std::erase_if(sequences_, [](const auto& sequence) { return sequence->generation == nullptr; });
}

}  // namespace kinglet::engine
