#include "home/store/hugging_face_cache.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "core/base/base.h"
#include "home/store/quant_tag.h"
#include "home/system/system.h"

namespace kinglet::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolderStart = "models--";
constexpr std::string_view kBetween = "--";
constexpr uint64_t kMaxRefBytes = 200;

// What "latest" means, the best first.
constexpr std::array<std::string_view, 8> kPreferred = {"Q4_K_M", "Q4_K_S", "Q4_1", "Q4_0",
                                                        "Q5_K_M", "Q8_0",   "BF16", "F16"};

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

// The folder of the revision that "main" means; empty where there is none.
std::string snapshot_of(const std::string& repository) {
  std::string revision;
  try {
    revision = system::read_file(repository + "/refs/main", kMaxRefBytes);
  } catch (const Error&) {
    // Fetched by revision only: taken where there is just one.
    const std::vector<std::string> revisions = names_in(repository + "/snapshots");
    if (revisions.size() == 1) revision = revisions.front();
  }
  while (!revision.empty() && (revision.back() == '\n' || revision.back() == ' ')) revision.pop_back();
  const bool is_hexadecimal = !revision.empty() && revision.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_hexadecimal ? str(repository, "/snapshots/", revision) : "";
}

StoredModel make(const ModelName& repository, const std::string& tag, const std::string& path) {
  StoredModel model{.name = repository, .place = Place::kHuggingFaceCache, .weights_path = path};
  model.name.tag = tag;
  return model;
}

// Adds size and time; false where a link leads to nothing, as after a download that was broken off.
bool add_facts(StoredModel& model, const std::string& file) {
  const auto facts = system::facts_of(file);
  if (!facts || !facts->is_file) return false;
  model.size_bytes += facts->size_bytes;
  model.modified_s = std::max(model.modified_s, facts->modified_s);
  return true;
}

std::vector<StoredModel> models_in(const std::string& cache, const ModelName& repository) {
  std::vector<StoredModel> models;
  const std::string folder = str(cache, '/', kFolderStart, repository.name_space, kBetween, repository.name);
  const std::string snapshot = snapshot_of(folder);
  if (snapshot.empty()) return models;
  StoredModel whole = make(repository, std::string(kDefaultTag), snapshot);
  bool has_config = false;
  bool has_weights = false;
  for (const std::string& file : names_in(snapshot)) {
    const std::string path = str(snapshot, '/', file);
    has_config |= file == "config.json";
    if (file.ends_with(".safetensors")) has_weights |= add_facts(whole, path);
    if (!file.ends_with(".gguf") || file.starts_with("mmproj")) continue;
    const FileWords words = read_file_words(file);
    StoredModel model = make(repository, words.quant.empty() ? std::string(kDefaultTag) : words.quant, path);
    if (words.is_first_part && add_facts(model, path)) models.push_back(std::move(model));
  }
  if (models.empty() && has_config && has_weights) models.push_back(std::move(whole));
  return models;
}

}  // namespace

std::optional<StoredModel> find_in_cache(const std::string& cache, const ModelName& name) {
  if (cache.empty() || !name.is_hugging_face()) return std::nullopt;
  std::vector<StoredModel> models = models_in(cache, name);
  for (StoredModel& model : models) {
    if (model.name == name) return std::move(model);
  }
  if (name.tag != kDefaultTag) return std::nullopt;
  for (const std::string_view tag : kPreferred) {
    const auto found = std::ranges::find(models, tag, [](const StoredModel& model) { return model.name.tag; });
    if (found != models.end()) return std::move(*found);
  }
  if (models.empty()) return std::nullopt;
  return std::move(models.front());
}

std::vector<StoredModel> list_cache(const std::string& cache) {
  std::vector<StoredModel> all;
  if (cache.empty()) return all;
  for (const std::string& folder : names_in(cache)) {
    if (!folder.starts_with(kFolderStart)) continue;
    const std::string_view rest = std::string_view(folder).substr(kFolderStart.size());
    const size_t between = rest.find(kBetween);
    if (between == std::string_view::npos) continue;
    try {
      const auto name = ModelName::parse(
          str(kHuggingFaceHost, '/', rest.substr(0, between), '/', rest.substr(between + kBetween.size())));
      std::ranges::move(models_in(cache, name), std::back_inserter(all));
    } catch (const Error&) {
      // No name of a model.
    }
  }
  return all;
}

}  // namespace kinglet::store
