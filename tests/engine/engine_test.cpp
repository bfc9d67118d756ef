// The engine on a tiny random model: how answers end, that nothing of one depends on what runs beside it, cancelling,
// admission, eviction, and its end with requests on their way.
#include "run/engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "engines.h"
#include "home/system/thread_pool.h"

namespace kinglet::tests {
namespace {

TEST_F(Engines, SayHowAnAnswerEnded) {
  Engine engine(model.shared(), options, table, inline_pool);
  const Answer plain = read(*engine.submit(request_of(1, 5, 10)));
  EXPECT_EQ(plain.finish, FinishReason::kLength);
  EXPECT_EQ(plain.tokens.size(), 10U);
  EXPECT_EQ(plain.usage.prompt_tokens, 5U);
  EXPECT_EQ(plain.usage.completion_tokens, 10U);

  Request stopped = request_of(1, 5, 10);
  stopped.stop_tokens = {1000, plain.tokens[6]};
  const Answer stop = read(*engine.submit(stopped));
  const auto first = std::ranges::find(plain.tokens, plain.tokens[6]);
  EXPECT_EQ(stop.finish, FinishReason::kStop);
  EXPECT_EQ(stop.tokens, std::vector(plain.tokens.begin(), first)) << "the stop token is not part of the answer";

  const Answer none = read(*engine.submit(request_of(1, 5, 0)));
  EXPECT_EQ(none.finish, FinishReason::kLength);
  EXPECT_TRUE(none.tokens.empty());

  const Answer full = read(*engine.submit(request_of(1, 100, 1000)));
  EXPECT_EQ(full.finish, FinishReason::kContext) << "never silent";
  EXPECT_EQ(full.tokens.size(), 28U) << "prompt and answer fill the context";

  const Answer last = read(*engine.submit(request_of(1, 127, 1000)));
  EXPECT_EQ(last.finish, FinishReason::kContext);
  EXPECT_EQ(last.tokens.size(), 1U);

  Request barred = request_of(1, 5, 10);
  for (int32_t token = 0; token < 40; ++token) {
    barred.sampling.logit_bias.emplace_back(token, -std::numeric_limits<float>::infinity());
  }
  const Answer nothing = read(*engine.submit(barred));
  EXPECT_EQ(nothing.finish, FinishReason::kBarred);
  EXPECT_TRUE(nothing.tokens.empty());
}

TEST_F(Engines, AskedAgainAfterTheEndSayTheSame) {
  Engine engine(model.shared(), options, table, inline_pool);
  const auto generation = engine.submit(request_of(1, 5, 2));
  read(*generation);
  EXPECT_EQ(generation->next().finish, FinishReason::kLength);
}

TEST_F(Engines, RefuseWhatCannotBeAnswered) {
  Engine engine(model.shared(), options, table, inline_pool);
  const auto reason = [&](Request request) {
    try {
      engine.submit(std::move(request));
    } catch (const Error& error) {
      return std::pair(error.code(), error.message());
    }
    return std::pair(ErrorCode::kInternal, std::string("none"));
  };
  EXPECT_EQ(reason(request_of(1, 0, 5)).first, ErrorCode::kInvalidArgument);
  const auto [code, message] = reason(request_of(1, 128, 5));
  EXPECT_EQ(code, ErrorCode::kContextFull);
  EXPECT_NE(message.find("128 tokens"), std::string::npos) << message;
  EXPECT_NE(message.find("context of 128"), std::string::npos) << message;
  Request unknown = request_of(1, 5, 5);
  unknown.prompt[3] = 40;
  EXPECT_EQ(reason(unknown).second, "prompt: token 40 is not in a vocabulary of 40");
  unknown.prompt[3] = -1;
  EXPECT_EQ(reason(unknown).first, ErrorCode::kInvalidArgument);
  Request senseless = request_of(1, 5, 5);
  senseless.sampling.top_p = -1.0F;
  EXPECT_EQ(reason(senseless).first, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read(*engine.submit(request_of(1, 5, 3))).tokens.size(), 3U) << "and go on";
}

TEST_F(Engines, RefuseOptionsThatMakeNoSense) {
  const auto code = [&](const EngineOptions& wrong, const models::TinyModel& of) {
    try {
      const Engine engine(of.shared(), wrong, table, inline_pool);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code({.context_len = 0}, model), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.context_len = 257}, model), ErrorCode::kInvalidArgument) << "over what the model was trained for";
  EXPECT_EQ(code({.context_len = 64, .max_sequences = 0}, model), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.context_len = 64, .prompt_chunk = 0}, model), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.context_len = 64, .max_sequences = 9, .prompt_chunk = 8}, model), ErrorCode::kInvalidArgument);
  const models::TinyModel odd({.head_dim = 24});
  EXPECT_EQ(code({.context_len = 64, .kv_type = kernels::KvType::kQ8_0}, odd), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.context_len = 64, .kv_type = kernels::KvType::kF16}, odd), ErrorCode::kInternal) << "no error";
}

