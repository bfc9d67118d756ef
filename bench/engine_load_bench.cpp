// What streams feel of others in one engine, as JSON lines: the time between their tokens while long prompts come, and
// how long clients wait beside one that sends 20 times as much.   usage: engine_load_bench MODEL.gguf [THREADS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "core/base/philox.h"
#include "core/kernels/select.h"
#include "home/system/thread_pool.h"
#include "model/format/open_model.h"
#include "run/engine/engine.h"

namespace kinglet {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point from) {
  return std::chrono::duration<double, std::milli>(Clock::now() - from).count();
}

double at(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

struct Bench {
  std::shared_ptr<const models::Model> model;
  kernels::KernelTable table = *kernels::select(kernels::detect());
  system::SpinPool pool;

  // No two begin alike, so that nothing is known of any.
  engine::Request request(uint64_t seed, size_t n_prompt, size_t n_tokens) const {
    engine::Request request;
    Philox random(seed);
    const auto vocab_size = static_cast<uint32_t>(model->config().vocab_size);
    for (size_t i = 0; i < n_prompt; ++i)
      request.prompt.push_back(static_cast<int32_t>(random.next_u32() % vocab_size));
    request.max_tokens = n_tokens;
    return request;
  }
};

void read_to_end(engine::Generation& generation, std::vector<double>* gaps_ms = nullptr) {
  Clock::time_point last = {};
  for (bool is_first = true; !generation.next().finish; is_first = false) {
    if (!is_first && gaps_ms != nullptr) gaps_ms->push_back(ms_since(last));
    last = Clock::now();
  }
}

// Four streams; beside them, if so, one prompt of 1,500 tokens after the other from two clients.
std::vector<double> gaps(Bench& bench, double step_ms, bool is_disturbed, double& prompt_rate) {
  constexpr size_t kStreams = 4;
  constexpr size_t kPrompt = 1500;
  engine::Engine engine(bench.model, {.context_len = 2048, .max_sequences = 8, .step_ms = step_ms}, bench.table,
                        bench.pool);
  std::vector<std::vector<double>> of_streams(kStreams);
  std::vector<std::thread> streams;
  std::atomic<size_t> n_streaming{kStreams};
  for (size_t i = 0; i < kStreams; ++i) {
    streams.emplace_back([&, i] {
      read_to_end(*engine.submit(bench.request(i, 64, 150)), &of_streams[i]);
      --n_streaming;
    });
  }
  std::vector<std::thread> callers;
  const auto started = Clock::now();
  for (uint64_t caller = 0; is_disturbed && caller < 2; ++caller) {
    callers.emplace_back([&, caller] {
      for (uint64_t i = 0; n_streaming > 0; ++i) {
        engine::Request request = bench.request(100 + 1000 * caller + i, kPrompt, 1);
        request.client = std::to_string(caller);
        const auto generation = engine.submit(std::move(request));
        while (n_streaming > 0 && !generation->next_within(std::chrono::milliseconds(20))) {
        }
        generation->cancel();
      }
    });
  }
  for (std::thread& stream : streams) stream.join();
  const engine::EngineStats stats = engine.stats();
  prompt_rate = static_cast<double>(stats.n_step_rows - stats.completion_tokens) / ms_since(started) * 1e3;
  for (std::thread& caller : callers) caller.join();
  std::vector<double> all;
  for (const auto& of_stream : of_streams) all.insert(all.end(), of_stream.begin(), of_stream.end());
  return all;
}

void measure_gaps(Bench& bench) {
  double rate = 0;
  const std::vector<double> alone = gaps(bench, 50, false, rate);
  const double limit = std::max(2 * at(alone, 0.99), 50.0);
  std::printf(R"({"what": "gap", "prompts": false, "p50_ms": %.1f, "p99_ms": %.1f, "max_ms": %.1f})"
              "\n",
              at(alone, 0.5), at(alone, 0.99), at(alone, 1));
  for (const double step_ms : {50.0, 25.0, 1e9}) {
    const std::vector<double> beside = gaps(bench, step_ms, true, rate);
    std::printf(R"({"what": "gap", "prompts": true, "step_ms": %.0f, "p50_ms": %.1f, "p99_ms": %.1f, "max_ms": %.1f, )"
                R"("limit_ms": %.1f, "prompt_tokens_per_second": %.0f})"
                "\n",
                step_ms, at(beside, 0.5), at(beside, 0.99), at(beside, 1), limit, rate);
  }
}

// Seven clients with kEach requests, one with 20 times as many in front of them. With an eighth of the engine a client
// would have its last answer when 8 times its work is done.
void measure_turns(Bench& bench) {
  constexpr size_t kEach = 4;
  engine::Engine engine(bench.model, {.context_len = 256, .max_sequences = 8}, bench.table, bench.pool);
  std::map<std::string, std::vector<std::shared_ptr<engine::Generation>>> sent;
  const auto started = Clock::now();
  const auto send = [&](const std::string& client, size_t n) {
    for (size_t i = 0; i < n; ++i) {
      engine::Request request = bench.request(std::hash<std::string>()(client) + i, 64, 16);
      request.client = client;
      sent[client].push_back(engine.submit(std::move(request)));
    }
  };
  send("heavy", 20 * kEach);
  for (int client = 0; client < 7; ++client) send(std::to_string(client), kEach);
  std::map<std::string, double> end_ms;
  std::vector<std::thread> readers;
  for (auto& [client, generations] : sent) {
    readers.emplace_back([&started, &generations = generations, &end = end_ms[client]] {
      for (const auto& generation : generations) read_to_end(*generation);
      end = ms_since(started);
    });
  }
  for (std::thread& reader : readers) reader.join();
  const double fair = end_ms.at("heavy") * 8 / 27;
  double most = 0;
  for (const auto& [client, end] : end_ms) most = std::max(most, client == "heavy" ? 0 : end);
  std::printf(
      R"({"what": "turns", "all_ms": %.0f, "fair_share_ms": %.0f, "longest_of_the_others_ms": %.0f, "ratio": %.2f})"
      "\n",
      end_ms.at("heavy"), fair, most, most / fair);
}

}  // namespace
}  // namespace kinglet

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (argc < 2) {
    std::fprintf(stderr, "usage: engine_load_bench MODEL.gguf [THREADS]\n");
    return 2;
  }
  try {
    const int n_threads = argc > 2 ? std::stoi(argv[2]) : kinglet::system::usable_cores();
    kinglet::Bench bench{.model = kinglet::models::Model::load(kinglet::format::open_model(argv[1], {})),
                         .pool = kinglet::system::SpinPool(n_threads)};
    kinglet::measure_gaps(bench);
    kinglet::measure_turns(bench);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "engine_load_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
