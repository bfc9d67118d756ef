// Sequences in files: they come back in another engine as if it had computed them, the next token is the same, and a
// file that is damaged, or of something else, is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "engines.h"
#include "home/system/file.h"
#include "home/system/scratch_folder.h"
#include "home/system/thread_pool.h"

namespace kinglet::tests {
namespace {

struct Kept {
  const char* name;
  const char* architecture;
  models::TinyOptions options;
  kernels::KvType type;
};

class SavedSequences : public testing::TestWithParam<Kept> {
 protected:
  const models::TinyModel model{GetParam().options, *models::find_architecture(GetParam().architecture)};
  const kernels::KernelTable table = *kernels::select(kernels::detect());
  InlinePool pool;
  const EngineOptions options{.context_len = 512, .kv_type = GetParam().type};
  const system::ScratchFolder folder{"saved"};
  const std::string path = folder.path() + "/one";
};

TEST_P(SavedSequences, GoOnInAnotherEngine) {
  const Request request = request_of(5, 230, 30);
  Answer want;
  {
    Engine engine(model.shared(), options, table, pool);
    EXPECT_EQ(engine.save(request, path), 224U) << "whole pages";
    want = read(*engine.submit(request));
    EXPECT_EQ(want.usage.cached_tokens, 224U);
  }
  Engine engine(model.shared(), options, table, pool);
  const engine::LoadedSequence loaded = engine.load(path);
  EXPECT_EQ(loaded.tokens, request.prompt);
  EXPECT_EQ(loaded.n_known, 224U);
  const Answer answer = read(*engine.submit(request));
  EXPECT_EQ(answer.usage.cached_tokens, 224U);
  EXPECT_EQ(answer.tokens, want.tokens);
  // What is known already is not there twice.
  engine.load(path);
  EXPECT_EQ(read(*engine.submit(request)).tokens, want.tokens);
  Engine fresh(model.shared(), options, table, pool);
  EXPECT_EQ(read(*fresh.submit(request)).tokens, want.tokens) << "as if it had never been saved";
}

TEST_P(SavedSequences, DamagedFilesAreRefused) {
  const Request request = request_of(5, 70, 5);
  Engine engine(model.shared(), options, table, pool);
  engine.save(request, path);
  const std::string bytes = system::read_file(path, 1 << 26);
  const auto expect_refused = [&](const std::string& content) {
    const std::string damaged = folder.put("damaged", content);
    try {
      engine.load(damaged);
      ADD_FAILURE() << "taken";
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::kInvalidFile || error.code() == ErrorCode::kUnsupported)
          << error.message();
    }
  };
  for (size_t n = 0; n < bytes.size(); n += 1 + bytes.size() / 40) expect_refused(bytes.substr(0, n));
  Philox random(7);
  size_t n_padding = 0;
  for (size_t i = 0; i < 60; ++i) {
    std::string changed = bytes;
    // Half of them in front, where the settings are.
    const size_t range = i % 2 == 0 ? std::min<size_t>(bytes.size(), 1500) : bytes.size();
    const size_t at = random.next_u32() % range;
    if (bytes[at] == 0 && i % 2 == 0 && ++n_padding > 20) continue;
    changed[at] = static_cast<char>(changed[at] ^ (1 << (random.next_u32() % 8)));
    const std::string damaged = folder.put("damaged", changed);
    try {
      // Padding between tensors may be anything.
      EXPECT_EQ(engine.load(damaged).tokens, request.prompt);
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::kInternal) << error.message();
    }
  }
  EXPECT_EQ(engine.load(path).tokens, request.prompt) << "all places and pages are there again";
}

INSTANTIATE_TEST_SUITE_P(
    Of, SavedSequences,
    testing::Values(Kept{"f16", "llama", {.format = "Q8_0", .context_len = 4096}, kernels::KvType::kF16},
                    Kept{"q4_0", "llama", {.context_len = 4096}, kernels::KvType::kQ4_0},
                    Kept{"window",
                         "llama",
                         {.context_len = 4096, .counts = {{"attention.sliding_window", 40}}},
                         kernels::KvType::kF32},
                    Kept{"windows_and_all",
                         "gemma2",
                         {.context_len = 4096, .n_layers = 4, .counts = {{"attention.sliding_window", 70}}},
                         kernels::KvType::kQ8_0},
                    Kept{"states", "lfm2", {.context_len = 4096, .n_layers = 4}, kernels::KvType::kF16},
                    Kept{"delta_nets", "qwen35", {.context_len = 4096, .n_layers = 4}, kernels::KvType::kF16}),
    [](const auto& of) { return std::string(of.param.name); });

