// Where a model lies, with the words that the store has for it: what every front loads a model from.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "home/store/store.h"
#include "run/chat/loaded_model.h"

namespace kinglet::chat {

/// For a file the name is the path, and there are no words.
struct ModelSource {
  std::string name = {};
  std::string path = {};
  store::StoredModel stored = {};
  std::vector<models::Model::AdapterPath> adapters = {};  ///< Those of the stored model, then those that are asked for.
};

/// What a stored model is loaded from, its adapters included.
ModelSource source_of(store::StoredModel stored);

/// Opens the file. Throws as format::open_model, and kUnsupported for a model that comes with a projector for images,
/// which would be left out.
std::shared_ptr<const format::ModelFile> open_source(const ModelSource& source, const format::HfOptions& options = {});

/// Settings in layers: our defaults, the file's, the stored model's. Names of parameters that are not known are added
/// to `unknown` (may be null): the caller says so.
Settings settings_of(const ModelSource& source, const format::Metadata& metadata,
                     std::vector<std::string>* unknown = nullptr);

/// How it is loaded where nobody says otherwise.
LoadOptions load_options_of(const ModelSource& source, const Settings& settings, kernels::KvType kv_type);

}  // namespace kinglet::chat
