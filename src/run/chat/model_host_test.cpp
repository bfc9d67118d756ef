// Models that come and go: loading once, leases, keep-alive, the budget, swaps under load, files that go away.
#include "run/chat/model_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <thread>

#include "core/kernels/select.h"
#include "home/store/fake_registry.h"
#include "home/system/scratch_folder.h"
#include "home/system/test_failure.h"
#include "home/system/thread_pool.h"
#include "model/models/tiny_model.h"

namespace kinglet::chat {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using store::ModelName;
using system::failure;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<int32_t> kPrompt = {1, 7, 3, 12};
constexpr size_t kNew = 12;

std::vector<int32_t> answer_of(engine::Engine& engine) {
  const auto generation = engine.submit({.prompt = kPrompt, .max_tokens = kNew, .stop_tokens = {}, .sampling = {}});
  std::vector<int32_t> ids;
  for (auto event = generation->next(); !event.finish; event = generation->next()) ids.push_back(event.token);
  return ids;
}

std::vector<int32_t> answer_of(HostedModel& model) { return answer_of(model.generator().engine()); }

class Hosts : public testing::Test {
 protected:
  Hosts() : folder("model_host"), home(folder.path() + "/home") {}

  // A model of the store; of another seed it is another one.
  void put(const std::string& name, uint64_t seed, models::TinyOptions options = {},
           std::string_view architecture = "llama") {
    options.seed = seed;
    const std::string file =
        folder.put(str("model-", seed, ".gguf"), models::tiny_gguf(*models::find_architecture(architecture), options));
    home.store.import_file(file, ModelName::parse(name));
  }

  // What a model of this seed answers, without a host.
  std::vector<int32_t> expected(uint64_t seed) {
    const models::TinyModel model({.seed = seed});
    InlinePool alone;
    engine::Engine engine(model.shared(), {.context_len = 128}, table, alone);
    return answer_of(engine);
  }

  ModelHost::Options options(ModelHost::Duration keep_alive = 5min) {
    return {.memory_budget = uint64_t{1} << 30, .default_context = 128, .keep_alive = keep_alive};
  }

  // What one of the models takes of a budget.
  uint64_t size_of_one(const std::string& name) {
    ModelHost host(options(), home.store, table, pool);
    return host.acquire(name)->memory().total();
  }

