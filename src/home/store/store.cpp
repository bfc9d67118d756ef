#include "home/store/store.h"

#include <algorithm>
#include <utility>

#include "core/base/base.h"
#include "home/store/creation.h"
#include "home/store/download.h"
#include "home/store/hugging_face_cache.h"
#include "home/store/importer.h"
#include "home/store/near_names.h"
#include "home/store/own_folder.h"
#include "home/store/registry.h"
#include "home/store/upload.h"
#include "home/system/system.h"

namespace kinglet::store {
namespace {

constexpr int kMaxCommits = 5;
constexpr size_t kShownTags = 12;

int64_t now_s() { return system::now_us() / 1'000'000; }

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += str(text.empty() ? "" : ", ", name);
  return text;
}

}  // namespace

struct Store::Impl {
  Impl(StoreOptions the_options, egress::Door& the_door)
      : options(std::move(the_options)),
        door(the_door),
        own(options.home),
        ollama(options.ollama_models, Place::kOllama) {}

  /// Where the manifest of a name lies.
  struct Located {
    const ModelsFolder& folder;
    ModelsFolder::Found found;
  };
  [[nodiscard]] std::optional<Located> locate(const ModelName& name) const {
    if (auto found = own.find(name)) return Located{own, std::move(*found)};
    if (auto found = ollama.find(name)) return Located{ollama, std::move(*found)};
    return std::nullopt;
  }
  [[noreturn]] void fail_missing(const ModelName& name, const std::vector<std::string>& near) const {
    fail_with(ErrorCode::kNotFound, name.to_string(), ": no such model here",
              near.empty() ? "" : str("; near it are ", list_of(near)));
  }
  [[nodiscard]] std::vector<Pin> take_blobs(const Located& from, const Manifest& manifest, Reporter& reporter) const;
  void take_from_ollama(const Layer& layer, Reporter& reporter) const;
  void commit(const ModelName& name, const Manifest& manifest, std::string_view text, Reporter& reporter) const;
  /// What a recipe begins with, in our own store.
  // The words of a model, behind weights that were made of it.
  void take_words(const ModelName& from, PinnedManifest& made, Reporter& reporter) const;
  [[nodiscard]] PinnedManifest base_of(const ModelName& name, const Recipe& recipe, Reporter& reporter) const;
  /// A repository of the same registry that we know to have had this blob; empty: none.
  [[nodiscard]] std::string repository_with(const Layer& layer, const ModelName& name) const;
  /// Takes a file or a folder in and returns the name that it got.
  ModelName take_in(const std::string& path, const std::optional<ModelName>& name, system::Content content,
                    Reporter& reporter) const;

  StoreOptions options;
  egress::Door& door;
  OwnFolder own;
  ModelsFolder ollama;
};

Store::Store(StoreOptions options, egress::Door& door) : impl_(std::make_unique<Impl>(std::move(options), door)) {}
Store::~Store() = default;

std::optional<StoredModel> Store::find(const ModelName& name) const {
  const auto located = impl_->locate(name);
  if (!located) return find_in_cache(impl_->options.hugging_face_cache, name);
  StoredModel model = located->folder.describe(located->found);
  if (!model.damage.empty()) {
    // Removed by another process between two looks?
    if (!system::facts_of(located->found.path)) return std::nullopt;
    fail_with(ErrorCode::kInvalidFile, model.damage, "; `kinglet pull ", name.to_string(), "` brings it again");
  }
  if (model.place == Place::kOwn) impl_->own.lay_out(located->found);
  located->folder.add_words(located->found, model);
  return model;
}

std::vector<StoredModel> Store::list() const {
  std::vector<StoredModel> models;
  const auto add = [&](StoredModel model) {
    const bool known = std::ranges::any_of(models, [&](const StoredModel& other) { return other.name == model.name; });
    if (!known) models.push_back(std::move(model));
  };
  for (const auto& found : impl_->own.all()) add(impl_->own.describe(found));
  for (const auto& found : impl_->ollama.all()) add(impl_->ollama.describe(found));
  for (StoredModel& model : list_cache(impl_->options.hugging_face_cache)) add(std::move(model));
  std::ranges::sort(models, [](const StoredModel& a, const StoredModel& b) {
    return a.modified_s != b.modified_s ? a.modified_s > b.modified_s : a.name.to_string() < b.name.to_string();
  });
  return models;
}

