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
