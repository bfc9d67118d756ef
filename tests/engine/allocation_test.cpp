// Property 4 of ENGINE.md: once an answer is on its way, a token takes no memory from the heap. All of operator new is
// counted, in every thread.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "core/kernels/select.h"
#include "home/system/thread_pool.h"
#include "model/models/tiny_model.h"
#include "run/engine/engine.h"

namespace {

std::atomic<size_t> allocations{0};

void* counted(size_t size, size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = alignment <= alignof(std::max_align_t) ? std::malloc(size) : std::aligned_alloc(alignment, size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// Not inlined: the compiler would see malloc and free behind new and delete, and warn that they do not match.
[[gnu::noinline]] void* operator new(size_t size) { return counted(size, 1); }
[[gnu::noinline]] void* operator new[](size_t size) { return counted(size, 1); }
[[gnu::noinline]] void* operator new(size_t size, std::align_val_t alignment) {
  const auto step = static_cast<size_t>(alignment);
  return counted((size + step - 1) / step * step, step);
}
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size);
}
[[gnu::noinline]] void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace kinglet::tests {
namespace {

TEST(Allocations, ATokenTakesNoMemory) {
  const models::TinyModel model({.format = "Q4_0"});
  const kernels::KernelTable table = *kernels::select(kernels::detect());
  engine::SamplingParams all;
  all.temperature = 0.9F;
  all.top_k = 20;
  all.typical_p = 0.98F;
  all.top_p = 0.95F;
  all.min_p = 0.01F;
  all.repetition_penalty = 1.1F;
  all.frequency_penalty = 0.1F;
  all.dry_multiplier = 0.5F;
  all.xtc_probability = 0.3F;
  engine::SamplingParams mirostat;
  mirostat.temperature = 1.0F;
  mirostat.mirostat = true;
  for (const engine::SamplingParams& sampling : {engine::SamplingParams{}, all, mirostat}) {
    system::SpinPool pool(2);
    engine::Engine engine(model.shared(), {.context_len = 256, .max_sequences = 2}, table, pool);
    // The plan for one row is made here: the two below may run together from their first step to their last.
    const auto alone = engine.submit({{1, 2, 3}, 4, {}, {}});
    while (!alone->next().finish) {
    }
    std::vector<std::shared_ptr<engine::Generation>> running;
    for (int32_t i = 0; i < 2; ++i) {
      engine::Request request;
      request.prompt = {1, 2, 3, i, 1, 2, 3, i};
      request.max_tokens = 200;
      request.sampling = sampling;
      running.push_back(engine.submit(std::move(request)));
    }
    // The plan for two rows is there after a few tokens; then 190 tokens of both.
    for (int i = 0; i < 5; ++i) {
      for (const auto& generation : running) generation->next();
    }
    const size_t before = allocations.load();
    for (int i = 0; i < 190; ++i) {
      for (const auto& generation : running) generation->next();
    }
    EXPECT_EQ(allocations.load() - before, 0U);
  }
}

}  // namespace
}  // namespace kinglet::tests
