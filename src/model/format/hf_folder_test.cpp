#include "model/format/hf_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "model/format/sample_family.h"
#include "model/format/samples.h"
#include "model/format/scratch_folder.h"

namespace kinglet::format {
namespace {

using samples::Bytes;
using testing::HasSubstr;

constexpr std::string_view kConfig =
    R"({"architectures":["LlamaForCausalLM"],"vocab_size":4,"hidden_size":4,"intermediate_size":6,
        "num_hidden_layers":1,"num_attention_heads":2,"tie_word_embeddings":true,"rms_norm_eps":1e-5})";

Metadata keys_of(std::string_view config_text, std::string_view generation_text = "") {
  const HfConfig config = HfConfig::parse(config_text, "config.json");
  Metadata metadata("m");
  if (generation_text.empty()) {
    fill_metadata(family_of(samples::sample_families(), config), config, nullptr, metadata);
  } else {
    const HfConfig generation = HfConfig::parse(generation_text, "generation_config.json");
    fill_metadata(family_of(samples::sample_families(), config), config, &generation, metadata);
  }
  return metadata;
}

// The configuration with more members.
std::string config_with(std::string_view members) {
  return str(kConfig.substr(0, kConfig.size() - 1), ",", members, "}");
}

std::string refusal(std::string_view members, ErrorCode code) {
  try {
    const HfConfig config = HfConfig::parse(config_with(members), "config.json");
    Metadata metadata("m");
    fill_metadata(family_of(samples::sample_families(), config), config, nullptr, metadata);
    class NoTensors final : public HfTensors {
      const SafetensorsEntry* find(std::string_view /*name*/) const override { return nullptr; }
    };
    (void)family_of(samples::sample_families(), config).make(config, NoTensors());
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.message();
    return error.message();
  }
}

TEST(HfSettings, OtherQuantizedFoldersAreRefusedByName) {
  const auto of = [](std::string_view settings) {
    return refusal(str(R"("quantization_config":)", settings), ErrorCode::kUnsupported);
  };
  EXPECT_THAT(of(R"({"quant_method":"fp8"})"), HasSubstr("config.json: quantization_config is of method fp8"));
  EXPECT_THAT(of("{}"), HasSubstr("quantization_config is of method none that is said"));
  EXPECT_THAT(of("3"), HasSubstr("quantization_config is of method none that is said"));
  EXPECT_THAT(refusal(R"("quantization_config":{"quant_method":[]})", ErrorCode::kInvalidFile),
              HasSubstr("quantization_config: quant_method"));
  EXPECT_EQ(refusal(R"("quantization_config":null)", ErrorCode::kInternal), "");
}

TEST(HfSettings, KeysOfGgufAndDefaults) {
  const Metadata meta = keys_of(kConfig);
  EXPECT_EQ(meta.require<uint32_t>("llama.block_count"), 1U);
  EXPECT_EQ(meta.require<uint32_t>("llama.context_length"), 2048U);
  EXPECT_EQ(meta.require<uint32_t>("llama.attention.head_count_kv"), 2U);
  EXPECT_EQ(meta.require<uint32_t>("llama.rope.dimension_count"), 2U);
  EXPECT_EQ(meta.require<float>("llama.rope.freq_base"), 10000.0F);
  EXPECT_EQ(meta.require<float>("llama.attention.layer_norm_rms_epsilon"), 1e-5F);
  EXPECT_EQ(meta.require<std::string_view>("llama.rope.pairs"), "halves");
  EXPECT_EQ(meta.find("llama.rope.scaling.type"), nullptr);
  EXPECT_EQ(meta.require<uint32_t>("tokenizer.ggml.bos_token_id"), 1U);
  EXPECT_EQ(meta.require<uint32_t>("tokenizer.ggml.eos_token_id"), 2U);
}

TEST(HfSettings, BothSpellingsOfScaling) {
  for (
      const std::string_view members :
      {R"("rope_theta":500.0,"rope_scaling":{"type":"yarn","factor":8.0,"original_max_position_embeddings":512,"beta_fast":16})",
       R"("rope_parameters":{"rope_type":"yarn","type":"yarn","rope_theta":500.0,"factor":8.0,"original_max_position_embeddings":512,"beta_fast":16})",
       R"("rope_scaling":null,"rope_parameters":{"rope_type":"yarn","rope_theta":500.0,"factor":8.0,"original_max_position_embeddings":512,"beta_fast":16.0})"}) {
    const Metadata meta = keys_of(config_with(members));
    EXPECT_EQ(meta.require<std::string_view>("llama.rope.scaling.type"), "yarn");
    EXPECT_EQ(meta.require<float>("llama.rope.freq_base"), 500.0F);
    EXPECT_EQ(meta.require<float>("llama.rope.scaling.factor"), 8.0F);
    EXPECT_EQ(meta.require<uint32_t>("llama.rope.scaling.original_context_length"), 512U);
    EXPECT_EQ(meta.require<float>("llama.rope.scaling.yarn_beta_fast"), 16.0F);
    EXPECT_EQ(meta.find("llama.rope.scaling.yarn_beta_slow"), nullptr);
  }
}

