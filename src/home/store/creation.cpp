#include "home/store/creation.h"

#include <algorithm>

#include "core/base/base.h"
#include "home/store/importer.h"
#include "home/system/system.h"
#include "model/format/format.h"
#include "model/format/inspect.h"

namespace kinglet::store {
namespace {

using system::Json;
using system::JsonObject;

constexpr uint64_t kMaxParametersBytes = uint64_t{4} << 20;

// JSON as Go writes it: nothing in it that HTML would read, and a line's end.
std::string go_json(const Json& json) {
  std::string text;
  for (const char c : json.dump()) {
    if (c == '<') {
      text += "\\u003c";
    } else if (c == '>') {
      text += "\\u003e";
    } else if (c == '&') {
      text += "\\u0026";
    } else {
      text += c;
    }
  }
  return text + '\n';
}

// The model's own parameters where the recipe has none of that name, sorted by name.
Json merged(const Json& own, const Json& added) {
  JsonObject members = added.is_null() ? JsonObject() : added.as_object("parameters");
  if (!own.is_null()) {
    for (const auto& [name, value] : own.as_object("parameters")) {
      if (added.is_null() || added.find(name) == nullptr) members.emplace_back(name, value);
    }
  }
  std::ranges::sort(members, {}, &JsonObject::value_type::first);
  return members;
}

// `label` names the file for people.
void check_adapter(const std::string& path, const std::string& label, Reporter& reporter) {
  const format::Inspection inspection = format::Inspection::open(path, {});
  const format::ModelFile* file = inspection.model();
  const auto type = file == nullptr ? std::nullopt : file->metadata().get<std::string_view>("general.type");
  if (!type || *type != "adapter") {
    fail_with(ErrorCode::kUnsupported, label, ": is no GGUF adapter: its general.type is not \"adapter\"");
  }
  reporter.begin(Step::kCheck, label, inspection.file_bytes());
  std::vector<std::string> not_checked;
  const auto bad = inspection.check(not_checked, [&](uint64_t n_bytes) { reporter.advance_to(n_bytes); });
  if (bad.empty()) return;
  fail_with(ErrorCode::kInvalidFile, label, ": tensor ", bad.front().tensor, " has the value ", bad.front().value,
            " at element ", bad.front().element_idx);
}

}  // namespace

void PinnedManifest::add(PinnedLayer layer) {
  manifest.layers.push_back(std::move(layer.layer));
  pins.push_back(std::move(layer.pin));
}

void PinnedManifest::remove(std::string_view media_type) {
  std::erase_if(manifest.layers, [&](const Layer& layer) { return layer.media_type == media_type; });
}

void check_adapters(const std::vector<std::string>& paths, Reporter& reporter) {
  for (const std::string& path : paths) {
    const auto facts = system::facts_of(path);
    if (!facts) fail_with(ErrorCode::kNotFound, path, ": no such file");
    if (facts->is_folder || path.ends_with(".safetensors")) {
      fail_with(ErrorCode::kUnsupported, path, ": is a PEFT adapter, and a layer is a GGUF file");
    }
    check_adapter(path, path, reporter);
  }
}

void add_layers(const OwnFolder& folder, const Recipe& recipe, PinnedManifest& made, Reporter& reporter) {
  for (const std::string& path : recipe.adapter_paths) {
    reporter.begin(Step::kCopy, path, system::facts_of(path).value_or(system::PathFacts{}).size_bytes);
    NewBlob blob(folder);
    blob.take_file(path, system::Content::kMayChange, reporter);
    made.add(blob.publish(kAdapterLayer));
  }
  for (const MadeFile& file : recipe.made_adapters) {
    NewBlob blob(folder);
    write_made(folder, file, blob, reporter);
    check_adapter(blob.path(), file.label, reporter);
    made.add(blob.publish(kAdapterLayer));
  }
  const auto replace = [&](std::string_view media_type, const std::string& text) {
    made.remove(media_type);
    made.add(put_text(folder, text, media_type));
  };
  if (!recipe.template_text.empty()) replace(kTemplateLayer, recipe.template_text);
  if (!recipe.system.empty()) replace(kSystemLayer, recipe.system);
  for (const std::string& license : recipe.licenses) made.add(put_text(folder, license, kLicenseLayer));
  if (!recipe.parameters.is_null()) {
    Json own;
    if (const Layer* layer = made.manifest.find(kParametersLayer)) {
      own = Json::parse(system::read_file(folder.blob_path(layer->digest), kMaxParametersBytes), "parameters");
    }
    replace(kParametersLayer, go_json(merged(own, recipe.parameters)));
  }
  if (!recipe.messages.is_null()) replace(kMessagesLayer, go_json(recipe.messages));
}

}  // namespace kinglet::store
