// A recipe becomes layers of a manifest, as Ollama writes them.
#pragma once

#include <string>
#include <vector>

#include "home/store/manifest.h"
#include "home/store/own_folder.h"
#include "home/store/reporter.h"
#include "home/store/store.h"

namespace kinglet::store {

/// A manifest whose blobs are here and pinned.
struct PinnedManifest {
  Manifest manifest;
  std::vector<Pin> pins;

  void add(PinnedLayer layer);
  /// Takes all layers of this kind out.
  void remove(std::string_view media_type);
};

/// Checks what a recipe names before anything is written. Throws Error{kNotFound, kInvalidFile, kUnsupported} for an
/// adapter that is none, or whose values are not finite.
void check_adapters(const std::vector<std::string>& paths, Reporter& reporter);

/// Puts the words and adapters of a recipe into a manifest. Media types, JSON and order are Ollama's: the same words
/// give the same digests.
void add_layers(const OwnFolder& folder, const Recipe& recipe, PinnedManifest& made, Reporter& reporter);

}  // namespace kinglet::store
