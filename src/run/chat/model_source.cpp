#include "run/chat/model_source.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace kinglet::chat {

ModelSource source_of(store::StoredModel stored) {
  ModelSource source{.name = stored.name.to_string(), .path = stored.weights_path, .stored = std::move(stored)};
  for (const std::string& adapter : source.stored.adapter_paths) source.adapters.push_back({adapter});
  return source;
}

std::shared_ptr<const format::ModelFile> open_source(const ModelSource& source, const format::HfOptions& options) {
  if (!source.stored.projector_paths.empty()) {
    fail_with(ErrorCode::kUnsupported, source.name, ": comes with a projector for images, which is not supported");
  }
  return models::open_file(source.path, options);
}

Settings settings_of(const ModelSource& source, const format::Metadata& metadata, std::vector<std::string>* unknown) {
  Settings settings;
  settings.take(metadata);
  std::vector<std::string> left_out = settings.take(source.stored.parameters);
  if (unknown != nullptr) std::ranges::move(left_out, std::back_inserter(*unknown));
  return settings;
}

LoadOptions load_options_of(const ModelSource& source, const Settings& settings, kernels::KvType kv_type) {
  LoadOptions options;
  options.context_len = settings.context_len;
  options.kv_type = kv_type;
  options.template_text = source.stored.template_text;
  options.adapters = source.adapters;
  return options;
}

}  // namespace kinglet::chat