TEST_F(Engines, APromptMayBeCutAnywhere) {
  const Request request = request_of(4, 70, 20);
  const Answer want = alone(request, options);
  for (const size_t chunk : {1U, 2U, 7U, 8U, 9U, 32U, 33U, 64U, 69U, 70U, 71U}) {
    EXPECT_EQ(alone(request, {.context_len = 128, .prompt_chunk = chunk}).tokens, want.tokens) << chunk;
  }
}

TEST_F(Engines, NothingDependsOnWhatRunsBeside) {
  for (const kernels::KvType type :
       {kernels::KvType::kF32, kernels::KvType::kF16, kernels::KvType::kQ8_0, kernels::KvType::kQ4_0}) {
    std::vector<Request> requests;
    for (uint64_t i = 0; i < 12; ++i) {
      requests.push_back(request_of(i, 3 + i * 7 % 60, 30));
      auto& sampling = requests.back().sampling;
      if (i % 3 == 0) sampling.mirostat = true;
      if (i % 3 == 1) sampling.repetition_penalty = 1.2F;
      if (i % 4 == 1) sampling.xtc_probability = 0.5F;
      if (i % 4 == 2) sampling.temperature = 0.0F;
    }
    EngineOptions settings{.context_len = 128, .prompt_chunk = 40, .kv_type = type};
    std::vector<Answer> want;
    for (const Request& request : requests) want.push_back(alone(request, settings));
    settings.max_sequences = 5;
    for (const int n_threads : {1, 3}) {
      system::SpinPool pool(n_threads);
      Engine engine(model.shared(), settings, table, pool);
      std::vector<std::shared_ptr<engine::Generation>> running;
      for (const Request& request : requests) running.push_back(engine.submit(request));
      for (size_t i = 0; i < running.size(); ++i) EXPECT_EQ(read(*running[i]).tokens, want[i].tokens) << i;
    }
  }
}

TEST_F(Engines, AKnownPrefixIsNotComputedAgain) {
  Engine engine(model.shared(), options, table, inline_pool);
  Request request = request_of(9, 70, 20);
  const Answer first = read(*engine.submit(request));
  EXPECT_EQ(first.usage.cached_tokens, 0U);
  const Answer again = read(*engine.submit(request));
  EXPECT_EQ(again.usage.cached_tokens, 64U) << "two whole pages";
  EXPECT_EQ(again.tokens, first.tokens);
  // The conversation goes on: the answer is known as well.
  Request longer = request;
  longer.prompt.insert(longer.prompt.end(), first.tokens.begin(), first.tokens.end());
  longer.prompt.push_back(3);
  longer.prompt.resize(97, 5);
  const Answer third = read(*engine.submit(longer));
  EXPECT_EQ(third.usage.cached_tokens, 64U) << "the third page was not full when the answer ended";
  EXPECT_EQ(third.tokens, alone(longer, options).tokens);
  // A prompt that is all known still computes its last token, whose logits are wanted.
  request.prompt.resize(64);
  const Answer whole = read(*engine.submit(request));
  EXPECT_EQ(whole.usage.cached_tokens, 32U);
  EXPECT_EQ(whole.tokens, alone(request, options).tokens);
}

// A variant is chosen by what a sequence may come to; texts of different ones begin alike and share nothing.
TEST_F(Engines, RopeVariantsShareNothing) {
  const EngineOptions roomy{.context_len = 256};
  const models::TinyModel dynamic({.format = "F32",
                                   .numbers = {{"rope.dynamic_factor", 2.0F}},
                                   .counts = {{"rope.scaling.original_context_length", 80}}});
  Request brief = request_of(3, 70, 10, true);
  Request longer = request_of(3, 70, 40, true);
  const auto fresh = [&](const Request& request) {
    Engine engine(dynamic.shared(), roomy, table, inline_pool);
    return read(*engine.submit(request));
  };
  Engine engine(dynamic.shared(), roomy, table, inline_pool);
  EXPECT_EQ(read(*engine.submit(brief)).usage.cached_tokens, 0U);
  const Answer other = read(*engine.submit(longer));
  EXPECT_EQ(other.usage.cached_tokens, 0U) << "110 positions turn by other frequencies than 80";
  EXPECT_EQ(other.tokens, fresh(longer).tokens);
  const Answer again = read(*engine.submit(brief));
  EXPECT_EQ(again.usage.cached_tokens, 64U);
  EXPECT_EQ(again.tokens, fresh(brief).tokens);
  brief.max_tokens = 5;
  EXPECT_EQ(read(*engine.submit(brief)).usage.cached_tokens, 64U) << "both are within the original context";
}