std::vector<std::string> Store::near_names(const ModelName& name) const {
  std::vector<std::string> names;
  for (const StoredModel& model : list()) names.push_back(model.name.to_string());
  return nearest(name.to_string(), names);
}

StoredModel Store::pull(const ModelName& name, const ProgressCallback& progress) {
  Impl& impl = *impl_;
  Reporter reporter(progress);
  Registry registry(impl.door, impl.options, name, reporter);
  reporter.begin(Step::kManifest, name.to_string());
  const auto text = registry.fetch_manifest();
  if (!text) {
    std::vector<std::string> tags = registry.tags();
    const size_t n_tags = tags.size();
    tags.resize(std::min(n_tags, kShownTags));
    const std::vector<std::string> near = near_names(name);
    fail_with(ErrorCode::kNotFound, name.to_string(), ": ", registry.host(), " has no such model",
              tags.empty() ? "" : str("; it has the tags ", list_of(tags), n_tags > kShownTags ? ", ..." : ""),
              near.empty() ? "" : str("; here are ", list_of(near)));
  }
  const Manifest manifest = Manifest::parse(*text, name.to_string());
  impl.own.make();
  clean();
  for (int n_commits = 0; n_commits < kMaxCommits; ++n_commits) {
    for (const Layer& layer : manifest.blobs()) impl.take_from_ollama(layer, reporter);
    uint64_t n_missing = 0;
    for (const Layer& layer : manifest.blobs()) n_missing += missing_bytes(impl.own, layer);
    require_space(impl.own, name.to_string(), n_missing);
    std::vector<Pin> pins;
    for (const Layer& layer : manifest.blobs()) {
      pins.push_back(fetch_blob(registry, impl.own, layer, impl.options, reporter));
    }
    reporter.begin(Step::kWrite, name.to_string());
    if (!impl.own.commit(name, manifest, *text)) continue;  // somebody removes the same blobs at the same time
    reporter.begin(Step::kDone);
    if (auto model = find(name)) return std::move(*model);
  }
  fail_with(ErrorCode::kIo, name.to_string(), ": other processes remove it again and again");
}

void Store::Impl::take_from_ollama(const Layer& layer, Reporter& reporter) const {
  const std::string source = ollama.path().empty() ? "" : ollama.blob_path(layer.digest);
  const auto there = source.empty() ? std::nullopt : system::facts_of(source);
  if (!there || there->size_bytes != layer.size_bytes || system::facts_of(own.blob_path(layer.digest))) return;
  reporter.begin(Step::kCopy, layer.digest.short_hex(), layer.size_bytes);
  NewBlob blob(own);
  blob.take_file(source, system::Content::kNeverChanges, reporter);
  static_cast<void>(blob.publish_as(layer));  // a damaged one is downloaded
}

std::vector<Pin> Store::Impl::take_blobs(const Located& from, const Manifest& manifest, Reporter& reporter) const {
  std::vector<Pin> pins;
  for (const Layer& layer : manifest.blobs()) {
    auto pin = own.pin(layer);
    if (!pin && &from.folder != &own) {
      reporter.begin(Step::kCopy, layer.digest.short_hex(), layer.size_bytes);
      NewBlob blob(own);
      blob.take_file(from.folder.blob_path(layer.digest), system::Content::kNeverChanges, reporter);
      pin = blob.publish_as(layer);
    }
    if (!pin) {
      fail_with(ErrorCode::kInvalidFile, from.folder.blob_path(layer.digest), ": is missing or damaged; `kinglet pull ",
                from.found.name.to_string(), "` brings it again");
    }
    pins.push_back(std::move(*pin));
  }
  return pins;
}

void Store::Impl::commit(const ModelName& name, const Manifest& manifest, std::string_view text,
                         Reporter& reporter) const {
  reporter.begin(Step::kWrite, name.to_string());
  if (!own.commit(name, manifest, text)) {
    fail_with(ErrorCode::kIo, name.to_string(), ": some of its blobs were removed by hand meanwhile; try again");
  }
}

