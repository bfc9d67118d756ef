// What a model consists of: the manifest of a registry, read as untrusted input.
// Source: OCI image manifest, Docker image manifest v2 schema 2, and Ollama's media types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "home/system/sha256.h"

namespace kinglet::store {

inline constexpr uint64_t kMaxManifestBytes = uint64_t{4} << 20;

/// Media types of layers.
inline constexpr std::string_view kModelLayer = "application/vnd.ollama.image.model";
inline constexpr std::string_view kAdapterLayer = "application/vnd.ollama.image.adapter";
inline constexpr std::string_view kProjectorLayer = "application/vnd.ollama.image.projector";
inline constexpr std::string_view kTemplateLayer = "application/vnd.ollama.image.template";
inline constexpr std::string_view kSystemLayer = "application/vnd.ollama.image.system";
inline constexpr std::string_view kParametersLayer = "application/vnd.ollama.image.params";
inline constexpr std::string_view kMessagesLayer = "application/vnd.ollama.image.messages";
inline constexpr std::string_view kLicenseLayer = "application/vnd.ollama.image.license";
/// A file of a Hugging Face folder, with its name as title.
inline constexpr std::string_view kFileLayer = "application/vnd.kinglet.image.file";
inline constexpr std::string_view kConfigLayer = "application/vnd.docker.container.image.v1+json";

/// Whether a name may be the title of a kFileLayer: it stands in the model's folder or in one within it
/// ("1_Pooling/config.json"), and every system and terminal takes it.
bool is_plain_file_name(std::string_view name);

struct Layer {
  std::string media_type;
  system::Digest digest;
  uint64_t size_bytes = 0;
  std::string title = {};  ///< Of a kFileLayer: a plain name of a file.
};

struct Manifest {
  Layer config;
  std::vector<Layer> layers = {};

  /// Reads the text of a manifest that has weights. `what` is for messages. Throws Error{kInvalidFile} for a damaged
  /// one, kUnsupported for one of something else.
  static Manifest parse(std::string_view text, std::string_view what);
  [[nodiscard]] std::string to_text() const;

  /// All layers and the config, each digest once.
  [[nodiscard]] std::vector<Layer> blobs() const;
  /// Bytes of all layers and the config.
  [[nodiscard]] uint64_t size_bytes() const;
  /// Null where there is none.
  [[nodiscard]] const Layer* find(std::string_view media_type) const;
};

}  // namespace kinglet::store