class Saving : public Engines {
 protected:
  std::string refusal(Engine& engine) {
    try {
      engine.load(path);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
      return error.message().substr(path.size());
    }
    return "taken";
  }
  const system::ScratchFolder folder{"saving"};
  const std::string path = folder.path() + "/one";
};

TEST_F(Saving, WhatAnotherMadeIsRefused) {
  Engine(model.shared(), options, table, inline_pool).save(request_of(1, 70, 5), path);
  const models::TinyModel twin({.format = "Q8_0"});
  Engine same(twin.shared(), options, table, inline_pool);
  EXPECT_EQ(refusal(same), "taken") << "the same bytes from another file";
  const models::TinyModel another({.format = "Q8_0", .seed = 2});
  Engine other(another.shared(), options, table, inline_pool);
  EXPECT_EQ(refusal(other).substr(0, 14), ": is of model ");
  const models::TinyModel smaller({.format = "Q4_0"});
  Engine quantized(smaller.shared(), options, table, inline_pool);
  EXPECT_EQ(refusal(quantized).substr(0, 14), ": is of model ");
  EngineOptions exact = options;
  exact.kv_type = kernels::KvType::kF32;
  Engine in_f32(model.shared(), exact, table, inline_pool);
  EXPECT_EQ(refusal(in_f32).substr(0, 19), ": is of layout f16 ");
  const kernels::KernelTable scalar = *kernels::select(kernels::detect(), kernels::Isa::kScalar);
  if (table.name != scalar.name) {
    Engine slow(model.shared(), options, scalar, inline_pool);
    EXPECT_EQ(refusal(slow), str(": is of instruction set ", table.name, ", here is ", scalar.name));
  }
  Engine small(model.shared(), {.context_len = 64}, table, inline_pool);
  try {
    small.load(path);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kContextFull);
  }
  try {
    small.load(folder.path() + "/none");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  }
}

TEST_F(Saving, ShortTextsHaveNoPages) {
  Engine engine(model.shared(), options, table, inline_pool);
  const Request request = request_of(1, 20, 5);
  EXPECT_EQ(engine.save(request, path), 0U);
  EXPECT_EQ(engine.load(path).tokens, request.prompt);
}

// With one place they take turns; others wait for it and go on.
TEST_F(Saving, ManyAtOnceBesideAnswers) {
  for (const size_t n_places : {1U, 3U}) {
    system::SpinPool pool(2);
    Engine engine(model.shared(), {.context_len = 128, .max_sequences = n_places}, table, pool);
    std::vector<std::thread> callers;
    for (uint64_t caller = 0; caller < 3; ++caller) {
      callers.emplace_back([&, caller] {
        const std::string own = path + std::to_string(caller);
        for (int i = 0; i < 6; ++i) {
          const Request request = request_of(10 + caller, 90, 5);
          engine.save(request, own);
          EXPECT_EQ(engine.load(own).tokens, request.prompt);
        }
      });
    }
    const Request request = request_of(1, 30, 80);
    const Answer want = alone(request, options);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(read(*engine.submit(request)).tokens, want.tokens);
    for (std::thread& caller : callers) caller.join();
    // Nothing is lost: texts that need all pages of their places.
    std::vector<std::shared_ptr<engine::Generation>> whole;
    for (uint64_t i = 0; i < n_places; ++i) whole.push_back(engine.submit(request_of(100 + i, 10, 1000)));
    for (const auto& generation : whole) EXPECT_EQ(read(*generation).finish, FinishReason::kContext);
  }
}

TEST_F(Saving, APathThatCannotBeWrittenLeavesTheEngineAsItWas) {
  Engine engine(model.shared(), options, table, inline_pool);
  EXPECT_THROW(engine.save(request_of(1, 70, 5), folder.path() + "/none/one"), Error);
  EXPECT_EQ(read(*engine.submit(request_of(1, 10, 1000))).finish, FinishReason::kContext);
}

}  // namespace
}  // namespace kinglet::tests
