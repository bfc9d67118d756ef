// What lists of models and `show` say.
#include "run/chat/model_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "home/store/fake_registry.h"
#include "home/store/modelfile.h"
#include "home/system/scratch_folder.h"
#include "model/models/tiny_model.h"

namespace kinglet::chat {
namespace {

using store::ModelName;
using system::Json;
using system::JsonArray;
using system::JsonObject;
using ::testing::HasSubstr;
using ::testing::Not;

// Sizes as `ollama list` and `ollama show` have them.
TEST(FactsOfFiles, SizesOfParameters) {
  EXPECT_EQ(parameter_size(134515008), "134.52M");
  EXPECT_EQ(parameter_size(22565376), "22.57M");
  EXPECT_EQ(parameter_size(3212749888), "3.2B");
  EXPECT_EQ(parameter_size(8000000000), "8B");
  EXPECT_EQ(parameter_size(25000000), "25M");
  EXPECT_EQ(parameter_size(292800), "293K");
  EXPECT_EQ(parameter_size(999), "999");
}

class Facts : public testing::Test {
 protected:
  Facts() : folder("facts"), home(folder.path() + "/home") {
    const auto bytes = models::tiny_gguf(*models::find_architecture("llama"));
    home.store.import_file(folder.put("tiny.gguf", bytes), ModelName::parse("tiny"));
    store::Recipe recipe;
    recipe.from_model = ModelName::parse("tiny");
    recipe.system = "You are a bird.";
    recipe.template_text = "{{ .System }} {{ .Prompt }}";
    recipe.parameters = JsonObject{{"temperature", 0.5}, {"stop", JsonArray{"<a>", "b"}}, {"num_ctx", 64}};
    recipe.messages = JsonArray{JsonObject{{"role", "user"}, {"content", "Hello"}}};
    recipe.licenses = {"Free as a bird."};
    home.store.create(ModelName::parse("bird"), recipe);
  }

  system::ScratchFolder folder;
  store::TestHome home;
};

TEST_F(Facts, OfAStoredModel) {
  const ModelSource source = source_of(*home.store.find(ModelName::parse("bird")));
  const auto file = open_source(source);
  const ModelDescription all = describe(source, *file, false);
  EXPECT_EQ(all.facts.format, "gguf");
  EXPECT_EQ(all.facts.family, "llama");
  EXPECT_EQ(all.facts.quantization, "F32");
  EXPECT_EQ(all.facts.context_len, 256U);
  EXPECT_EQ(all.facts.embedding_len, 64U);
  EXPECT_EQ(all.license, "Free as a bird.");
  EXPECT_EQ(all.system, "You are a bird.");
  EXPECT_EQ(all.template_text, "{{ .System }} {{ .Prompt }}");
  EXPECT_EQ(all.messages.dump(), R"([{"role":"user","content":"Hello"}])");
  EXPECT_EQ(all.parameters,
            "num_ctx                        64\n"
            "stop                           \"<a>\"\n"
            "stop                           \"b\"\n"
            "temperature                    0.5");
  EXPECT_EQ(all.model_info.at("llama.context_length").as_integer("n"), 256);
  EXPECT_EQ(all.model_info.at("general.parameter_count").as_integer("n"), static_cast<int64_t>(all.facts.n_parameters));
  EXPECT_EQ(all.tensors.as_array("tensors").size(), file->tensors().size());
  const Json& first = all.tensors.as_array("tensors")[0];
  EXPECT_EQ(first.at("name").as_string("name"), "token_embd.weight");
  EXPECT_EQ(first.at("shape").dump(), "[64,40]");
  EXPECT_EQ(first.at("type").as_string("type"), "F32");
  // The Modelfile reads back, and tells no path.
  EXPECT_THAT(all.modelfile, Not(HasSubstr(folder.path())));
  const store::Modelfile again = store::Modelfile::parse(all.modelfile, "again");
  EXPECT_EQ(again.from().value, "bird:latest");
  EXPECT_THAT(modelfile_of(source), HasSubstr("FROM " + source.path));
}

TEST_F(Facts, LongArraysAreLeftOut) {
  format::Metadata more("more");
  more.set_array("x.short", std::span<const int32_t>(std::array{1, -2, 3}));
  more.set_array("x.long", std::span<const float>(std::array{1.F, 2.F, 3.F, 4.F, 5.F, 0.5F}));
  more.set_truths("x.truths", {true, false});
  more.set("general.name", "hidden");
  more.set("tokenizer.chat_template", "{{ messages[0].content }}");
  const std::vector<std::byte> tiny = models::tiny_gguf(*models::find_architecture("llama"));
  const auto plain = format::read_gguf(tiny, "plain");
  format::GgufWriter writer;
  writer.add_values(plain->metadata());
  writer.add_values(more);
  std::vector<std::byte> bytes;
  writer.write([&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
  const auto file = format::read_gguf(bytes, "more");
  const ModelDescription some = describe({}, *file, false);
  EXPECT_EQ(some.model_info.at("x.short").dump(), "[1,-2,3]");
  EXPECT_EQ(some.model_info.at("x.long").dump(), "[]");
  EXPECT_EQ(some.model_info.at("x.truths").dump(), "[true,false]");
  EXPECT_EQ(some.model_info.find("general.name"), nullptr);
  EXPECT_EQ(some.model_info.find("tokenizer.chat_template"), nullptr);
  EXPECT_EQ(some.template_text, "{{ messages[0].content }}");
  EXPECT_EQ(describe({}, *file, true).model_info.at("x.long").dump(), "[1.0,2.0,3.0,4.0,5.0,0.5]");
}

TEST_F(Facts, AreReadOnce) {
  FactsCache cache(home.store);
  const std::vector<store::StoredModel> models = home.store.list();
  ASSERT_EQ(models.size(), 2U);
  const auto first = cache.of(models[0]);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(cache.of(models[0]), first);
  EXPECT_NE(cache.of(models[1]), first);
  EXPECT_EQ(first->parameter_size, parameter_size(first->n_parameters));
  std::filesystem::remove(models[0].weights_path);
  EXPECT_EQ(cache.of(models[0]), first);
  FactsCache later(home.store);
  EXPECT_EQ(later.of(models[0]), nullptr) << "what cannot be read has no facts";
}

}  // namespace
}  // namespace kinglet::chat
