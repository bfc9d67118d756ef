// Models that are here: our own, Ollama's, the Hugging Face cache's; copies, removals, what is cleaned up.
#include "home/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "core/base/base.h"
#include "home/store/fake_registry.h"
#include "home/store/own_folder.h"
#include "home/system/system.h"
#include "home/system/test_failure.h"

namespace kinglet::store {
namespace {

namespace fs = std::filesystem;
using system::failure;
using system::ScratchFolder;
using system::Sha256;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Writes a model into a folder of Ollama's layout, as `ollama` itself lays it out.
void put_model(const ScratchFolder& folder, const std::string& models, const std::string& full_name,
               const FakeRegistry::Words& layers) {
  const auto put = [&](std::string_view type, const std::string& content) {
    const system::Digest digest = Sha256::of(content);
    folder.put(str(models, "/blobs/", digest.to_string('-')), content);
    return Layer{std::string(type), digest, content.size()};
  };
  Manifest manifest{put(kConfigLayer, "{}")};
  for (const auto& [type, content] : layers) manifest.layers.push_back(put(type, content));
  folder.put(str(models, "/manifests/", full_name), manifest.to_text());
}

std::vector<std::string> names_of(const Store& store) {
  std::vector<std::string> names;
  for (const StoredModel& model : store.list()) names.push_back(model.name.to_string());
  std::ranges::sort(names);
  return names;
}

size_t n_blobs(const std::string& home) {
  std::error_code ignored;
  return static_cast<size_t>(std::distance(fs::directory_iterator(home + "/models/blobs", ignored), {}));
}

TEST(Store, AnEmptyHomeHasNothingAndStaysEmpty) {
  const ScratchFolder folder("store_empty");
  TestHome home(folder.path() + "/home");
  EXPECT_FALSE(home.store.find(ModelName::parse("x")));
  EXPECT_THAT(home.store.list(), IsEmpty());
  EXPECT_THAT(home.store.near_names(ModelName::parse("x")), IsEmpty());
  home.store.clean();
  EXPECT_EQ(failure([&] { home.store.remove(ModelName::parse("x")); }).code(), ErrorCode::kNotFound);
  EXPECT_EQ(failure([&] { home.store.copy(ModelName::parse("x"), ModelName::parse("y")); }).code(),
            ErrorCode::kNotFound);
  EXPECT_FALSE(fs::exists(folder.path() + "/home"));
}

TEST(Store, OllamasModelsAreUsedInPlace) {
  const ScratchFolder folder("store_ollama");
  put_model(folder, "ollama", "registry.ollama.ai/library/tiny/1b",
            {{kModelLayer, "weights"}, {kSystemLayer, "words"}});
  put_model(folder, "ollama", "hf.co/User/Repo/Q4_0",
            {{kModelLayer, "others"}, {kAdapterLayer, "a"}, {kProjectorLayer, "p"}});
  TestHome home(folder.path() + "/home", {.ollama_models = folder.path() + "/ollama"});
  const auto model = home.store.find(ModelName::parse("tiny:1b"));
  ASSERT_TRUE(model);
  EXPECT_EQ(model->place, Place::kOllama);
  EXPECT_THAT(model->weights_path, HasSubstr(folder.path() + "/ollama/blobs/sha256-"));
  EXPECT_EQ(model->system, "words");
  const auto other = home.store.find(ModelName::parse("hf.co/user/repo:q4_0"));  // letters of either case
  ASSERT_TRUE(other);
  EXPECT_EQ(other->adapter_paths.size(), 1U);
  EXPECT_EQ(other->projector_paths.size(), 1U);
  EXPECT_THAT(names_of(home.store), ElementsAre("hf.co/User/Repo:Q4_0", "tiny:1b"));
  const Error error = failure([&] { home.store.remove(ModelName::parse("tiny:1b")); });
  EXPECT_EQ(error.code(), ErrorCode::kRefused);
  EXPECT_THAT(error.message(), HasSubstr("ollama rm"));
  EXPECT_FALSE(fs::exists(folder.path() + "/home"));
}

TEST(Store, OurOwnComesBeforeOllamas) {
  const ScratchFolder folder("store_order");
  put_model(folder, "ollama", "registry.ollama.ai/library/tiny/1b", {{kModelLayer, "theirs"}});
  put_model(folder, "home/models", "registry.ollama.ai/library/tiny/1b", {{kModelLayer, "ours"}});
  TestHome home(folder.path() + "/home", {.ollama_models = folder.path() + "/ollama"});
  EXPECT_EQ(system::read_file(home.store.find(ModelName::parse("tiny:1b"))->weights_path, 100), "ours");
  EXPECT_EQ(home.store.list().size(), 1U);
}

TEST(Store, TheHuggingFaceCacheIsUsedInPlace) {
  const ScratchFolder folder("store_cache");
  const std::string revision(40, 'a');
  const auto put = [&](const std::string& repository, const std::string& file, const std::string& content) {
    const std::string root = "hub/models--" + repository;
    folder.put(root + "/refs/main", revision);
    folder.put(root + "/blobs/" + file, content);
    fs::create_directories(folder.path() + "/" + root + "/snapshots/" + revision);
    fs::create_symlink("../../blobs/" + file, folder.path() + "/" + root + "/snapshots/" + revision + "/" + file);
  };
  put("User--Repo-GGUF", "repo-Q8_0.gguf", "eight");
  put("User--Repo-GGUF", "repo-q4_k_m.gguf", "four");
  put("User--Repo-GGUF", "mmproj-model-f16.gguf", "eyes");
  put("Org--Plain", "config.json", "{}");
  put("Org--Plain", "model.safetensors", "weights");
  put("Org--Words", "README.md", "nothing");
  put("Org--Split", "s-Q4_0-00001-of-00002.gguf", "one");
  put("Org--Split", "s-Q4_0-00002-of-00002.gguf", "two");
  folder.put("hub/models--bad/refs/main", "../../..");
  folder.put("hub/models--a--../refs/main", revision);
  folder.put("hub/models--Org--Broken/refs/main", "../../../etc\n");
  TestHome home(folder.path() + "/home", {.hugging_face_cache = folder.path() + "/hub"});
  EXPECT_THAT(names_of(home.store), ElementsAre("hf.co/Org/Plain:latest", "hf.co/Org/Split:Q4_0",
                                                "hf.co/User/Repo-GGUF:Q4_K_M", "hf.co/User/Repo-GGUF:Q8_0"));
  const auto found = [&](const std::string& name) { return home.store.find(ModelName::parse(name)); };
  EXPECT_EQ(system::read_file(found("hf.co/User/Repo-GGUF:q8_0")->weights_path, 100), "eight");
  EXPECT_EQ(system::read_file(found("hf.co/User/Repo-GGUF")->weights_path, 100), "four");
  EXPECT_FALSE(found("hf.co/User/Repo-GGUF:Q2_K"));
  EXPECT_FALSE(found("User/Repo-GGUF"));
  EXPECT_THAT(found("hf.co/Org/Plain")->weights_path, HasSubstr("/snapshots/" + revision));
  EXPECT_EQ(found("hf.co/Org/Plain")->size_bytes, 7U);
  EXPECT_EQ(failure([&] { home.store.remove(ModelName::parse("hf.co/Org/Plain")); }).code(), ErrorCode::kRefused);
}

TEST(Store, CopiesShareTheirBytes) {
  const ScratchFolder folder("store_copy");
  put_model(folder, "models", "registry.ollama.ai/library/tiny/1b",
            {{kModelLayer, "weights"}, {kSystemLayer, "words"}});
  TestHome home(folder.path());
  home.store.copy(ModelName::parse("tiny:1b"), ModelName::parse("me/mine"));
  EXPECT_EQ(n_blobs(folder.path()), 3U);
  EXPECT_EQ(home.store.find(ModelName::parse("me/mine"))->system, "words");
  home.store.remove(ModelName::parse("tiny:1b"));
  EXPECT_EQ(n_blobs(folder.path()), 3U);
  EXPECT_EQ(home.store.find(ModelName::parse("me/mine"))->system, "words");
  home.store.remove(ModelName::parse("ME/Mine:Latest"));
  EXPECT_EQ(n_blobs(folder.path()), 0U);
  EXPECT_TRUE(fs::is_empty(folder.path() + "/models/manifests"));
}

TEST(Store, CopiesFromOllamaAreOurOwn) {
  const ScratchFolder folder("store_copy_ollama");
  put_model(folder, "ollama", "registry.ollama.ai/library/tiny/1b", {{kModelLayer, "weights"}});
  TestHome home(folder.path() + "/home", {.ollama_models = folder.path() + "/ollama"});
  home.store.copy(ModelName::parse("tiny:1b"), ModelName::parse("mine"));
  fs::remove_all(folder.path() + "/ollama");
  const auto model = home.store.find(ModelName::parse("mine"));
  ASSERT_TRUE(model);
  EXPECT_EQ(model->place, Place::kOwn);
  EXPECT_EQ(system::read_file(model->weights_path, 100), "weights");
  put_model(folder, "ollama", "registry.ollama.ai/library/bad/1b", {{kModelLayer, "sound"}});
  folder.put("ollama/blobs/" + Sha256::of("sound").to_string('-'), "wrong");
  EXPECT_EQ(failure([&] { home.store.copy(ModelName::parse("bad:1b"), ModelName::parse("b")); }).code(),
            ErrorCode::kInvalidFile);
}

TEST(Store, DerivedModelsHaveWordsOfTheirOwn) {
  const ScratchFolder folder("store_derive");
  put_model(
      folder, "models", "registry.ollama.ai/library/tiny/1b",
      {{kModelLayer, "weights"}, {kSystemLayer, "old"}, {kLicenseLayer, "MIT"}, {kParametersLayer, "{\"top_k\":3}"}});
  TestHome home(folder.path());
  system::Json parameters;
  parameters.set("temperature", 0.25);
  home.store.derive(ModelName::parse("tiny:1b"), ModelName::parse("mine"), {.system = "new", .parameters = parameters});
  const auto model = home.store.find(ModelName::parse("mine"));
  ASSERT_TRUE(model);
  EXPECT_EQ(model->system, "new");
  EXPECT_EQ(model->license, "MIT");
  EXPECT_EQ(model->parameters.dump(), R"({"temperature":0.25})");
  EXPECT_EQ(home.store.find(ModelName::parse("tiny:1b"))->system, "old");
  home.store.derive(ModelName::parse("mine"), ModelName::parse("mine"), {});  // over itself
  EXPECT_EQ(home.store.find(ModelName::parse("mine"))->system, "");
  home.store.remove(ModelName::parse("mine"));
  EXPECT_EQ(n_blobs(folder.path()), 5U);  // what only the derived ones had is gone
}

TEST(Store, DamagedManifestsAreShownAndBlockNothing) {
  const ScratchFolder folder("store_damaged");
  put_model(folder, "models", "registry.ollama.ai/library/good/1b", {{kModelLayer, "weights"}});
  put_model(folder, "models", "registry.ollama.ai/library/other/1b", {{kModelLayer, "others"}});
  const std::string weights = Sha256::of("weights").to_string();
  folder.put("models/manifests/registry.ollama.ai/library/bad/1b",
             "{ half of a manifest \"digest\":\"" + weights + "\"");
  folder.put("models/manifests/registry.ollama.ai/library/.DS_Store", "x");
  folder.put("models/manifests/stray", "x");
  TestHome home(folder.path());
  EXPECT_THAT(names_of(home.store), ElementsAre("bad:1b", "good:1b", "other:1b"));
  EXPECT_EQ(failure([&] { static_cast<void>(home.store.find(ModelName::parse("bad:1b"))); }).code(),
            ErrorCode::kInvalidFile);
  home.store.remove(ModelName::parse("good:1b"));
  // The damaged one names these weights, so they stay; the config of both good ones is still used, too.
  EXPECT_EQ(n_blobs(folder.path()), 3U);
  home.store.remove(ModelName::parse("bad:1b"));
  EXPECT_EQ(n_blobs(folder.path()), 2U);
  EXPECT_TRUE(home.store.find(ModelName::parse("other:1b")));
}

TEST(Store, WordsThatCannotBeReadAreRefused) {
  const ScratchFolder folder("store_words");
  put_model(folder, "models", "registry.ollama.ai/library/a/1b", {{kModelLayer, "w"}, {kParametersLayer, "{"}});
  put_model(folder, "models", "registry.ollama.ai/library/b/1b", {{kModelLayer, "w"}, {kParametersLayer, "[]"}});
  put_model(folder, "models", "registry.ollama.ai/library/c/1b", {{kModelLayer, "w"}, {kMessagesLayer, "{}"}});
  put_model(folder, "models", "registry.ollama.ai/library/d/1b",
            {{kModelLayer, "w"}, {kLicenseLayer, std::string(5'000'000, 'x')}});
  TestHome home(folder.path());
  for (const std::string name : {"a:1b", "b:1b", "c:1b", "d:1b"}) {
    EXPECT_EQ(failure([&] { static_cast<void>(home.store.find(ModelName::parse(name))); }).code(),
              ErrorCode::kInvalidFile)
        << name;
  }
}

TEST(Store, NearNamesAreOffered) {
  const ScratchFolder folder("store_near");
  put_model(folder, "models", "registry.ollama.ai/library/smollm2/135m", {{kModelLayer, "w"}});
  TestHome home(folder.path());
  EXPECT_THAT(home.store.near_names(ModelName::parse("smolm2:135m")), ElementsAre("smollm2:135m"));
  EXPECT_THAT(failure([&] { home.store.remove(ModelName::parse("smolm2")); }).message(), HasSubstr("smollm2:135m"));
}

TEST(Store, WhatKilledProcessesLeftIsCleaned) {
  const ScratchFolder folder("store_clean");
  put_model(folder, "models", "registry.ollama.ai/library/tiny/1b", {{kModelLayer, "weights"}});
  const std::string digest = Sha256::of("unfinished").to_string('-');
  const std::string orphan = folder.put("models/blobs/" + Sha256::of("orphan").to_string('-'), "orphan");
  const std::string partial = folder.put("models/blobs/" + digest + "-partial", "unfin");
  const std::string blob_rest = folder.put("models/blobs/import-123-0.part", "half");
  const std::string manifest_rest = folder.put("models/manifests/registry.ollama.ai/library/tiny/2b.99-0.part", "half");
  const std::string removed_rest = folder.put("models/removed/abc.99-0.part", "half");
  const std::string folder_rest = folder.put("models/folders/abc.part/config.json", "half");
  folder.put("models/store.lock", "");
  // Killed between the removal of a manifest and that of its blobs.
  put_model(folder, "models", "registry.ollama.ai/library/gone/1b", {{kModelLayer, "gone"}});
  const std::string gone = folder.path() + "/models/manifests/registry.ollama.ai/library/gone/1b";
  fs::rename(gone, folder.path() + "/models/removed/" + Sha256::of(system::read_file(gone, 10'000)).hex());

  const OwnFolder own(folder.path());
  own.make();
  const int64_t now_s = system::now_us() / 1'000'000;
  const NewBlob alive(own);  // of a process that is at work
  own.clean(now_s);
  EXPECT_TRUE(fs::exists(alive.path()));
  EXPECT_FALSE(fs::exists(blob_rest));
  EXPECT_FALSE(fs::exists(manifest_rest));
  EXPECT_FALSE(fs::exists(removed_rest));
  EXPECT_FALSE(fs::exists(folder_rest));
  EXPECT_FALSE(fs::exists(folder.path() + "/models/blobs/" + Sha256::of("gone").to_string('-')));
  EXPECT_TRUE(fs::exists(orphan));
  EXPECT_TRUE(fs::exists(partial));
  constexpr int64_t kDay = 24 * 3600;
  own.clean(now_s + 6 * kDay);
  EXPECT_TRUE(fs::exists(orphan));
  EXPECT_TRUE(fs::exists(partial));
  {
    const system::FileDescriptor at_work = system::open_for_reading(partial);
    ASSERT_TRUE(system::try_lock(at_work, system::LockMode::kExclusive));
    own.clean(now_s + 8 * kDay);
    EXPECT_TRUE(fs::exists(partial));
  }
  EXPECT_FALSE(fs::exists(orphan));
  own.clean(now_s + 8 * kDay);
  EXPECT_FALSE(fs::exists(partial));
  TestHome home(folder.path());
  EXPECT_EQ(home.store.find(ModelName::parse("tiny:1b"))->damage, "");
}

TEST(Store, PinnedBlobsOutliveTheRemovalOfTheirModel) {
  const ScratchFolder folder("store_pin");
  put_model(folder, "models", "registry.ollama.ai/library/tiny/1b", {{kModelLayer, "weights"}});
  TestHome home(folder.path());
  const OwnFolder own(folder.path());
  own.make();
  const Layer layer{std::string(kModelLayer), Sha256::of("weights"), 7};
  {
    const auto pin = own.pin(layer);
    ASSERT_TRUE(pin);
    home.store.remove(ModelName::parse("tiny:1b"));
    EXPECT_TRUE(fs::exists(own.blob_path(layer.digest)));
  }
  home.store.clean();
  EXPECT_FALSE(fs::exists(own.blob_path(layer.digest)));
  EXPECT_FALSE(own.pin(layer));
}

}  // namespace
}  // namespace kinglet::store