TEST(HfSettings, YarnMagnitudeOfTwoScales) {
  const Metadata meta =
      keys_of(config_with(R"("rope_scaling":{"type":"yarn","factor":40,"mscale":1.0,"mscale_all_dim":0.5})"));
  // The whole is (0.1 ln 40 + 1) / (0.05 ln 40 + 1); GGUF has what the usual 0.1 ln 40 + 1 is multiplied by.
  const double want = 1.0 / (0.05 * std::log(40.0) + 1.0);
  EXPECT_NEAR(meta.require<double>("llama.rope.scaling.attn_factor"), want, 1e-6);
}

TEST(HfSettings, GenerationSettings) {
  const Metadata meta = keys_of(config_with(R"("bos_token_id":128000,"eos_token_id":128001,"pad_token_id":null)"),
                                R"({"eos_token_id":[128009,128008],"temperature":0.6,"top_p":0.9,"top_k":40})");
  EXPECT_EQ(meta.require<uint32_t>("tokenizer.ggml.bos_token_id"), 128000U);
  EXPECT_EQ(meta.require<uint32_t>("tokenizer.ggml.eos_token_id"), 128009U);
  EXPECT_EQ(meta.number_array("kinglet.eos_token_ids")->integer(1), 128008);
  EXPECT_EQ(meta.find("tokenizer.ggml.padding_token_id"), nullptr);
  EXPECT_EQ(meta.require<float>("general.sampling.temp"), 0.6F);
  EXPECT_EQ(meta.require<int32_t>("general.sampling.top_k"), 40);
}

TEST(HfSettings, SettingsThatAreNotKnownAreRefused) {
  using enum ErrorCode;
  EXPECT_THAT(refusal(R"("hidden_act":"gelu")", kUnsupported), HasSubstr("hidden_act is gelu"));
  EXPECT_THAT(refusal(R"("mlp_bias":true)", kUnsupported), HasSubstr("mlp_bias"));
  EXPECT_THAT(refusal(R"("rope_scaling":{"type":"longest"})", kUnsupported), HasSubstr("rope_type is longest"));
  EXPECT_THAT(
      refusal(
          R"("rope_scaling":{"type":"longrope","long_factor":[1],"short_factor":[1,2],"original_max_position_embeddings":8})",
          kInvalidFile),
      HasSubstr("short_factor: has 2 numbers, expected 1"));
  EXPECT_THAT(refusal(R"("architectures":["OtherForCausalLM"])", kUnsupported),
              HasSubstr("OtherForCausalLM is not supported; supported: Llama"));
  EXPECT_THAT(refusal(R"("hidden_size":"big")", kInvalidFile), HasSubstr("hidden_size: is a string"));
  EXPECT_THAT(refusal(R"("hidden_size":-4)", kInvalidFile), HasSubstr("hidden_size: is -4"));
  EXPECT_THAT(refusal(R"("num_attention_heads":0)", kInvalidFile), HasSubstr("num_attention_heads"));
  EXPECT_THAT(refusal(R"("head_dim":1e15)", kInvalidFile), HasSubstr("head_dim"));
  EXPECT_THAT(refusal(R"("num_hidden_layers":5000000000)", kInvalidFile), HasSubstr("out of range"));
  EXPECT_THAT(refusal(R"("rope_scaling":[1])", kInvalidFile), HasSubstr("rope_scaling"));
  EXPECT_THAT(refusal(R"("eos_token_id":[-1])", kInvalidFile), HasSubstr("eos_token_id"));
}

// Values of Meta's own scaling rule, worked out by hand for a base of 500000 and a head of 64.
TEST(HfSettings, Llama3Factors) {
  HfRope rope;
  rope.base = 500000.0;
  rope.factor = 8.0;
  const std::vector<float> factors = llama3_rope_factors(rope, 64, 8192);
  ASSERT_EQ(factors.size(), 32U);
  EXPECT_EQ(factors[0], 1.0F);   // wavelength 6.3
  EXPECT_EQ(factors[14], 1.0F);  // 1956 < 8192 / 4
  // Pair 16 has wavelength 2 pi sqrt(500000) = 4442.9; share = (8192 / 4442.9 - 1) / 3 = 0.28128.
  EXPECT_NEAR(factors[16], 1.0 / ((1.0 - 0.281280) / 8.0 + 0.281280), 1e-4);
  EXPECT_EQ(factors[31], 8.0F);
}

