// What tests of engines share: requests to a tiny random model, a reader, and a pool that stops between steps.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

#include "core/kernels/select.h"
#include "model/models/tiny_model.h"
#include "run/engine/engine.h"

namespace kinglet::tests {

using engine::Engine;
using engine::EngineOptions;
using engine::FinishReason;
using engine::Request;

struct Answer {
  std::vector<int32_t> tokens;
  FinishReason finish;
  engine::Usage usage;
};

inline Answer read(engine::Generation& generation) {
  Answer answer{};
  for (;;) {
    const engine::Event event = generation.next();
    if (event.finish) {
      answer.finish = *event.finish;
      answer.usage = event.usage;
      return answer;
    }
    answer.tokens.push_back(event.token);
  }
}

/// Lets the engine do one step for each permit, so that a test can look in between.
class GatePool final : public ThreadPool {
 public:
  [[nodiscard]] int n_threads() const noexcept override { return 1; }
  void run(Task task, void* context) noexcept override {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return permits_ > 0; });
      --permits_;
    }
    task(context, 0);
    std::unique_lock lock(mutex_);
    ++n_steps_;
    changed_.notify_all();
  }
  void wait_until(const std::atomic<uint32_t>& /*word*/, uint32_t /*value*/) noexcept override {}

  /// Lets n more steps happen, as far as there is work for them.
  void allow(size_t n) {
    std::unique_lock lock(mutex_);
    permits_ += n;
    changed_.notify_all();
  }
  /// The same, and waits until they have: there is work.
  void step(size_t n) {
    std::unique_lock lock(mutex_);
    permits_ += n;
    const size_t target = n_steps_ + permits_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return n_steps_ == target; });
  }
  void open() {
    std::unique_lock lock(mutex_);
    permits_ = std::numeric_limits<size_t>::max() / 2;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t permits_ = 0;
  size_t n_steps_ = 0;
};

inline std::vector<int32_t> prompt_of(uint64_t seed, size_t n) {
  Philox random(seed);
  std::vector<int32_t> tokens(n);
  for (int32_t& token : tokens) token = static_cast<int32_t>(random.next_u32() % 40);
  return tokens;
}

inline Request request_of(uint64_t seed, size_t n_prompt, size_t max_tokens, bool is_greedy = false) {
  Request request;
  request.prompt = prompt_of(seed, n_prompt);
  request.max_tokens = max_tokens;
  request.sampling.seed = seed;
  if (!is_greedy) request.sampling.temperature = 1.2F;
  return request;
}

class Engines : public testing::Test {
 protected:
  /// The answer of an engine of its own.
  Answer alone(const Request& request, EngineOptions settings) {
    settings.max_sequences = 1;
    Engine engine(model.shared(), settings, table, inline_pool);
    return read(*engine.submit(request));
  }

  const models::TinyModel model{{.format = "Q8_0"}};
  const kernels::KernelTable table = *kernels::select(kernels::detect());
  InlinePool inline_pool;
  const EngineOptions options{.context_len = 128};
};

}  // namespace kinglet::tests
