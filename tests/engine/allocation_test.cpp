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
    const auto allocations_of = [&](size_t n_tokens) {
      const size_t before = allocations.load();
      std::vector<std::shared_ptr<engine::Generation>> running;
      for (int32_t i = 0; i < 2; ++i) {
        running.push_back(engine.submit({{1, 2, 3, i, 1, 2, 3, i}, n_tokens, {}, sampling}));
      }
      for (const auto& generation : running) {
        while (!generation->next().finish) {
        }
      }
      return allocations.load() - before;
    };
    // Makes the plans of every row class, and the pages that the cache of prefixes will know.
    const auto alone = engine.submit({std::vector<int32_t>(20, 3), 4, {}, {}});
    while (!alone->next().finish) {
    }
    allocations_of(220);
    // A request takes memory when it comes and when its pages are kept; 400 tokens more take no more than that.
    const size_t of_few = allocations_of(20);
    const size_t of_many = allocations_of(220);
    EXPECT_LT(of_many, of_few + 100);
  }
}

}  // namespace
}  // namespace kinglet::tests