TEST(HfNames, BothWays) {
  const HfFamily& family = *find_hf_family(samples::sample_families(), "LlamaForCausalLM");
  const auto q = to_gguf_name(family, "model.layers.17.self_attn.q_proj.weight");
  ASSERT_TRUE(q);
  EXPECT_EQ(q->name, "blk.17.attn_q.weight");
  EXPECT_EQ(q->rule->change, Change::kQueryHeads);
  EXPECT_EQ(to_hf_name(family, "blk.0.ffn_down.weight")->name, "model.layers.0.mlp.down_proj.weight");
  EXPECT_EQ(to_gguf_name(family, "lm_head.weight")->name, "output.weight");
  for (const std::string_view name :
       {"model.layers..mlp.up_proj.weight", "model.layers.x.mlp.up_proj.weight", "model.layers.01.mlp.up_proj.weight",
        "model.layers.9999999999.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.weight2", ""}) {
    EXPECT_FALSE(to_gguf_name(family, name)) << name;
  }
}

class Folder : public testing::Test {
 protected:
  // A model of one layer; norms in `norm_dtype`.
  void put_model(std::string_view norm_dtype, bool with_head = false, std::string_view prefix = "model.") {
    folder.put("config.json", kConfig);
    SafetensorsWriter writer;
    const std::span<const std::byte> all(data);
    const auto matrix = [&](std::string name, uint64_t rows, uint64_t cols) {
      writer.add_tensor(std::move(name), "F32", {rows, cols}, all.first(static_cast<size_t>(rows * cols * 4)));
    };
    const auto norm = [&](std::string name) {
      writer.add_tensor(std::move(name), norm_dtype, {4}, all.first(norm_dtype == "F32" ? 16 : 8));
    };
    matrix(str(prefix, "embed_tokens.weight"), 4, 4);
    if (with_head) matrix("lm_head.weight", 4, 4);
    norm(str(prefix, "norm.weight"));
    norm(str(prefix, "layers.0.input_layernorm.weight"));
    norm(str(prefix, "layers.0.post_attention_layernorm.weight"));
    for (const char* name : {"q", "k", "v", "o"})
      matrix(str(prefix, "layers.0.self_attn.", name, "_proj.weight"), 4, 4);
    matrix(str(prefix, "layers.0.mlp.gate_proj.weight"), 6, 4);
    matrix(str(prefix, "layers.0.mlp.up_proj.weight"), 6, 4);
    matrix(str(prefix, "layers.0.mlp.down_proj.weight"), 4, 6);
    writer.add_tensor(str(prefix, "layers.0.self_attn.rotary_emb.inv_freq"), "F32", {1}, all.first(4));
    if (extra) writer.add_tensor(*extra, "F32", {1}, all.first(4));
    folder.put("model.safetensors", samples::written(writer));
  }

  samples::ScratchFolder folder{"hf_folder"};
  Bytes data = Bytes(256, std::byte{0x3F});
  std::optional<std::string> extra;
};

TEST_F(Folder, OpensWithoutConverting) {
  put_model("F32");
  const auto file = open_hf_folder(folder.path(), samples::sample_families());
  EXPECT_EQ(file->metadata().require<std::string_view>("general.architecture"), "llama");
  EXPECT_EQ(file->tensors().size(), 11U);
  EXPECT_EQ(file->converted_bytes(), 0U);
  EXPECT_EQ(file->find("blk.0.ffn_up.weight")->dims, (std::array<uint64_t, 4>{4, 6, 1, 1}));
  EXPECT_EQ(file->find("output.weight"), nullptr);
  EXPECT_EQ(file->kind(), "Hugging Face folder");
}

TEST_F(Folder, VectorsIn16BitsBecomeF32) {
  put_model("BF16");
  const auto file = open_hf_folder(folder.path(), samples::sample_families());
  const TensorEntry* norm = file->find("blk.0.attn_norm.weight");
  EXPECT_EQ(norm->format->name, "F32");
  EXPECT_EQ(norm->type_id, 0U);
  EXPECT_EQ(norm->size_bytes, 16U);
  float value = 0;
  std::memcpy(&value, norm->data, 4);
  EXPECT_EQ(value, 0.74609375F);  // BF16 0x3F3F
  EXPECT_EQ(file->converted_bytes(), 48U);
}

TEST_F(Folder, ATiedHeadThatIsThereIsLeftOut) {
  put_model("F32", true);
  EXPECT_EQ(open_hf_folder(folder.path(), samples::sample_families())->find("output.weight"), nullptr);
}

