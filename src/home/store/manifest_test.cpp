#include "home/store/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/base.h"
#include "home/store/near_names.h"
#include "home/store/quant_tag.h"

namespace kinglet::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string digest(char c) { return "sha256:" + std::string(64, c); }

std::string layer(const std::string& type, const std::string& digest_text, const std::string& size,
                  const std::string& more = "") {
  return str(R"({"mediaType":")", type, R"(","digest":")", digest_text, R"(","size":)", size, more, "}");
}

std::string manifest(const std::string& layers) {
  return str(R"({"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":)",
             layer(std::string(kConfigLayer), digest('0'), "10"), R"(,"layers":[)", layers, "]}");
}

ErrorCode refusal(const std::string& text) {
  try {
    static_cast<void>(Manifest::parse(text, "m"));
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(Manifest, IsReadAndWritten) {
  const std::string model = layer(std::string(kModelLayer), digest('a'), "1000");
  const std::string license = layer(std::string(kLicenseLayer), digest('b'), "5");
  const Manifest got = Manifest::parse(manifest(str(model, ',', license, ',', license)), "m");
  EXPECT_EQ(got.layers.size(), 3U);
  EXPECT_EQ(got.size_bytes(), 1020U);
  EXPECT_EQ(got.blobs().size(), 3U);  // each digest once, and the config
  EXPECT_EQ(got.find(kModelLayer)->size_bytes, 1000U);
  EXPECT_EQ(got.find(kSystemLayer), nullptr);
  const Manifest again = Manifest::parse(got.to_text(), "m");
  EXPECT_EQ(again.to_text(), got.to_text());
  EXPECT_EQ(again.layers[1].digest, got.layers[1].digest);
}

TEST(Manifest, RefusesWhatIsDamagedOrHostile) {
  const std::string model = layer(std::string(kModelLayer), digest('a'), "1000");
  EXPECT_EQ(refusal(manifest(model)), ErrorCode::kInternal);  // sound
  for (const std::string& bad : {
           layer(std::string(kModelLayer), "sha256:../../../../../../etc/passwd", "1"),
           layer(std::string(kModelLayer), digest('A'), "1"),
           layer(std::string(kModelLayer), digest('a').substr(0, 20), "1"),
           layer(std::string(kModelLayer), "", "1"),
           layer(std::string(kModelLayer), digest('a'), "-1"),
           layer(std::string(kModelLayer), digest('a'), "1.5"),
           layer(std::string(kModelLayer), digest('a'), "99999999999999999999"),
           layer(std::string(kModelLayer), digest('a'), "9223372036854775807"),
           layer(std::string(kModelLayer), digest('a'), "\"1\""),
           std::string("1"),
           std::string(R"({"mediaType":"x"})"),
       }) {
    EXPECT_EQ(refusal(manifest(bad)), ErrorCode::kInvalidFile) << bad;
  }
  for (const std::string text : {"", "{", "[]", "null", R"({"schemaVersion":2})", "\xFF"}) {
    EXPECT_EQ(refusal(text), ErrorCode::kInvalidFile) << text;
  }
  const std::string sound = manifest(model);
  for (size_t i = 0; i < sound.size(); ++i) EXPECT_EQ(refusal(sound.substr(0, i)), ErrorCode::kInvalidFile);
}

TEST(Manifest, RefusesWhatIsNoModel) {
  EXPECT_EQ(refusal(R"({"schemaVersion":1})"), ErrorCode::kUnsupported);
  EXPECT_EQ(refusal(R"({"schemaVersion":2,"manifests":[]})"), ErrorCode::kUnsupported);
  EXPECT_EQ(refusal(manifest("")), ErrorCode::kUnsupported);
  EXPECT_EQ(refusal(manifest(layer("application/vnd.oci.image.layer.v1.tar", digest('a'), "1"))),
            ErrorCode::kUnsupported);
  const std::string model = layer(std::string(kModelLayer), digest('a'), "1000");
  EXPECT_EQ(refusal(manifest(str(model, ',', model))), ErrorCode::kUnsupported);
}

TEST(Manifest, FilesHavePlainNames) {
  const auto file = [](const std::string& title) {
    return manifest(layer(std::string(kFileLayer), digest('a'), "1",
                          str(R"(,"annotations":{"org.opencontainers.image.title":")", title, R"("})")));
  };
  EXPECT_EQ(Manifest::parse(file("config.json"), "m").layers[0].title, "config.json");
  EXPECT_EQ(Manifest::parse(file("1_Pooling/config.json"), "m").layers[0].title, "1_Pooling/config.json");
  for (const std::string title :
       {"", ".", "..", "../x", "/x", "a/", "a/../b", "a/b/c", "a/.b", ".hidden", "a b", "a\\\\b", "a\\u0000b"}) {
    EXPECT_EQ(refusal(file(title)), ErrorCode::kInvalidFile) << title;
  }
  EXPECT_EQ(refusal(manifest(layer(std::string(kFileLayer), digest('a'), "1"))), ErrorCode::kInvalidFile);
}

TEST(QuantTag, IsReadFromNamesOfFiles) {
  const std::vector<std::tuple<std::string, std::string, std::string>> rows = {
      {"SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2-135M-Instruct", "Q4_1"},
      {"qwen2.5-0.5b-instruct-q4_k_m.gguf", "qwen2.5-0.5b-instruct", "Q4_K_M"},
      {"model-IQ2_XS.gguf", "model", "IQ2_XS"},
      {"model-bf16.gguf", "model", "BF16"},
      {"Qwen2.5.gguf", "Qwen2.5", ""},
      {"model.gguf", "model", ""},
      {"Q4_0.gguf", "Q4_0", ""},
      {"-Q4_0.gguf", "-Q4_0", ""},
      {"big-Q8_0-00001-of-00003.gguf", "big", "Q8_0"},
      {"folder", "folder", ""},
      {".gguf", ".gguf", ""},
      {"", "", ""},
  };
  for (const auto& [file, name, quant] : rows) {
    const FileWords words = read_file_words(file);
    EXPECT_EQ(words.name, name) << file;
    EXPECT_EQ(words.quant, quant) << file;
  }
  EXPECT_TRUE(read_file_words("big-Q8_0-00001-of-00003.gguf").is_first_part);
  EXPECT_FALSE(read_file_words("big-Q8_0-00002-of-00003.gguf").is_first_part);
}

TEST(NearNames, AreThoseSomebodyMayHaveMeant) {
  const std::vector<std::string> here = {"smollm2:135m", "smollm2:360m", "llama3.2:1b", "qwen2.5:0.5b",
                                         "me/tuned:latest"};
  EXPECT_THAT(nearest("smollm2:136m", here), ElementsAre("smollm2:135m", "smollm2:360m"));
  EXPECT_THAT(nearest("smolm2:135m", here), ElementsAre("smollm2:135m", "smollm2:360m"));
  EXPECT_THAT(nearest("SmolLM2:latest", here), ElementsAre("smollm2:135m", "smollm2:360m"));
  EXPECT_THAT(nearest("llama3:latest", here), ElementsAre("llama3.2:1b"));
  EXPECT_THAT(nearest("mistral:7b", here), IsEmpty());
  EXPECT_THAT(nearest("x:y", {}), IsEmpty());
}

}  // namespace
}  // namespace kinglet::store
