// Models from recipes: layers as Ollama writes them, and a store that stays as it was where one fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <limits>

#include "home/store/fake_registry.h"
#include "home/system/system.h"
#include "home/system/test_failure.h"
#include "model/format/format.h"
#include "model/format/samples.h"

namespace kinglet::store {
namespace {

namespace fs = std::filesystem;
using format::samples::Bytes;
using system::failure;
using system::Json;
using system::ScratchFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string text_of(const Bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::string gguf(std::string_view type, float value = 0.5F) {
  const std::vector<float> values(1000, value);
  format::GgufWriter writer;
  writer.add_string("general.architecture", "llama");
  writer.add_string("general.type", std::string(type));
  writer.add_tensor("blk.0.ffn_up.weight", format::samples::format("F32"), std::array<uint64_t, 2>{100, 10},
                    std::as_bytes(std::span(values)));
  return text_of(format::samples::written(writer));
}

std::vector<std::string> files_of(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(folder, ignored)) {
    if (entry.is_regular_file() && entry.path().filename() != "store.lock") files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

class Create : public testing::Test {
 protected:
  Manifest manifest_of(const std::string& name) const {
    return Manifest::parse(
        system::read_file(str(home_.home, "/models/manifests/registry.ollama.ai/library/", name, "/latest"), 1 << 20),
        name);
  }
  std::string content(const Manifest& manifest, std::string_view media_type) const {
    const Layer* layer = manifest.find(media_type);
    if (layer == nullptr) return "no such layer";
    return system::read_file(str(home_.home, "/models/blobs/", layer->digest.to_string('-')), 1 << 20);
  }
  static ModelName name(std::string_view text) { return ModelName::parse(text); }

  ScratchFolder folder_{"create"};
  TestHome home_{folder_.path() + "/home"};
  std::string weights_ = folder_.put("model.gguf", gguf("model"));
  std::string adapter_ = folder_.put("adapter.gguf", gguf("adapter"));
};

TEST_F(Create, LayersAreThoseOfOllama) {
  const StoredModel model =
      home_.store.create(name("mine"), {.from_path = weights_,
                                        .adapter_paths = {adapter_},
                                        .template_text = "{{ .Prompt }}",
                                        .system = "Be <brief>.",
                                        .parameters = Json::parse(R"({"stop": ["<|x|>"], "num_ctx": 64})", "p"),
                                        .messages = Json::parse(R"([{"role": "user", "content": "a & b"}])", "m"),
                                        .licenses = {"MIT", "and more"}});
  const Manifest manifest = manifest_of("mine");
  std::vector<std::string> types;
  for (const Layer& layer : manifest.layers) types.push_back(layer.media_type);
  const std::string prefix = "application/vnd.ollama.image.";
  EXPECT_THAT(types, ElementsAre(prefix + "model", prefix + "adapter", prefix + "template", prefix + "system",
                                 prefix + "license", prefix + "license", prefix + "params", prefix + "messages"));
  // As Go's encoder writes it.
  EXPECT_EQ(content(manifest, kParametersLayer), "{\"num_ctx\":64,\"stop\":[\"\\u003c|x|\\u003e\"]}\n");
  EXPECT_EQ(content(manifest, kMessagesLayer), "[{\"role\":\"user\",\"content\":\"a \\u0026 b\"}]\n");
  EXPECT_EQ(content(manifest, kSystemLayer), "Be <brief>.");
  EXPECT_EQ(content(manifest, kTemplateLayer), "{{ .Prompt }}");
  EXPECT_EQ(system::read_file(str(home_.home, "/models/blobs/", manifest.config.digest.to_string('-')), 1 << 20),
            "{\"model_format\":\"gguf\",\"model_family\":\"llama\",\"model_families\":[\"llama\"],"
            "\"model_type\":\"1K\",\"file_type\":\"F32\",\"architecture\":\"amd64\",\"os\":\"linux\"}\n");
  EXPECT_EQ(system::read_file(model.weights_path, 1 << 20), gguf("model"));
  ASSERT_EQ(model.adapter_paths.size(), 1U);
  EXPECT_EQ(system::read_file(model.adapter_paths[0], 1 << 20), gguf("adapter"));
  EXPECT_EQ(model.system, "Be <brief>.");
  EXPECT_EQ(model.license, "MIT\n\nand more");
  EXPECT_EQ(model.parameters.dump(), R"({"num_ctx":64,"stop":["<|x|>"]})");
  EXPECT_EQ(model.messages.dump(), R"([{"role":"user","content":"a & b"}])");
}

TEST_F(Create, AModelsOwnWordsStayWhereTheRecipeHasNone) {
  home_.store.create(name("base"), {.from_path = weights_,
                                    .template_text = "{{ .Prompt }}",
                                    .system = "old",
                                    .parameters = Json::parse(R"({"seed": 1, "stop": ["a"]})", "p"),
                                    .licenses = {"MIT"}});
  const StoredModel model =
      home_.store.create(name("mine"), {.from_model = name("base"),
                                        .system = "new",
                                        .parameters = Json::parse(R"({"stop": ["b"], "temperature": 0.5})", "p"),
                                        .licenses = {"more"}});
  EXPECT_EQ(model.template_text, "{{ .Prompt }}");
  EXPECT_EQ(model.system, "new");
  EXPECT_EQ(model.parameters.dump(), R"({"seed":1,"stop":["b"],"temperature":0.5})");
  EXPECT_EQ(model.license, "MIT\n\nmore");
  // The weights are shared; a model may be made from itself.
  EXPECT_EQ(model.weights_path, home_.store.find(name("base"))->weights_path);
  EXPECT_EQ(home_.store.create(name("mine"), {.from_model = name("mine"), .system = "newer"}).system, "newer");
}

TEST_F(Create, AModelOfOllamasStoreIsTaken) {
  home_.store.create(name("base"), {.from_path = weights_, .system = "theirs"});
  TestHome other(folder_.path() + "/other", {.ollama_models = home_.home + "/models"});
  const StoredModel model = other.store.create(name("mine"), {.from_model = name("base"), .template_text = "x"});
  EXPECT_EQ(model.place, Place::kOwn);
  EXPECT_EQ(model.system, "theirs");
  EXPECT_EQ(system::read_file(model.weights_path, 1 << 20), gguf("model"));
}

TEST_F(Create, AFailureLeavesTheStoreAsItWas) {
  home_.store.create(name("base"), {.from_path = weights_, .system = "old"});
  const std::vector<std::string> before = files_of(home_.home + "/models");
  const auto expect_failure = [&](const Recipe& recipe, ErrorCode code, std::string_view why) {
    const Error error = failure([&] { home_.store.create(name("base"), recipe); });
    EXPECT_EQ(error.code(), code) << error.message();
    EXPECT_THAT(error.message(), HasSubstr(std::string(why)));
    EXPECT_EQ(files_of(home_.home + "/models"), before);
    EXPECT_EQ(home_.store.find(name("base"))->system, "old");
  };
  const std::string other = folder_.put("other.gguf", gguf("model", 0.25F));
  const std::string bad = folder_.put("bad.gguf", gguf("adapter", std::numeric_limits<float>::quiet_NaN()));
  expect_failure({.from_path = other, .adapter_paths = {folder_.path() + "/none"}}, ErrorCode::kNotFound,
                 "no such file");
  expect_failure({.from_path = other, .adapter_paths = {weights_}}, ErrorCode::kUnsupported, "no GGUF adapter");
  expect_failure({.from_path = other, .adapter_paths = {bad}}, ErrorCode::kInvalidFile, "blk.0.ffn_up.weight");
  expect_failure({.from_path = other, .adapter_paths = {folder_.path()}}, ErrorCode::kUnsupported, "PEFT");
  expect_failure({.from_path = bad}, ErrorCode::kInvalidFile, "nan");
  expect_failure({.from_path = folder_.put("text.gguf", "no model")}, ErrorCode::kInvalidFile, "text.gguf");
  expect_failure({.from_model = name("none")}, ErrorCode::kNotFound, "no such model");
  // Stopped when the weights are there already.
  const Error stopped = failure([&] {
    home_.store.create(name("base"), {.from_path = other, .system = "new"},
                       [](const Progress& progress) { return progress.step != Step::kWrite; });
  });
  EXPECT_EQ(stopped.code(), ErrorCode::kCancelled);
  EXPECT_EQ(files_of(home_.home + "/models"), before);
}

}  // namespace
}  // namespace kinglet::store
