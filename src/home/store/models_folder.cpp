#include "home/store/models_folder.h"

#include <algorithm>
#include <filesystem>

#include "core/base/base.h"
#include "home/system/system.h"
#include "model/format/printable.h"

namespace kinglet::store {
namespace {

namespace fs = std::filesystem;
using system::Digest;
using system::Json;

constexpr uint64_t kMaxWordsBytes = uint64_t{4} << 20;

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) names.push_back(entry.path().filename().string());
  return names;
}

std::optional<std::string> read_manifest(const std::string& path) {
  try {
    return system::read_file(path, kMaxManifestBytes);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kNotFound) return std::nullopt;  // removed just now
    return "";                                                      // unreadable: shown as damaged
  }
}

std::optional<ModelName> name_from(const std::string& host, const std::string& name_space, const std::string& name,
                                   const std::string& tag) {
  try {
    return ModelName::parse(str(host, '/', name_space, '/', name, ':', tag));
  } catch (const Error&) {
    return std::nullopt;  // not ours
  }
}

}  // namespace

std::string ModelsFolder::blob_path(const Digest& digest) const { return str(path_, "/blobs/", digest.to_string('-')); }

std::string ModelsFolder::manifest_path(const ModelName& name) const {
  return str(manifests_folder(), '/', name.host, '/', name.name_space, '/', name.name, '/', name.tag);
}

std::string ModelsFolder::folder_path(const Digest& manifest) const { return str(path_, "/folders/", manifest.hex()); }

std::vector<ModelsFolder::Found> ModelsFolder::all() const {
  std::vector<Found> found;
  if (path_.empty()) return found;
  const std::string root = manifests_folder();
  for (const std::string& host : names_in(root)) {
    for (const std::string& name_space : names_in(str(root, '/', host))) {
      for (const std::string& name : names_in(str(root, '/', host, '/', name_space))) {
        const std::string folder = str(root, '/', host, '/', name_space, '/', name);
        for (const std::string& tag : names_in(folder)) {
          const auto parsed = name_from(host, name_space, name, tag);
          const std::string path = str(folder, '/', tag);
          const auto facts = system::facts_of(path);
          if (!parsed || !facts || !facts->is_file) continue;
          if (auto text = read_manifest(path)) found.push_back({*parsed, path, std::move(*text), facts->modified_s});
        }
      }
    }
  }
  return found;
}

std::optional<ModelsFolder::Found> ModelsFolder::find(const ModelName& name) const {
  if (path_.empty()) return std::nullopt;
  const std::string path = manifest_path(name);
  if (const auto facts = system::facts_of(path); facts && facts->is_file) {
    if (auto text = read_manifest(path)) return Found{name, path, std::move(*text), facts->modified_s};
  }
  for (Found& found : all()) {
    if (found.name == name) return std::move(found);
  }
  return std::nullopt;
}

std::vector<Layer> ModelsFolder::missing(const Manifest& manifest) const {
  std::vector<Layer> layers = manifest.blobs();
  std::erase_if(layers, [&](const Layer& layer) {
    const auto facts = system::facts_of(blob_path(layer.digest));
    return facts && facts->is_file && facts->size_bytes == layer.size_bytes;
  });
  return layers;
}

StoredModel ModelsFolder::describe(const Found& found) const {
  StoredModel model{.name = found.name, .place = place_, .modified_s = found.modified_s};
  const Digest digest = system::Sha256::of(found.text);
  model.digest = digest.hex();
  model.id = digest.short_hex();
  try {
    const Manifest manifest = Manifest::parse(found.text, found.name.to_string());
    model.size_bytes = manifest.size_bytes();
    for (const Layer& layer : manifest.layers) {
      const std::string path = blob_path(layer.digest);
      if (layer.media_type == kModelLayer) model.weights_path = path;
      if (layer.media_type == kFileLayer) model.weights_path = folder_path(digest);
      if (layer.media_type == kAdapterLayer) model.adapter_paths.push_back(path);
      if (layer.media_type == kProjectorLayer) model.projector_paths.push_back(path);
    }
    const std::vector<Layer> gone = missing(manifest);
    if (!gone.empty()) {
      model.damage = str(found.name.to_string(), ": ", gone.size(), " of its blobs are missing or incomplete, such as ",
                         blob_path(gone.front().digest));
    }
  } catch (const Error& error) {
    model.damage = error.message();
  }
  return model;
}

void ModelsFolder::add_words(const Found& found, StoredModel& model) const {
  const Manifest manifest = Manifest::parse(found.text, found.name.to_string());
  const auto read = [&](const Layer& layer) {
    if (layer.size_bytes > kMaxWordsBytes) {
      fail_with(ErrorCode::kInvalidFile, found.name.to_string(), ": its layer ", format::printable(layer.media_type),
                " has ", layer.size_bytes, " bytes, more than ", kMaxWordsBytes);
    }
    return system::read_file(blob_path(layer.digest), kMaxWordsBytes);
  };
  const auto read_json = [&](const Layer& layer) {
    try {
      return Json::parse(read(layer), layer.media_type, {.max_depth = 64});
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kInvalidArgument) throw;
      fail_with(ErrorCode::kInvalidFile, found.name.to_string(), ": ", error.message());
    }
  };
  for (const Layer& layer : manifest.layers) {
    if (layer.media_type == kTemplateLayer) model.template_text = read(layer);
    if (layer.media_type == kSystemLayer) model.system = read(layer);
    if (layer.media_type == kLicenseLayer) model.license += str(model.license.empty() ? "" : "\n\n", read(layer));
    if (layer.media_type == kParametersLayer) model.parameters = read_json(layer);
    if (layer.media_type == kMessagesLayer) model.messages = read_json(layer);
  }
  if (!model.parameters.is_null() && !model.parameters.is_object()) {
    fail_with(ErrorCode::kInvalidFile, found.name.to_string(), ": its parameters are no JSON object");
  }
  if (!model.messages.is_null() && !model.messages.is_array()) {
    fail_with(ErrorCode::kInvalidFile, found.name.to_string(), ": its messages are no JSON array");
  }
}

}  // namespace kinglet::store