ModelName Store::Impl::take_in(const std::string& path, const std::optional<ModelName>& name, system::Content content,
                               Reporter& reporter) const {
  own.make();
  own.clean(now_s());
  const Imported imported = import_path(own, path, name, content, options, reporter);
  commit(imported.name, imported.manifest, imported.manifest.to_text(), reporter);
  return imported.name;
}

StoredModel Store::import_file(const std::string& path, const std::optional<ModelName>& name,
                               const ProgressCallback& progress) {
  Reporter reporter(progress);
  const ModelName taken = impl_->take_in(path, name, system::Content::kMayChange, reporter);
  reporter.begin(Step::kDone);
  auto model = find(taken);
  if (!model) fail_with(ErrorCode::kIo, taken.to_string(), ": another process has removed it at once");
  return std::move(*model);
}

void Store::copy(const ModelName& from, const ModelName& to) {
  const ProgressCallback silent;
  Reporter reporter(silent);
  const auto located = impl_->locate(from);
  if (!located) {
    const auto cached = find_in_cache(impl_->options.hugging_face_cache, from);
    if (!cached) impl_->fail_missing(from, near_names(from));
    // Files of the cache are named by their digests, too.
    impl_->take_in(cached->weights_path, to, system::Content::kNeverChanges, reporter);
    return;
  }
  impl_->own.make();
  const Manifest manifest = Manifest::parse(located->found.text, from.to_string());
  const std::vector<Pin> pins = impl_->take_blobs(*located, manifest, reporter);
  impl_->commit(to, manifest, located->found.text, reporter);
}

void Store::Impl::take_words(const ModelName& from, PinnedManifest& made, Reporter& reporter) const {
  const auto located = locate(from);
  if (!located) return;  // of the Hugging Face cache, where models have none
  Manifest words = Manifest::parse(located->found.text, from.to_string());
  std::erase_if(words.layers,
                [](const Layer& layer) { return layer.media_type == kModelLayer || layer.media_type == kFileLayer; });
  for (Pin& pin : take_blobs(*located, words, reporter)) made.pins.push_back(std::move(pin));
  std::ranges::move(words.layers, std::back_inserter(made.manifest.layers));
}

PinnedManifest Store::Impl::base_of(const ModelName& name, const Recipe& recipe, Reporter& reporter) const {
  const auto taken = [&](const std::string& path, system::Content content) {
    Imported imported = import_path(own, path, name, content, options, reporter);
    return PinnedManifest{std::move(imported.manifest), std::move(imported.pins)};
  };
  if (recipe.from_made) {
    Imported imported = import_made(own, *recipe.from_made, name, options, reporter);
    PinnedManifest made{std::move(imported.manifest), std::move(imported.pins)};
    if (recipe.from_model) take_words(*recipe.from_model, made, reporter);
    return made;
  }
  if (!recipe.from_model) return taken(recipe.from_path, system::Content::kMayChange);
  if (const auto located = locate(*recipe.from_model)) {
    const Manifest manifest = Manifest::parse(located->found.text, recipe.from_model->to_string());
    return {manifest, take_blobs(*located, manifest, reporter)};
  }
  const auto cached = find_in_cache(options.hugging_face_cache, *recipe.from_model);
  if (!cached) fail_missing(*recipe.from_model, {});
  return taken(cached->weights_path, system::Content::kNeverChanges);
}

StoredModel Store::create(const ModelName& name, const Recipe& recipe, const ProgressCallback& progress) {
  Reporter reporter(progress);
  check_adapters(recipe.adapter_paths, reporter);
  impl_->own.make();
  clean();
  PinnedManifest made = impl_->base_of(name, recipe, reporter);
  try {
    add_layers(impl_->own, recipe, made, reporter);
    impl_->commit(name, made.manifest, made.manifest.to_text(), reporter);
  } catch (...) {
    made.pins.clear();
    impl_->own.discard(made.manifest);
    throw;
  }
  reporter.begin(Step::kDone);
  auto model = find(name);
  if (!model) fail_with(ErrorCode::kIo, name.to_string(), ": another process has removed it at once");
  return std::move(*model);
}

