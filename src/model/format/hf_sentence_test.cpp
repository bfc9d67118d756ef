#include "model/format/hf_sentence.h"

#include <gtest/gtest.h>

#include "core/base/base.h"
#include "model/format/scratch_folder.h"

namespace kinglet::format {
namespace {

class Modules : public testing::Test {
 protected:
  void put(const std::string& pooling) {
    folder.put("modules.json",
               R"([{"path": "", "type": "sentence_transformers.base.modules.transformer.Transformer"},
                   {"path": "pooling", "type": "sentence_transformers.models.Pooling"}])");
    folder.put("pooling/config.json", pooling);
  }

  uint32_t pooling_type(const std::string& pooling) {
    put(pooling);
    return read_sentence_modules(folder.path()).pooling_type.value();
  }

  std::string refusal(ErrorCode code, const std::string& pooling) {
    try {
      pooling_type(pooling);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "is taken";
    return {};
  }

  samples::ScratchFolder folder{"hf_sentence"};
};

TEST_F(Modules, PoolingInBothSpellings) {
  EXPECT_EQ(pooling_type(R"({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false})"), 1U);
  EXPECT_EQ(pooling_type(R"({"pooling_mode_cls_token": true})"), 2U);
  EXPECT_EQ(pooling_type(R"({"pooling_mode_lasttoken": true})"), 3U);
  // As sentence-transformers 6.2 writes it.
  EXPECT_EQ(pooling_type(R"({"embedding_dimension": 8, "pooling_mode": "mean", "include_prompt": true})"), 1U);
  EXPECT_EQ(pooling_type(R"({"embedding_dimension": 8, "pooling_mode": "cls", "include_prompt": true})"), 2U);
  EXPECT_EQ(pooling_type(R"({"embedding_dimension": 8, "pooling_mode": "lasttoken", "include_prompt": true})"), 3U);
  EXPECT_EQ(pooling_type(R"({"pooling_mode": ["lasttoken"]})"), 3U);
}

TEST_F(Modules, OtherPoolingIsRefused) {
  const char* supported = "is not supported; supported: one of mean, cls and lasttoken";
  for (const char* pooling : {R"({"pooling_mode": "weightedmean"})", R"({"pooling_mode": ["mean", "cls"]})",
                              R"({"pooling_mode_max_tokens": true})",
                              R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true})"}) {
    EXPECT_NE(refusal(ErrorCode::kUnsupported, pooling).find(supported), std::string::npos) << pooling;
  }
  for (const char* pooling : {"{}", R"({"pooling_mode": 1})", R"({"pooling_mode": []})", "[]", "{",
                              R"({"pooling_mode_cls_token": 1})", R"({"pooling_mode": [{}]})"}) {
    refusal(ErrorCode::kInvalidFile, pooling);
  }
}

TEST_F(Modules, DenseLayersWithBiasAndTanh) {
  folder.put("modules.json", R"([{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}])");
  const auto dense = [&](const std::string& config) {
    folder.put("2_Dense/config.json", config);
    return read_sentence_modules(folder.path()).dense.at(0);
  };
  const SentenceModules::Dense usual = dense(R"({"in_features": 8, "out_features": 4})");
  EXPECT_TRUE(usual.has_bias && usual.is_tanh) << "the class's own defaults";
  EXPECT_EQ(usual.path, folder.path() + "/2_Dense/model.safetensors");
  const SentenceModules::Dense plain =
      dense(R"({"bias": false, "activation_function": "torch.nn.modules.linear.Identity"})");
  EXPECT_FALSE(plain.has_bias || plain.is_tanh);
  for (const char* config : {R"({"activation_function": "torch.nn.modules.activation.ReLU"})",
                             R"({"use_residual": true})", R"({"module_input_name": "token_embeddings"})"}) {
    EXPECT_THROW(dense(config), Error) << config;
  }
}

TEST_F(Modules, LengthsAndPrompts) {
  put(R"({"pooling_mode": "mean"})");
  const auto read = [&] { return read_sentence_modules(folder.path()); };
  EXPECT_FALSE(read().max_tokens);
  folder.put("tokenizer_config.json", R"({"model_max_length": 1000000000000000019884624838656})");
  EXPECT_FALSE(read().max_tokens) << "a number that means none";
  folder.put("tokenizer_config.json", R"({"model_max_length": 512, "do_lower_case": true})");
  EXPECT_EQ(read().max_tokens, 512U);
  folder.put("sentence_bert_config.json", R"({"max_seq_length": null, "do_lower_case": false})");
  EXPECT_EQ(read().max_tokens, 512U);
  folder.put("sentence_bert_config.json", R"({"max_seq_length": 256, "do_lower_case": false})");
  EXPECT_EQ(read().max_tokens, 256U);
  EXPECT_FALSE(read().lowers);
  folder.put("config_sentence_transformers.json",
             R"({"prompts": {"query": "q: ", "document": ""}, "default_prompt_name": "query"})");
  const SentenceModules modules = read();
  ASSERT_EQ(modules.prompts.size(), 2U);
  EXPECT_EQ(modules.prompts[0], (std::pair<std::string, std::string>("query", "q: ")));
  EXPECT_EQ(modules.default_prompt, "query");
  Metadata metadata("m");
  modules.write(metadata);
  EXPECT_EQ(metadata.require<uint32_t>("kinglet.embedding.max_tokens"), 256U);
  EXPECT_EQ(metadata.array("kinglet.embedding.prompts")->string(0), "q: ");
  EXPECT_EQ(metadata.require<std::string_view>("kinglet.embedding.default_prompt"), "query");
}

TEST_F(Modules, LengthsAndPromptsThatMakeNoSenseAreRefused) {
  put(R"({"pooling_mode": "mean", "include_prompt": false})");
  EXPECT_NO_THROW(read_sentence_modules(folder.path())) << "it has no prompts";
  folder.put("config_sentence_transformers.json", R"({"prompts": {"query": "q: "}})");
  EXPECT_THROW(read_sentence_modules(folder.path()), Error) << "whose rows would not be pooled";
  put(R"({"pooling_mode": "mean"})");
  folder.put("config_sentence_transformers.json", R"({"prompts": {"query": "q: "}, "default_prompt_name": "passage"})");
  EXPECT_THROW(read_sentence_modules(folder.path()), Error);
  folder.put("config_sentence_transformers.json", "{}");
  folder.put("sentence_bert_config.json", R"({"max_seq_length": 0})");
  EXPECT_THROW(read_sentence_modules(folder.path()), Error);
  folder.put("sentence_bert_config.json", R"({"max_seq_length": 8, "do_lower_case": true})");
  Metadata metadata("m");
  EXPECT_THROW(read_sentence_modules(folder.path()).write(metadata), Error);
  metadata.set("tokenizer.ggml.normalizer.lowercase", true);
  EXPECT_NO_THROW(read_sentence_modules(folder.path()).write(metadata));
}

TEST_F(Modules, AFolderWithoutThemSaysNothing) {
  const SentenceModules modules = read_sentence_modules(folder.path());
  EXPECT_FALSE(modules.pooling_type);
  EXPECT_TRUE(modules.dense.empty());
}

TEST_F(Modules, UnknownModulesAndPlacesAreRefused) {
  folder.put("modules.json", R"([{"path": "1_LSTM", "type": "sentence_transformers.models.LSTM"}])");
  EXPECT_THROW(read_sentence_modules(folder.path()), Error);
  folder.put("modules.json", R"([{"path": "../x", "type": "sentence_transformers.models.Pooling"}])");
  EXPECT_THROW(read_sentence_modules(folder.path()), Error);
}

}  // namespace
}  // namespace kinglet::format
