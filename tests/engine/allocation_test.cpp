// Property 4 of ENGINE.md: once an answer is on its way, a token takes no memory from the heap. All of operator new is
// counted, in every thread. And what happens where there is none left.
#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "core/base/counted_new.h"
#include "core/kernels/select.h"
#include "home/system/thread_pool.h"
#include "model/models/tiny_model.h"
#include "run/engine/engine.h"

namespace kinglet::tests {
namespace {

// Nor do the experts of a model that has them.
TEST(Allocations, ATokenTakesNoMemory) {
  const models::TinyModel dense({.format = "Q4_0"});
  const models::TinyModel experts({.format = "Q4_0"}, *models::find_architecture("qwen3moe"));
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
  const std::array<std::pair<const models::TinyModel*, engine::SamplingParams>, 4> cases{
      {{&dense, {}}, {&dense, all}, {&dense, mirostat}, {&experts, {}}}};
  for (const auto& [model, sampling] : cases) {
    system::SpinPool pool(2);
    engine::Engine engine(model->shared(), {.context_len = 256, .max_sequences = 2}, table, pool);
    const engine::SamplingParams& of_case = sampling;  // a binding, which lambdas cannot capture
    const auto allocations_of = [&](size_t n_tokens) {
      const size_t before = counted::n_allocations.load();
      std::vector<std::shared_ptr<engine::Generation>> running;
      for (int32_t i = 0; i < 2; ++i) {
        running.push_back(engine.submit({{1, 2, 3, i, 1, 2, 3, i}, n_tokens, {}, of_case}));
      }
      for (const auto& generation : running) {
        while (!generation->next().finish) {
        }
      }
      return counted::n_allocations.load() - before;
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

std::vector<int32_t> tokens_of(engine::Generation& generation) {
  std::vector<int32_t> tokens;
  for (engine::Event event = generation.next(); !event.finish; event = generation.next()) tokens.push_back(event.token);
  return tokens;
}

// Wherever memory ends in the engine's thread, the request says so, and the engine goes on with all of its pages.
TEST(OutOfMemory, EndsTheRequestAndNotTheProgram) {
  counted::is_spared = true;
  const models::TinyModel model({.format = "Q4_0"});
  const kernels::KernelTable table = *kernels::select(kernels::detect());
  InlinePool pool;
  const auto request = [](size_t n) { return engine::Request{std::vector<int32_t>(n, 3), 4, {}, {}}; };
  engine::Engine engine(model.shared(), {.context_len = 256, .max_sequences = 2}, table, pool);
  const std::vector<int32_t> want = tokens_of(*engine.submit(request(40)));
  // No plan for this many rows is there yet; what comes later needs no new one, but a place and pages.
  for (const size_t n : {70U, 40U}) {
    counted::is_exhausted = true;
    const auto first = engine.submit(request(n));
    const auto second = engine.submit(request(n));
    for (const auto& generation : {first, second}) {
      try {
        tokens_of(*generation);
        ADD_FAILURE() << n;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory) << n;
      }
    }
    counted::is_exhausted = false;
    EXPECT_EQ(tokens_of(*engine.submit(request(40))), want) << n;
  }
  // A request for the whole context takes each of its pages; two of them take all.
  const auto first = engine.submit({std::vector<int32_t>(250, 5), SIZE_MAX, {}, {}});
  const auto second = engine.submit({std::vector<int32_t>(250, 6), SIZE_MAX, {}, {}});
  EXPECT_EQ(tokens_of(*first).size(), 6U);
  EXPECT_EQ(tokens_of(*second).size(), 6U);
}

}  // namespace
}  // namespace kinglet::tests
