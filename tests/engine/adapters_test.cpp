// Adapters in an engine: sequences of one batch have their own, the bits are those of each alone, and texts of
// different ones share no pages. Files that do not fit the model are refused.
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/thread_pool.h"
#include "core/kernels/select.h"
#include "home/system/scratch_folder.h"
#include "model/models/tiny_model.h"
#include "run/engine/engine.h"

namespace kinglet::engine {
namespace {

struct TinyTensor {
  std::string name;
  uint64_t cols;
  uint64_t rows;
};

/// A GGUF adapter with values of its own.
std::vector<std::byte> tiny_adapter(const std::vector<TinyTensor>& tensors, uint64_t seed = 5,
                                    std::string_view architecture = "llama", std::string_view key = {}) {
  format::GgufWriter writer;
  writer.add_string("general.architecture", architecture);
  writer.add_string("general.type", "adapter");
  writer.add_string("adapter.type", "lora");
  writer.add_f32("adapter.lora.alpha", 4.0F);
  if (!key.empty()) writer.add_u32(key, 1);
  Philox random(seed);
  std::deque<std::vector<float>> values;
  for (const TinyTensor& tensor : tensors) {
    auto& of_tensor = values.emplace_back(tensor.cols * tensor.rows);
    for (float& x : of_tensor) x = random.next_float() - 0.5F;
    const std::array<uint64_t, 2> dims{tensor.cols, tensor.rows};
    writer.add_tensor(tensor.name, *quant::find_by_name("F32"), dims, std::as_bytes(std::span(of_tensor)));
  }
  std::vector<std::byte> bytes;
  writer.write([&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
  return bytes;
}

const std::vector<TinyTensor> kPair = {{"blk.0.attn_q.weight.lora_a", 64, 3},   {"blk.0.attn_q.weight.lora_b", 3, 64},
                                       {"blk.1.ffn_down.weight.lora_a", 96, 2}, {"blk.1.ffn_down.weight.lora_b", 2, 64},
                                       {"output.weight.lora_a", 64, 2},         {"output.weight.lora_b", 2, 40}};

class EngineAdapters : public testing::Test {
 protected:
  std::shared_ptr<const format::ModelFile> file() const { return format::read_gguf(bytes, "tiny"); }
  std::shared_ptr<const models::Model> loaded(const std::vector<TinyTensor>& tensors) {
    return models::Model::load(file(), {{scratch.put("one.gguf", std::span<const std::byte>(tiny_adapter(tensors)))}});
  }
  std::string refusal(const std::vector<std::byte>& adapter) {
    try {
      models::Model::load(file(), {{scratch.put("bad.gguf", std::span<const std::byte>(adapter))}});
    } catch (const Error& error) {
      return error.message();
    }
    return "taken";
  }

  std::vector<std::byte> bytes = models::tiny_gguf(*models::find_architecture("llama"));
  system::ScratchFolder scratch{"engine_adapters"};
  InlinePool pool;
  kernels::KernelTable table = *kernels::select(kernels::detect(), kernels::Isa::kScalar);
};

struct Answered {
  std::vector<int32_t> ids;
  size_t cached = 0;
};

Answered read(Generation& generation) {
  Answered answered;
  for (;;) {
    const Event event = generation.next();
    if (event.finish) {
      answered.cached = event.usage.cached_tokens;
      return answered;
    }
    answered.ids.push_back(event.token);
  }
}

TEST_F(EngineAdapters, SequencesOfABatchHaveTheirOwn) {
  const std::string one = scratch.put("1.gguf", std::span<const std::byte>(tiny_adapter(kPair, 1)));
  const std::string two = scratch.put("2.gguf", std::span<const std::byte>(tiny_adapter(kPair, 2)));
  const auto both = models::Model::load(file(), {{one}, {two}});
  const auto request = [](std::vector<float> factors) {
    Request made;
    for (int32_t i = 0; i < 70; ++i) made.prompt.push_back(i * 7 % 40);
    made.max_tokens = 20;
    made.sampling.temperature = 0;
    made.adapters = std::move(factors);
    return made;
  };
  const std::vector<std::vector<float>> sets = {{0, 0}, {1, 0}, {0, 1}, {1, 0.5F}};
  // What each gives in an engine that knows nothing else.
  std::vector<std::vector<int32_t>> alone;
  const std::vector<std::vector<models::Model::AdapterPath>> loads = {{}, {{one}}, {{two}}, {{one}, {two, 0.5F}}};
  for (const auto& adapters : loads) {
    Engine engine(models::Model::load(file(), adapters), {.context_len = 128}, table, pool);
    alone.push_back(read(*engine.submit(request({}))).ids);
  }
  EXPECT_NE(alone[0], alone[1]);
  EXPECT_NE(alone[1], alone[2]);
  EXPECT_NE(alone[1], alone[3]);
  Engine engine(both, {.context_len = 128, .max_sequences = 4}, table, pool);
  std::vector<std::shared_ptr<Generation>> running;
  for (const auto& set : sets) running.push_back(engine.submit(request(set)));
  for (size_t i = 0; i < sets.size(); ++i) {
    const Answered answered = read(*running[i]);
    EXPECT_EQ(answered.ids, alone[i]) << i;
    EXPECT_EQ(answered.cached, 0U) << "the same prompt under another adapter";
  }
  const Answered again = read(*engine.submit(request(sets[1])));
  EXPECT_EQ(again.ids, alone[1]);
  EXPECT_EQ(again.cached, 64U);
  EXPECT_THROW(engine.submit(request({1})), Error);
  EXPECT_THROW(engine.submit(request({1, NAN})), Error);
}

TEST_F(EngineAdapters, FilesThatDoNotFitAreRefused) {
  EXPECT_EQ(refusal(tiny_adapter(kPair)), "taken");
  const auto path = scratch.path() + "/bad.gguf: ";
  EXPECT_EQ(refusal(tiny_adapter({{"blk.0.attn_q.weight.lora_a", 32, 3}})),
            path + "tensor blk.0.attn_q.weight.lora_a: shape [3,32], expected [3,64]");
  EXPECT_EQ(refusal(tiny_adapter({{"blk.0.attn_q.weight.lora_a", 64, 3}, {"blk.0.attn_q.weight.lora_b", 4, 64}})),
            path + "tensor blk.0.attn_q.weight.lora_b: shape [64,4], expected [64,3]");
  EXPECT_EQ(refusal(tiny_adapter({{"blk.0.attn_q.weight.lora_a", 64, 3}})),
            path + "blk.0.attn_q.weight has only its A");
  EXPECT_EQ(refusal(tiny_adapter({{"blk.9.attn_q.weight.lora_a", 64, 3}})),
            path + "tensor blk.9.attn_q.weight.lora_a: the model has no blk.9.attn_q.weight");
  EXPECT_EQ(refusal(tiny_adapter({{"token_embd.weight.lora_a", 64, 3}})),
            path + "tensor token_embd.weight.lora_a: adapters of token_embd.weight are not supported");
  EXPECT_EQ(refusal(tiny_adapter({{"blk.0.attn_norm.weight", 64, 1}})),
            path + "tensor blk.0.attn_norm.weight is none of an adapter's: expected NAME.lora_a and NAME.lora_b");
  EXPECT_EQ(refusal(tiny_adapter(kPair, 1, "qwen2")), path + "is an adapter for qwen2, the model is llama");
  EXPECT_EQ(refusal(tiny_adapter(kPair, 1, "llama", "adapter.alora.invocation_tokens")),
            path + "is an activated adapter (adapter.alora.invocation_tokens), which is not supported");
  EXPECT_EQ(refusal(tiny_adapter({})), path + "is an adapter without tensors");
}

}  // namespace
}  // namespace kinglet::engine