  system::ScratchFolder folder;
  store::TestHome home;
  kernels::KernelTable table = *kernels::select(kernels::detect());
  system::SpinPool pool{2};
};

std::vector<std::string> names_of(const ModelHost& host) {
  std::vector<std::string> names;
  for (const ResidentModel& model : host.list()) names.push_back(model.name);
  std::ranges::sort(names);
  return names;
}

// Things that happen on the host's threads, soon.
template <class Condition>
bool comes_true(const Condition& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

TEST_F(Hosts, OneLoadForAllWhoAsk) {
  put("one", 1);
  ModelHost host(options(), home.store, table, pool);
  std::vector<std::shared_ptr<HostedModel>> models(8);
  std::vector<std::thread> threads;
  for (auto& model : models) threads.emplace_back([&] { model = host.acquire("one"); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& model : models) EXPECT_EQ(model.get(), models[0].get());
  EXPECT_EQ(host.list().size(), 1U);
  EXPECT_EQ(host.list()[0].n_leases, 8U);
  EXPECT_EQ(host.acquire("ONE:latest").get(), models[0].get());
  EXPECT_EQ(answer_of(*models[0]), expected(1));
}

TEST_F(Hosts, TellsWhatIsWrongWithAName) {
  put("finch", 1);
  ModelHost host(options(), home.store, table, pool);
  EXPECT_EQ(failure([&] { host.acquire("a b"); }).code(), ErrorCode::kInvalidArgument);
  const Error missing = failure([&] { host.acquire("finsh"); });
  EXPECT_EQ(missing.code(), ErrorCode::kNotFound);
  EXPECT_THAT(missing.message(), HasSubstr("finch"));
  EXPECT_EQ(failure([&] { host.acquire("./model-1.gguf"); }).code(), ErrorCode::kInvalidArgument)
      << "a name never means a file outside of the store";
  EXPECT_EQ(failure([&] { host.load("finsh"); }).code(), ErrorCode::kNotFound);
  EXPECT_FALSE(host.unload("finch"));
  EXPECT_THAT(host.list(), IsEmpty());
}

TEST_F(Hosts, StaysForItsKeepAlive) {
  put("one", 1);
  ModelHost host(options(40ms), home.store, table, pool);
  {
    const auto model = host.acquire("one");
    std::this_thread::sleep_for(100ms);
    EXPECT_EQ(host.list().size(), 1U) << "somebody has it";
    EXPECT_EQ(answer_of(*model), expected(1));
  }
  EXPECT_TRUE(comes_true([&] { return host.list().empty(); }));
  EXPECT_EQ(host.used_bytes(), 0U);
  EXPECT_EQ(answer_of(*host.acquire("one")), expected(1)) << "it comes again";
  EXPECT_EQ(host.list().size(), 1U);
}

TEST_F(Hosts, EnginesHaveTheHostsSettingsAndAnswersTheirDeadline) {
  put("one", 1);
  ModelHost::Options settings = options();
  settings.max_sequences = 3;
  settings.max_waiting = 7;
  settings.step_ms = 20;
  ModelHost host(settings, home.store, table, pool);
  const auto model = host.acquire("one");
  LoadedModel& loaded = model->generator();
  EXPECT_EQ(loaded.engine().options().max_sequences, 3U);
  EXPECT_EQ(loaded.engine().options().max_waiting, 7U);
  EXPECT_EQ(loaded.engine().options().step_ms, 20);
  const auto answer = loaded.answer(kPrompt, {}, {.ignore_end = true, .deadline = std::chrono::steady_clock::now()});
  std::string text;
  while (answer->read(text, 100ms)) {
  }
  EXPECT_EQ(answer->result().finish, Finish::kDeadline);
  EXPECT_EQ(name_of(answer->result().finish), "deadline");
}

TEST_F(Hosts, ARequestSaysHowLongAModelStays) {
  put("one", 1);
  ModelHost host(options(20ms), home.store, table, pool);
  host.acquire("one", {.keep_alive = -1ms});
  std::this_thread::sleep_for(60ms);
  ASSERT_EQ(host.list().size(), 1U);
  EXPECT_FALSE(host.list()[0].expires_at) << "for ever";
  host.acquire("one");
  EXPECT_FALSE(host.list()[0].expires_at) << "as the last one said";
  host.acquire("one", {.keep_alive = 1h});
  const auto left = *host.list()[0].expires_at - std::chrono::system_clock::now();
  EXPECT_GT(left, 59min);
  EXPECT_LE(left, 60min);
  host.acquire("one", {.keep_alive = 0ms});
  EXPECT_TRUE(comes_true([&] { return host.list().empty(); }));
}

TEST_F(Hosts, TheLeastRecentlyUsedMakesRoom) {
  for (const uint64_t seed : {1U, 2U, 3U}) put(str("m", seed), seed);
  ModelHost::Options limited = options();
  limited.memory_budget = size_of_one("m1") * 5 / 2;
  ModelHost host(limited, home.store, table, pool);
  host.acquire("m1");
  host.acquire("m2");
  host.acquire("m1");
  host.acquire("m3");
  EXPECT_THAT(names_of(host), ElementsAre("m1:latest", "m3:latest"));
  EXPECT_LE(host.used_bytes(), limited.memory_budget);
  EXPECT_EQ(answer_of(*host.acquire("m2")), expected(2));
  EXPECT_THAT(names_of(host), ElementsAre("m2:latest", "m3:latest"));
}

TEST_F(Hosts, WhatCannotFitIsRefusedWithTheNumbers) {
  for (const uint64_t seed : {1U, 2U}) put(str("m", seed), seed);
  put("large", 3, {.n_layers = 40});
  ModelHost::Options limited = options();
  limited.memory_budget = size_of_one("m1") * 3 / 2;
  ModelHost host(limited, home.store, table, pool);
  {
    const auto held = host.acquire("m1");
    const Error busy = failure([&] { host.acquire("m2"); });
    EXPECT_EQ(busy.code(), ErrorCode::kOutOfMemory);
    EXPECT_THAT(busy.message(), HasSubstr(str("the budget is ", limited.memory_budget)));
    EXPECT_THAT(busy.message(), HasSubstr("in use by m1:latest"));
    EXPECT_EQ(answer_of(*held), expected(1));
  }
  const Error never = failure([&] { host.acquire("large"); });
  EXPECT_EQ(never.code(), ErrorCode::kOutOfMemory);
  EXPECT_THAT(never.message(), HasSubstr("needs "));
  EXPECT_THAT(names_of(host), ElementsAre("m1:latest")) << "nothing goes for what does not fit anyway";
  const auto second = host.acquire("m2");
  EXPECT_THAT(names_of(host), ElementsAre("m2:latest"));
}

TEST_F(Hosts, ALargerContextTakesThePlaceOfTheSmaller) {
  put("one", 1);
  ModelHost host(options(), home.store, table, pool);
  const auto small = host.acquire("one", {.overrides = {.context_len = 64}});
  EXPECT_EQ(small->context_len(), 64U);
  auto usual = host.acquire("one");
  EXPECT_EQ(usual->context_len(), 128U) << "who asks for nothing has no less than usual";
  EXPECT_EQ(host.acquire("one", {.overrides = {.context_len = 100}}).get(), usual.get());
  EXPECT_EQ(host.list().size(), 2U);
  EXPECT_EQ(answer_of(*small), answer_of(*usual));
  const auto large = host.acquire("one", {.overrides = {.context_len = 256}});
  EXPECT_EQ(large->context_len(), 256U);
  usual.reset();
  EXPECT_TRUE(comes_true([&] { return host.list().size() == 2; }));
  EXPECT_EQ(host.acquire("one").get(), large.get());
  const Error error = failure([&] { host.acquire("one", {.overrides = {.context_len = 257}}); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << "over what it was trained for";
}

TEST_F(Hosts, AModelThatIsMadeAnewComesWithTheNextRequest) {
  put("one", 1);
  ModelHost host(options(), home.store, table, pool);
  auto old = host.acquire("one");
  put("one", 2);
  const auto now = host.acquire("one");
  EXPECT_EQ(answer_of(*old), expected(1)) << "who has the old one goes on with it";
  EXPECT_EQ(answer_of(*now), expected(2));
  EXPECT_EQ(host.list().size(), 2U);
  old.reset();
  EXPECT_TRUE(comes_true([&] { return host.list().size() == 1; }));
  home.store.remove(ModelName::parse("one"));
  EXPECT_EQ(failure([&] { host.acquire("one"); }).code(), ErrorCode::kNotFound);
}

TEST_F(Hosts, TwoNamesOfOneModelShareIt) {
  put("one", 1);
  home.store.copy(ModelName::parse("one"), ModelName::parse("gpt-4"));
  ModelHost host(options(), home.store, table, pool);
  const auto model = host.acquire("one");
  EXPECT_EQ(host.acquire("gpt-4").get(), model.get());
}

TEST_F(Hosts, UnloadWaitsForThoseWhoHaveIt) {
  put("one", 1);
  ModelHost host(options(), home.store, table, pool);
  host.acquire("one");
  EXPECT_TRUE(host.unload("one"));
  EXPECT_THAT(host.list(), IsEmpty());
  auto model = host.acquire("one");
  EXPECT_TRUE(host.unload("One"));
  EXPECT_EQ(answer_of(*model), expected(1));
  EXPECT_EQ(host.list().size(), 1U);
  model.reset();
  EXPECT_TRUE(comes_true([&] { return host.list().empty(); }));
  EXPECT_FALSE(host.unload("one"));
}

TEST_F(Hosts, LoadsInTheBackground) {
  put("one", 1);
  ModelHost host(options(), home.store, table, pool);
  host.load("one", {.keep_alive = -1ms});
  EXPECT_EQ(host.list().size(), 1U);
  EXPECT_TRUE(comes_true([&] { return !host.list()[0].is_loading; }));
  const ResidentModel row = host.list()[0];
  EXPECT_EQ(row.name, "one:latest");
  EXPECT_EQ(row.digest, home.store.find(ModelName::parse("one"))->digest);
  EXPECT_EQ(row.digest.size(), 64U);
  EXPECT_EQ(row.family, "llama");
  EXPECT_EQ(row.quantization, "F32");
  EXPECT_EQ(row.context_len, 128U);
  EXPECT_EQ(row.n_leases, 0U);
  EXPECT_GT(row.n_parameters, 10000U);
  EXPECT_GT(row.memory.mapped_bytes, row.n_parameters * 4);
  // Keys and values in f16: 2 layers, one head of 32, pages of 32 tokens.
  EXPECT_EQ(row.memory.kv_bytes, 2U * 2 * 128 * 32 * 2);
  EXPECT_GT(row.memory.step_bytes, 0U);
  EXPECT_EQ(host.used_bytes(), row.memory.total());
}

TEST_F(Hosts, WaitingEnds) {
  for (uint64_t seed = 1; seed <= 6; ++seed) put(str("m", seed), seed);
  ModelHost host(options(), home.store, table, pool);
  for (const uint64_t seed : {1U, 2U, 3U, 4U, 5U}) host.load(str("m", seed));
  const Error late = failure([&] { host.acquire("m6", {.deadline = ModelHost::Clock::now()}); });
  EXPECT_EQ(late.code(), ErrorCode::kCancelled);
  const Error gone = failure([&] { host.acquire("m6", {.is_gone = [] { return true; }}); });
  EXPECT_EQ(gone.code(), ErrorCode::kCancelled);
  EXPECT_EQ(answer_of(*host.acquire("m5", {.deadline = ModelHost::Clock::now() + 60s})), expected(5));
  EXPECT_THAT(names_of(host).back(), "m5:latest") << "nobody waits for m6 any more, so it is not loaded";
}

TEST_F(Hosts, SomebodyMayHaveAModelBehindTheHostsEnd) {
  put("one", 1);
  std::shared_ptr<HostedModel> model;
  {
    ModelHost host(options(), home.store, table, pool);
    model = host.acquire("one");
  }
  EXPECT_EQ(answer_of(*model), expected(1));
}

TEST_F(Hosts, ADamagedFileFailsForAllWhoWaitAndLeavesNothing) {
  folder.put("bad.gguf", "GGUF????????????");
  put("one", 1);
  ModelHost host(options(), home.store, table, pool);
  // A blob that is no model behind a sound manifest: as Ollama's store may have it.
  const auto stored = home.store.find(ModelName::parse("one"));
  const uint64_t size = fs::file_size(stored->weights_path);
  fs::remove(stored->weights_path);
  std::ofstream(stored->weights_path, std::ios::binary) << std::string(size, 'x');
  EXPECT_EQ(failure([&] { host.acquire("one"); }).code(), ErrorCode::kInvalidFile);
  EXPECT_THAT(host.list(), IsEmpty());
  EXPECT_EQ(host.used_bytes(), 0U);
}

// What is mapped stays when its file is removed or replaced.
TEST_F(Hosts, AFileThatGoesAwayWhileItIsLoaded) {
  put("one", 1);
  ModelHost host(options(), home.store, table, pool);
  const auto model = host.acquire("one");
  const std::string blob = home.store.find(ModelName::parse("one"))->weights_path;
  fs::remove(blob);
  EXPECT_EQ(answer_of(*model), expected(1));
  EXPECT_EQ(host.acquire("one").get(), model.get()) << "it is loaded";
  std::ofstream(blob, std::ios::binary) << "something else";
  EXPECT_EQ(answer_of(*host.acquire("one")), expected(1));
  put("two", 2);
  EXPECT_EQ(answer_of(*host.acquire("two")), expected(2));
}

TEST_F(Hosts, AnAliasIsMovedAtOnce) {
  for (const uint64_t seed : {1U, 2U}) put(str("m", seed), seed);
  ModelHost host(options(), home.store, table, pool);
  EXPECT_EQ(failure([&] { host.bind("best", "m3"); }).code(), ErrorCode::kNotFound);
  EXPECT_EQ(failure([&] { host.acquire("best"); }).code(), ErrorCode::kNotFound);
  host.bind("best", "m1");
  auto old = host.acquire("best");
  EXPECT_EQ(answer_of(*old), expected(1));
  EXPECT_EQ(failure([&] { host.bind("best", "m3"); }).code(), ErrorCode::kNotFound);
  EXPECT_EQ(host.acquire("best").get(), old.get()) << "a swap that fails changes nothing";
  host.bind("Best", "m2");
  EXPECT_EQ(answer_of(*host.acquire("best")), expected(2));
  EXPECT_EQ(answer_of(*old), expected(1));
  EXPECT_THAT(host.bindings(), ElementsAre(std::pair(std::string("Best:latest"), std::string("m2:latest"))));
  old.reset();
  EXPECT_TRUE(comes_true([&] { return host.list().size() == 1; })) << "nothing means the old one any more";
  host.bind("other", "best");
  host.bind("best", "m1");
  EXPECT_EQ(answer_of(*host.acquire("other")), expected(2)) << "it means what it meant";
  EXPECT_TRUE(host.unbind("best"));
  EXPECT_FALSE(host.unbind("best"));
  EXPECT_EQ(failure([&] { host.acquire("best"); }).code(), ErrorCode::kNotFound);
  // A name of its own: from now on with another context.
  host.bind("m1", "m1", {.overrides = {.context_len = 200}});
  EXPECT_EQ(host.acquire("m1")->context_len(), 200U);
}

// Clients that never stop asking, while the name means one model after another, each loaded anew: no request fails, and
// every answer is that of one of the two.
TEST_F(Hosts, SwapsUnderLoadFailNoRequest) {
  for (const uint64_t seed : {1U, 2U}) put(str("m", seed), seed);
  InlinePool alone;  // clients wait for models, not for each other's threads
  ModelHost host(options(0ms), home.store, table, alone);
  host.bind("alias", "m1");
  const auto first = expected(1);
  const auto second = expected(2);
  ASSERT_NE(first, second);
  std::atomic<bool> ending{false};
  std::atomic<size_t> n_answers{0};
  std::atomic<size_t> n_wrong{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (!ending.load()) {
        try {
          const auto answer = answer_of(*host.acquire("alias"));
          if (answer != first && answer != second) n_wrong.fetch_add(1);
        } catch (const std::exception& error) {
          ADD_FAILURE() << error.what();
        }
        n_answers.fetch_add(1);
      }
    });
  }
  const int n_swaps = KINGLET_SANITIZED ? 60 : 1000;
  for (int i = 0; i < n_swaps; ++i) {
    const bool to_second = i % 2 == 0;
    host.bind("alias", to_second ? "m2" : "m1");
    // The next request is answered by the new one.
    EXPECT_EQ(answer_of(*host.acquire("alias")), to_second ? second : first);
  }
  ending.store(true);
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(n_wrong.load(), 0U);
  EXPECT_GT(n_answers.load(), 0U);
  EXPECT_TRUE(comes_true([&] { return host.list().empty(); }));
}

// Several engines have one pool of threads, and say what they say alone.
TEST_F(Hosts, EnginesShareThePool) {
  for (const uint64_t seed : {1U, 2U, 3U}) put(str("m", seed), seed);
  ModelHost host(options(), home.store, table, pool);
  std::vector<std::thread> threads;
  for (const uint64_t seed : {1U, 2U, 3U}) {
    threads.emplace_back([&, seed, want = expected(seed)] {
      const auto model = host.acquire(str("m", seed));
      for (int i = 0; i < 10; ++i) EXPECT_EQ(answer_of(*model), want);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Hosts, EncodersMakeVectors) {
  put("bird", 1, {}, "bert");
  ModelHost host(options(), home.store, table, pool);
  const auto model = host.acquire("bird");
  EXPECT_TRUE(model->capabilities().embedding);
  EXPECT_FALSE(model->capabilities().completion);
  EXPECT_EQ(failure([&] { static_cast<void>(model->generator()); }).code(), ErrorCode::kUnsupported);
  EXPECT_EQ(failure([&] { model->rank({}, {}); }).code(), ErrorCode::kUnsupported);
  EXPECT_GT(model->memory().step_bytes, 0U);
  EXPECT_EQ(host.used_bytes(), model->memory().total());
  EXPECT_EQ(host.acquire("bird", {.overrides = {.context_len = 100000}}).get(), model.get());

  const models::TinyModel direct({.seed = 1}, *models::find_architecture("bert"));
  InlinePool alone;
  engine::Embedder embedder(*direct, {}, table, alone);
  const std::vector<engine::TypedTokens> texts = {{kPrompt}, {{4, 5}}};
  std::vector<std::vector<float>> want;
  embedder.run(texts, [&](size_t, std::span<const float> v) { want.emplace_back(v.begin(), v.end()); });
  std::vector<std::vector<float>> got;
  model->vectors(texts, {}, [&](size_t i, std::span<const float> v) {
    EXPECT_EQ(i, got.size());
    got.emplace_back(v.begin(), v.end());
  });
  EXPECT_EQ(got, want);
  double sum = 0;
  for (const float x : got[0]) sum += double{x} * double{x};
  EXPECT_NEAR(sum, 1.0, 1e-5);
}

// Vectors of a model that generates need memory that it did not have before: it counts.
TEST_F(Hosts, VectorsOfAGeneratorAreCounted) {
  put("one", 1);
  ModelHost::Options limited = options();
  ModelHost host(limited, home.store, table, pool);
  const auto model = host.acquire("one");
  const uint64_t before = host.used_bytes();
  const std::vector<engine::TypedTokens> texts = {{kPrompt}};
  size_t n = 0;
  model->vectors(texts, {}, [&](size_t, std::span<const float> v) { n = v.size(); });
  EXPECT_EQ(n, 64U);
  EXPECT_GT(host.used_bytes(), before);
  EXPECT_EQ(host.used_bytes(), model->memory().total());
  limited.memory_budget = before;
  ModelHost narrow(limited, home.store, table, pool);
  const auto other = narrow.acquire("one");
  const Error error = failure([&] { other->vectors(texts, {}, [](size_t, std::span<const float>) {}); });
  EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
  EXPECT_EQ(narrow.used_bytes(), other->memory().total());
  EXPECT_EQ(answer_of(*other), expected(1)) << "it goes on with what it has";
}

}  // namespace
}  // namespace kinglet::chat
