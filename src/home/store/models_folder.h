// A folder of models in Ollama's layout: blobs/sha256-HEX and manifests/HOST/NAMESPACE/NAME/TAG. Reading.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "home/store/manifest.h"
#include "home/store/store.h"

namespace kinglet::store {

/// Our own folder or Ollama's. Values that do not change; shareable.
class ModelsFolder {
 public:
  ModelsFolder(std::string path, Place place) : path_(std::move(path)), place_(place) {}

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string blobs_folder() const { return path_ + "/blobs"; }
  [[nodiscard]] std::string manifests_folder() const { return path_ + "/manifests"; }
  [[nodiscard]] std::string blob_path(const system::Digest& digest) const;
  /// Where the manifest of this name is written.
  [[nodiscard]] std::string manifest_path(const ModelName& name) const;
  /// Where a folder model is laid out, from links to its blobs; of the digest of its manifest's text.
  [[nodiscard]] std::string folder_path(const system::Digest& manifest) const;

  /// A manifest on the disk.
  struct Found {
    ModelName name;  ///< As the disk spells it.
    std::string path;
    std::string text;
    int64_t modified_s = 0;
  };
  /// The manifest of a name, letters alike in both cases; nullopt where there is none.
  [[nodiscard]] std::optional<Found> find(const ModelName& name) const;
  /// All manifests, in no order. Files that have no name of a model are left out.
  [[nodiscard]] std::vector<Found> all() const;

  /// The blobs of a manifest that are not here in their right size.
  [[nodiscard]] std::vector<Layer> missing(const Manifest& manifest) const;

  /// What is known of a model without its words. A damaged one says so in `damage`.
  [[nodiscard]] StoredModel describe(const Found& found) const;
  /// Adds the words. Throws Error{kInvalidFile} for words that cannot be read.
  void add_words(const Found& found, StoredModel& model) const;

 private:
  std::string path_;
  Place place_;
};

}  // namespace kinglet::store
