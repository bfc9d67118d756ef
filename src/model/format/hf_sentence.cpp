#include "model/format/hf_sentence.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "core/base/base.h"
#include "home/system/file.h"
#include "model/format/file_json.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

using system::Json;

constexpr uint64_t kMaxBytes = 1'000'000;

Json read_json(const std::string& path) { return read_json_file(path, kMaxBytes, 16); }

struct Mode {
  std::string_view name;
  std::string_view older_key;
  uint32_t type;
};
constexpr std::array kModes = {Mode{"mean", "pooling_mode_mean_tokens", 1}, Mode{"cls", "pooling_mode_cls_token", 2},
                               Mode{"lasttoken", "pooling_mode_lasttoken", 3}};

/// The names in `pooling_mode`, one or a list; of older files the keys that are true.
std::vector<std::string> modes_of(const Json& config) {
  std::vector<std::string> modes;
  if (const Json* named = config.find("pooling_mode")) {
    if (!named->is_array()) return {named->as_string("pooling_mode")};
    for (const Json& mode : named->as_array("pooling_mode")) modes.push_back(mode.as_string("pooling_mode"));
    return modes;
  }
  for (const auto& [key, value] : config.as_object("pooling")) {
    if (key.starts_with("pooling_mode_") && value.as_bool(key)) modes.push_back(key);
  }
  return modes;
}

uint32_t pooling_of(const std::string& path) {
  const Json config = read_json(path);
  return reading_json(path, [&] {
    const std::vector<std::string> modes = modes_of(config);
    if (modes.empty()) fail_with(ErrorCode::kInvalidFile, path, ": names no way of pooling");
    const auto known = std::ranges::find_if(
        kModes, [&](const Mode& mode) { return mode.name == modes[0] || mode.older_key == modes[0]; });
    if (known == kModes.end() || modes.size() > 1) {
      fail_with(ErrorCode::kUnsupported, path, ": pooling by ", printable(modes.back()),
                modes.size() > 1 ? " beside another mode" : "",
                " is not supported; supported: one of mean, cls and lasttoken");
    }
    return known->type;
  });
}

// A layer without a bias or a function behind it.
void check_dense(const std::string& path) {
  const Json config = read_json(path);
  reading_json(path, [&] {
    const Json* bias = config.find("bias");
    const Json* function = config.find("activation_function");
    const bool has_bias = bias == nullptr || bias->as_bool("bias");
    if (has_bias || (function != nullptr && !function->as_string("activation_function").ends_with(".Identity")))
      fail_with(ErrorCode::kUnsupported, path, ": a dense layer with a bias or an activation is not supported");
  });
}

}  // namespace

SentenceModules read_sentence_modules(const std::string& folder) {
  SentenceModules modules;
  const std::string path = folder + "/modules.json";
  if (!std::filesystem::exists(path)) return modules;
  const Json list = read_json(path);
  reading_json(path, [&] {
    for (const Json& module : list.as_array("modules")) {
      const std::string& type = module.at("type").as_string("type");
      const std::string_view name = std::string_view(type).substr(type.rfind('.') + 1);
      const std::string& place = module.at("path").as_string("path");
      if (place.find('/') != std::string::npos || place.find("..") != std::string::npos)
        fail_with(ErrorCode::kInvalidFile, path, ": path ", printable(place), " is no folder beside it");
      const std::string inner = str(folder, '/', place);
      if (name == "Pooling") {
        modules.pooling_type = pooling_of(inner + "/config.json");
      } else if (name == "Dense") {
        check_dense(inner + "/config.json");
        modules.dense.push_back(inner + "/model.safetensors");
      } else if (name != "Transformer" && name != "Normalize") {
        fail_with(ErrorCode::kUnsupported, path, ": module ", printable(type),
                  " is not supported; supported: Transformer, Pooling, Dense, Normalize");
      }
    }
  });
  return modules;
}

}  // namespace kinglet::format