std::string Store::Impl::repository_with(const Layer& layer, const ModelName& name) const {
  const std::string digest = layer.digest.to_string();
  for (const ModelsFolder::Found& found : own.all()) {
    const bool is_same = found.name.name_space == name.name_space && found.name.name == name.name;
    if (found.name.host == name.host && !is_same && found.text.find(digest) != std::string::npos) {
      return str(found.name.name_space, '/', found.name.name);
    }
  }
  return "";
}

void Store::push(const ModelName& name, const ProgressCallback& progress) {
  const auto located = impl_->locate(name);
  if (!located) {
    if (find_in_cache(impl_->options.hugging_face_cache, name)) {
      fail_with(ErrorCode::kUnsupported, name.to_string(),
                ": lies in the cache of Hugging Face; `kinglet cp` gives it a name of a registry, which can be pushed");
    }
    impl_->fail_missing(name, near_names(name));
  }
  const Manifest manifest = Manifest::parse(located->found.text, name.to_string());
  const std::vector<Layer> missing = located->folder.missing(manifest);
  if (!missing.empty()) {
    fail_with(ErrorCode::kInvalidFile, located->folder.blob_path(missing.front().digest),
              ": is missing or incomplete; `kinglet pull ", name.to_string(), "` brings it again");
  }
  if (name.is_hugging_face()) {
    fail_with(ErrorCode::kUnsupported, name.to_string(),
              ": Hugging Face takes models by its own program (`hf upload`), not by this protocol");
  }
  Reporter reporter(progress);
  Registry registry(impl_->door, impl_->options, name, reporter);
  for (const Layer& layer : manifest.blobs()) {
    upload_blob(registry, located->folder.blob_path(layer.digest), layer, impl_->repository_with(layer, name),
                impl_->options, reporter);
  }
  reporter.begin(Step::kWrite, name.to_string());
  registry.put_manifest(located->found.text);
  reporter.begin(Step::kDone);
}

void Store::derive(const ModelName& from, const ModelName& to, const Words& words) {
  const auto found = impl_->own.find(from);
  if (!found) {
    copy(from, to);  // the weights have to be in our own store
    derive(to, to, words);
    return;
  }
  const ProgressCallback silent;
  Reporter reporter(silent);
  impl_->own.make();
  Manifest manifest = Manifest::parse(found->text, from.to_string());
  std::erase_if(manifest.layers, [](const Layer& layer) {
    return layer.media_type == kSystemLayer || layer.media_type == kParametersLayer ||
           layer.media_type == kMessagesLayer;
  });
  std::vector<Pin> pins = impl_->take_blobs({impl_->own, *found}, manifest, reporter);
  const auto add = [&](std::string_view media_type, const std::string& text) {
    PinnedLayer added = put_text(impl_->own, text, media_type);
    manifest.layers.push_back(std::move(added.layer));
    pins.push_back(std::move(added.pin));
  };
  if (!words.system.empty()) add(kSystemLayer, words.system);
  if (!words.parameters.is_null()) add(kParametersLayer, words.parameters.dump());
  if (!words.messages.is_null()) add(kMessagesLayer, words.messages.dump());
  impl_->commit(to, manifest, manifest.to_text(), reporter);
}

void Store::remove(const ModelName& name) {
  clean();
  if (system::facts_of(impl_->own.path()) && impl_->own.remove(name)) return;
  if (impl_->ollama.find(name)) {
    fail_with(ErrorCode::kRefused, name.to_string(), ": lies in the store of Ollama, which is only read; `ollama rm ",
              name.to_string(), "` removes it");
  }
  if (const auto cached = find_in_cache(impl_->options.hugging_face_cache, name)) {
    fail_with(ErrorCode::kRefused, name.to_string(), ": lies in the cache of Hugging Face, which is only read (",
              cached->weights_path, "); `hf cache delete` removes it");
  }
  impl_->fail_missing(name, near_names(name));
}

void Store::clean() { impl_->own.clean(now_s()); }

}  // namespace kinglet::store