// As models of sentence-transformers lie: Qwen3-Embedding has these names.
TEST_F(Folder, ADecoderWithoutItsHeadHasNamesWithoutModel) {
  put_model("F32");
  const auto want = open_hf_folder(folder.path(), samples::sample_families());
  for (const std::string_view class_name : {"LlamaForCausalLM", "LlamaModel"}) {
    put_model("F32", false, "");
    const std::string config(kConfig);
    const size_t place = config.find("LlamaForCausalLM");
    folder.put("config.json", std::string(config).replace(place, 16, class_name));
    const auto file = open_hf_folder(folder.path(), samples::sample_families());
    ASSERT_EQ(file->tensors().size(), want->tensors().size());
    for (const TensorEntry& tensor : want->tensors()) EXPECT_NE(file->find(tensor.name), nullptr) << tensor.name;
  }
}

TEST_F(Folder, WordsAreReadWhereTheyAreWanted) {
  put_model("F32");
  folder.put("tokenizer.json", R"({"model": {"type": "Unknown"}})");
  EXPECT_THROW(open_hf_folder(folder.path(), samples::sample_families()), Error);
  const auto file = open_hf_folder(folder.path(), samples::sample_families(), {.has_words = false});
  EXPECT_EQ(file->metadata().find("tokenizer.ggml.model"), nullptr);
  EXPECT_NE(file->find("token_embd.weight"), nullptr);
}

// Two families of one class: the folder's own words tell them apart.
TEST_F(Folder, FamiliesThatFoldersAreCalledBy) {
  put_model("F32");
  std::vector<HfFamily> families(samples::sample_families().begin(), samples::sample_families().end());
  families.push_back(families[0]);
  families.back().called = "llama-reranker";
  families.back().make = [](const HfConfig&, const HfTensors&) {
    return std::vector<MadeTensor>{made_of("cls.output.weight", {1, 4}, {0, 0, 0, 0})};
  };
  const auto is_called = [&] { return open_hf_folder(folder.path(), families)->find("cls.output.weight") != nullptr; };
  EXPECT_FALSE(is_called());
  folder.put("README.md", "Some text about a Llama-Reranker");
  EXPECT_FALSE(is_called()) << "a heading counts, not a mention";
  folder.put("README.md", "---\nlanguage: en\n---\n# Llama-Reranker-2B\n");
  EXPECT_TRUE(is_called());
  folder.put("README.md", "");
  const std::string config(kConfig);
  folder.put("config.json", str(config.substr(0, config.size() - 1), R"(,"_name_or_path":"x/Llama-Reranker-2B"})"));
  EXPECT_TRUE(is_called());
}

TEST_F(Folder, AnUnknownTensorIsNamed) {
  extra = "model.layers.0.mystery.weight";
  put_model("F32");
  try {
    open_hf_folder(folder.path(), samples::sample_families());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(error.message(), HasSubstr("tensor model.layers.0.mystery.weight is not one of LlamaForCausalLM"));
  }
}

// As DeepSeek V3's checkpoints have one.
TEST_F(Folder, LayersThatPredictFurtherTokensAreLeftOut) {
  const auto opens_with = [&](std::string_view members, const std::string& name) {
    extra = name;
    put_model("F32");
    folder.put("config.json", config_with(members));
    try {
      return open_hf_folder(folder.path(), samples::sample_families())->tensors().size() == 11;
    } catch (const Error& error) {
      EXPECT_THAT(error.message(), HasSubstr(name));
      return false;
    }
  };
  const std::string_view says = R"("num_nextn_predict_layers":1)";
  EXPECT_TRUE(opens_with(says, "model.layers.1.eh_proj.weight"));
  EXPECT_FALSE(opens_with(says, "model.layers.2.eh_proj.weight"));
  EXPECT_FALSE(opens_with(says, "model.layers.0.eh_proj.weight"));
  EXPECT_FALSE(opens_with(says, "model.layers.1"));
  EXPECT_FALSE(opens_with(R"("num_nextn_predict_layers":0)", "model.layers.1.eh_proj.weight"));
}

TEST_F(Folder, MisalignedDataIsCopied) {
  put_model("F32");
  // One space more in the header moves all data by a byte.
  const std::string path = folder.path() + "/model.safetensors";
  std::ifstream in(path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(in)), {});
  uint64_t length = 0;
  std::memcpy(&length, content.data(), 8);
  content.insert(8 + length, " ");
  ++length;
  std::memcpy(content.data(), &length, 8);
  folder.put("model.safetensors", content);
  const auto file = open_hf_folder(folder.path(), samples::sample_families());
  for (const TensorEntry& tensor : file->tensors())
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data) % 4, 0U) << tensor.name;
  EXPECT_GT(file->converted_bytes(), 0U);
  EXPECT_EQ(static_cast<int>(file->find("token_embd.weight")->data[5]), 0x3F);
}

}  // namespace
}  // namespace kinglet::format