/// Models that keep less than all keys, or states beside them.
struct Keeping {
  const char* name;
  const char* architecture;
  models::TinyOptions options;
};

class KeepingEngines : public testing::TestWithParam<Keeping> {
 protected:
  Answer alone(const Request& request, size_t chunk = 512) {
    Engine engine(model.shared(), {.context_len = 1024, .prompt_chunk = chunk}, table, inline_pool);
    return read(*engine.submit(request));
  }

  const models::TinyModel model{GetParam().options, *models::find_architecture(GetParam().architecture)};
  const kernels::KernelTable table = *kernels::select(kernels::detect());
  InlinePool inline_pool;
};

TEST_P(KeepingEngines, AKnownPrefixIsNotComputedAgain) {
  const Request request = request_of(9, 170, 40);
  const Answer want = alone(request);
  EXPECT_EQ(alone(request, 7).tokens, want.tokens) << "a prompt may be cut anywhere";
  Engine engine(model.shared(), {.context_len = 1024, .prompt_chunk = 48}, table, inline_pool);
  EXPECT_EQ(read(*engine.submit(request)).tokens, want.tokens);
  const Answer again = read(*engine.submit(request));
  EXPECT_EQ(again.usage.cached_tokens, 160U) << "up to the last border of the prompt";
  EXPECT_EQ(again.tokens, want.tokens);
  // The conversation goes on behind the answer, up to whose last border all is known.
  Request longer = request;
  longer.prompt.insert(longer.prompt.end(), want.tokens.begin(), want.tokens.end());
  longer.prompt.resize(300, 5);
  const Answer third = read(*engine.submit(longer));
  EXPECT_EQ(third.usage.cached_tokens, 192U);
  EXPECT_EQ(third.tokens, alone(longer).tokens);
  // Another question behind the same beginning, whose border is that of the first prompt.
  Request other = request;
  other.prompt.resize(165);
  other.prompt.resize(230, 7);
  const Answer fourth = read(*engine.submit(other));
  EXPECT_EQ(fourth.usage.cached_tokens, 160U);
  EXPECT_EQ(fourth.tokens, alone(other).tokens);
}

// The cache keeps few windows and states: long texts push them out, and nothing else changes.
TEST_P(KeepingEngines, WhatIsPushedOutIsComputedAgain) {
  system::SpinPool pool(2);
  Engine engine(model.shared(), {.context_len = 1024, .max_sequences = 3, .prompt_chunk = 100}, table, pool);
  std::vector<Request> requests;
  for (uint64_t i = 0; i < 6; ++i) requests.push_back(request_of(i, 150 + 37 * i, 60));
  std::vector<Answer> want;
  for (const Request& request : requests) want.push_back(alone(request));
  for (int round = 0; round < 4; ++round) {
    std::vector<std::shared_ptr<engine::Generation>> running;
    for (const Request& request : requests) running.push_back(engine.submit(request));
    running.push_back(engine.submit(request_of(100 + static_cast<uint64_t>(round), 10, 5000)));
    for (size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(read(*running[i]).tokens, want[i].tokens) << i;
    EXPECT_EQ(read(*running.back()).finish, FinishReason::kContext);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Of, KeepingEngines,
    testing::Values(Keeping{"window", "llama", {.context_len = 4096, .counts = {{"attention.sliding_window", 40}}}},
                    Keeping{"narrow", "llama", {.context_len = 4096, .counts = {{"attention.sliding_window", 3}}}},
                    Keeping{"states", "lfm2", {.context_len = 4096, .n_layers = 4}},
                    Keeping{"states_and_window",
                            "lfm2",
                            {.context_len = 4096, .n_layers = 4, .counts = {{"attention.sliding_window", 40}}}},
                    Keeping{"state_spaces", "granitehybrid", {.context_len = 4096, .n_layers = 4}},
                    Keeping{"delta_nets", "qwen35", {.context_len = 4096, .n_layers = 4}},
                    Keeping{"delta_nets_and_a_layer_that_guesses",
                            "qwen35",
                            {.context_len = 4096, .n_layers = 5, .counts = {{"nextn_predict_layers", 1}}}},
                    Keeping{"state_spaces_without_experts",
                            "granitehybrid",
                            {.context_len = 4096, .n_layers = 4, .counts = {{"expert_count", 0}}}},
                    Keeping{"windows_and_all",
                            "gemma2",
                            {.context_len = 4096, .n_layers = 4, .counts = {{"attention.sliding_window", 70}}}}),
    [](const auto& of) { return std::string(of.param.name); });

TEST_F(Engines, AWindowBoundsTheMemoryOfALongText) {
  const models::TinyModel windowed({.context_len = 65536, .counts = {{"attention.sliding_window", 40}}});
  const auto bytes = [&](const models::TinyModel& of, size_t context) {
    return Engine(of.shared(), {.context_len = context, .prompt_chunk = 32}, table, inline_pool).kv_bytes();
  };
  EXPECT_EQ(bytes(windowed, 65536), bytes(windowed, 1024));
  EXPECT_GT(bytes(model, 256), bytes(model, 128));
  Engine engine(windowed.shared(), {.context_len = 3000, .prompt_chunk = 32}, table, inline_pool);
  EXPECT_EQ(read(*engine.submit(request_of(1, 2000, 5000))).tokens.size(), 1000U);
}

TEST_F(Engines, LogitsThatAreNoNumbersEndTheirRequestAlone) {
  const models::Architecture& llama = *models::find_architecture("llama");
  const auto message_of = [&](std::string_view weight, size_t element) {
    std::vector<std::byte> bytes = models::tiny_gguf(llama, {.n_layers = 3});
    const auto file = format::read_gguf(bytes, "damaged");
    const format::TensorEntry* tensor = file->find(weight);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(bytes.data() + (tensor->data - bytes.data()) + element * sizeof(float), &nan, sizeof(nan));
    const auto damaged = models::Model::load(format::read_gguf(bytes, "damaged"));
    Engine engine(damaged, {.context_len = 128, .max_sequences = 2}, table, inline_pool);
    try {
      read(*engine.submit(request_of(1, 40, 5)));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidFile);
      return error.message();
    }
    return std::string("none");
  };
  EXPECT_EQ(message_of("blk.1.ffn_down.weight", 77),
            "damaged: layer 1 gives numbers that are not finite at position 39: its weights or those before it are "
            "damaged");
  EXPECT_NE(message_of("blk.2.attn_k.weight", 3).find("layer 2 gives"), std::string::npos);
  EXPECT_NE(message_of("output_norm.weight", 3).find("the last norm gives"), std::string::npos);
  EXPECT_NE(message_of("output.weight", 3).find("the head gives"), std::string::npos);

  // One token's row of the embedding: texts without it go on.
  std::vector<std::byte> bytes = models::tiny_gguf(llama, {});
  const auto whole = models::Model::load(format::read_gguf(bytes, "whole"));
  Engine engine(whole, {.context_len = 128, .max_sequences = 2}, table, inline_pool);
  const auto file = format::read_gguf(bytes, "damaged");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::byte* row = file->find("token_embd.weight")->weight().row(7);
  std::memcpy(bytes.data() + (row - bytes.data()), &nan, sizeof(nan));
  Request damaged = request_of(1, 20, 8);
  damaged.prompt.back() = 7;
  Request without = request_of(2, 20, 8);
  for (int32_t& token : without.prompt) token = token == 7 ? 8 : token;
  without.sampling.logit_bias = {{7, -std::numeric_limits<float>::infinity()}};
  const auto first = engine.submit(damaged);
  const auto second = engine.submit(without);
  EXPECT_THROW(read(*first), Error);
  EXPECT_EQ(read(*second).tokens.size(), 8U);
}

TEST_F(Engines, CancelWithinAStep) {
  GatePool gate;
  Engine engine(model.shared(), {.context_len = 128, .max_sequences = 2}, table, gate);
  const auto first = engine.submit(request_of(1, 5, 100));
  const auto second = engine.submit(request_of(2, 5, 100));
  const auto waiting = engine.submit(request_of(3, 5, 100));
  gate.step(5);
  first->cancel();
  waiting->cancel();
  // The step that has begun may end; then the engine sees it.
  gate.allow(1);
  const Answer cancelled = read(*first);
  EXPECT_EQ(cancelled.finish, FinishReason::kCancelled);
  EXPECT_LE(cancelled.tokens.size(), 6U);
  EXPECT_GE(cancelled.tokens.size(), 4U);
  const Answer never = read(*waiting);
  EXPECT_EQ(never.finish, FinishReason::kCancelled) << "it need not come to its turn";
  EXPECT_TRUE(never.tokens.empty());
  gate.open();
  const Answer other = read(*second);
  EXPECT_EQ(other.finish, FinishReason::kLength);
  EXPECT_EQ(other.tokens, alone(request_of(2, 5, 100), {.context_len = 128}).tokens);
}

TEST_F(Engines, CancelDuringALongPrompt) {
  GatePool gate;
  Engine engine(model.shared(), {.context_len = 256, .prompt_chunk = 10}, table, gate);
  const auto generation = engine.submit(request_of(1, 200, 100));
  gate.step(3);
  generation->cancel();
  gate.allow(1);
  const Answer answer = read(*generation);
  EXPECT_EQ(answer.finish, FinishReason::kCancelled);
  EXPECT_TRUE(answer.tokens.empty());
  gate.open();
}

TEST_F(Engines, GeneratingSequencesHaveARowInEachStep) {
  GatePool gate;
  Engine engine(model.shared(), {.context_len = 256, .max_sequences = 2, .prompt_chunk = 16}, table, gate);
  const auto first = engine.submit(request_of(1, 5, 40));
  gate.step(3);
  const auto second = engine.submit(request_of(2, 200, 5));
  gate.step(10);  // the long prompt is on its way, yet each step has given the first a token
  size_t n_tokens = 0;
  while (n_tokens < 13 && first->next_within(std::chrono::seconds(10)).has_value()) ++n_tokens;
  EXPECT_EQ(n_tokens, 13U);
  gate.open();
  EXPECT_EQ(read(*second).tokens, alone(request_of(2, 200, 5), {.context_len = 256}).tokens);
}

TEST_F(Engines, ComeToAnEndWithRequestsOnTheirWay) {
  std::vector<std::shared_ptr<engine::Generation>> running;
  std::vector<std::thread> readers;
  std::vector<FinishReason> reasons(6, FinishReason::kStop);
  {
    Engine engine(model.shared(), {.context_len = 256, .max_sequences = 2}, table, inline_pool);
    for (size_t i = 0; i < 6; ++i) {
      running.push_back(engine.submit(request_of(i, 20, 200)));
      readers.emplace_back([&, i, generation = running.back()] { reasons[i] = read(*generation).finish; });
    }
    running[0]->next();
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_TRUE(std::ranges::all_of(reasons, [](FinishReason reason) {
    return reason == FinishReason::kCancelled || reason == FinishReason::kLength;
  }));
  EXPECT_EQ(reasons[5], FinishReason::kCancelled);
}

TEST_F(Engines, OneThatWasNeverUsedEnds) { const Engine engine(model.shared(), options, table, inline_pool); }

// More requests than places, prompts that share beginnings, cancels at any time, several callers. At the end nothing
// has been lost: a request for the whole context is admitted, which needs every page of a sequence.
TEST_F(Engines, ManyRequestsFromManyThreads) {
  system::SpinPool pool(2);
  Engine engine(model.shared(), {.context_len = 128, .max_sequences = 3, .prompt_chunk = 24}, table, pool);
  std::vector<std::thread> callers;
  for (uint64_t caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      Philox random(caller);
      for (int i = 0; i < 15; ++i) {
        Request request = request_of(random.next_u32() % 3, 1 + random.next_u32() % 100, random.next_u32() % 40);
        const auto generation = engine.submit(request);
        if (random.next_u32() % 3 == 0) {
          if (random.next_u32() % 2 == 0 && request.max_tokens > 0) generation->next();
          generation->cancel();
          const FinishReason reason = read(*generation).finish;
          EXPECT_TRUE(reason == FinishReason::kCancelled || reason == FinishReason::kLength ||
                      reason == FinishReason::kContext);
          continue;
        }
        const Answer answer = read(*generation);
        const size_t room = 128 - request.prompt.size();
        EXPECT_EQ(answer.tokens.size(), std::min(request.max_tokens, room));
        EXPECT_EQ(answer.finish, request.max_tokens <= room ? FinishReason::kLength : FinishReason::kContext);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  std::vector<std::shared_ptr<engine::Generation>> whole;
  for (uint64_t i = 0; i < 3; ++i) whole.push_back(engine.submit(request_of(100 + i, 10, 1000)));
  for (const auto& generation : whole) EXPECT_EQ(read(*generation).finish, FinishReason::kContext);
}

}  // namespace
}  // namespace kinglet::tests
