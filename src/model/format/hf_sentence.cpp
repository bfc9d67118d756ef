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
constexpr uint64_t kMaxWordsBytes = 16'000'000;  // tokenizer_config.json lists added tokens
constexpr double kMaxTokens = 1 << 28;

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

// Whether rows of a prompt count as those of its text do.
bool pools_prompt(const std::string& path) {
  const Json config = read_json(path);
  return reading_json(path, [&] {
    const Json* found = config.find("include_prompt");
    return found == nullptr || found->as_bool("include_prompt");
  });
}

SentenceModules::Dense dense_of(const std::string& folder) {
  const std::string path = folder + "/config.json";
  const Json config = read_json(path);
  return reading_json(path, [&] {
    const Json* bias = config.find("bias");
    const Json* function = config.find("activation_function");
    const std::string name = function == nullptr ? "Tanh" : function->as_string("activation_function");
    const std::string_view last = std::string_view(name).substr(name.rfind('.') + 1);
    if (last != "Identity" && last != "Tanh") {
      fail_with(ErrorCode::kUnsupported, path, ": activation_function ", printable(name),
                " is not supported; supported: Identity, Tanh");
    }
    const Json* residual = config.find("use_residual");
    const Json* input = config.find("module_input_name");
    if ((residual != nullptr && residual->as_bool("use_residual")) ||
        (input != nullptr && input->as_string("module_input_name") != "sentence_embedding"))
      fail_with(ErrorCode::kUnsupported, path, ": a dense layer beside the vector or of its rows is not supported");
    return SentenceModules::Dense{folder + "/model.safetensors", bias == nullptr || bias->as_bool("bias"),
                                  last == "Tanh"};
  });
}

// What of a text is read: max_seq_length, else the words' own limit; some say a number that means none.
std::optional<uint32_t> max_tokens_of(const std::string& folder, bool& lowers) {
  std::optional<double> most;
  const auto take = [&](const std::string& path, std::string_view key) {
    if (most || !std::filesystem::exists(path)) return;
    const Json config = read_json_file(path, kMaxWordsBytes, 32);
    reading_json(path, [&] {
      const Json* found = config.find(key);
      if (found != nullptr && !found->is_null()) most = found->as_number(key);
      const Json* lower = config.find("do_lower_case");
      if (key == "max_seq_length" && lower != nullptr && !lower->is_null()) lowers = lower->as_bool("do_lower_case");
    });
    if (most && *most < 1) fail_with(ErrorCode::kInvalidFile, path, ": ", key, " is ", *most, ", expected at least 1");
  };
  // Classes that had a file of their own in older versions.
  for (const std::string_view kind : {"bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"})
    take(str(folder, "/sentence_", kind, "_config.json"), "max_seq_length");
  take(folder + "/tokenizer_config.json", "model_max_length");
  if (!most || *most > kMaxTokens) return std::nullopt;
  return static_cast<uint32_t>(*most);
}

void read_prompts(const std::string& path, SentenceModules& modules) {
  if (!std::filesystem::exists(path)) return;
  const Json config = read_json(path);
  reading_json(path, [&] {
    if (const Json* prompts = config.find("prompts"); prompts != nullptr && !prompts->is_null()) {
      for (const auto& [name, text] : prompts->as_object("prompts"))
        modules.prompts.emplace_back(name, text.as_string("prompts"));
    }
    const Json* name = config.find("default_prompt_name");
    if (name == nullptr || name->is_null()) return;
    modules.default_prompt = name->as_string("default_prompt_name");
    if (std::ranges::find(modules.prompts, *modules.default_prompt, &std::pair<std::string, std::string>::first) ==
        modules.prompts.end()) {
      fail_with(ErrorCode::kInvalidFile, path, ": default_prompt_name is ", printable(*modules.default_prompt),
                ", which is none of its prompts");
    }
  });
}

}  // namespace

SentenceModules read_sentence_modules(const std::string& folder) {
  SentenceModules modules;
  const std::string path = folder + "/modules.json";
  if (!std::filesystem::exists(path)) return modules;
  const Json list = read_json(path);
  std::string without_prompt;
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
        if (!pools_prompt(inner + "/config.json")) without_prompt = inner;
      } else if (name == "Dense") {
        modules.dense.push_back(dense_of(inner));
      } else if (name == "LogitScore") {
        modules.has_logit_score = true;
      } else if (name != "Transformer" && name != "Normalize") {
        fail_with(ErrorCode::kUnsupported, path, ": module ", printable(type),
                  " is not supported; supported: Transformer, Pooling, Dense, LogitScore, Normalize");
      }
    }
  });
  bool lowers = false;
  modules.max_tokens = max_tokens_of(folder, lowers);
  modules.lowers = lowers;
  read_prompts(folder + "/config_sentence_transformers.json", modules);
  if (!without_prompt.empty() && !modules.prompts.empty())
    fail_with(ErrorCode::kUnsupported, without_prompt, ": pooling without the rows of a prompt is not supported");
  return modules;
}

void SentenceModules::write(Metadata& metadata) const {
  // Words that lower all letters themselves have nothing left to lower.
  if (lowers && !metadata.get<bool>("tokenizer.ggml.normalizer.lowercase").value_or(false))
    fail_with(ErrorCode::kUnsupported, metadata.name(), ": do_lower_case in front of its tokenizer is not supported");
  if (max_tokens) metadata.set("kinglet.embedding.max_tokens", *max_tokens);
  if (prompts.empty()) return;
  std::vector<std::string_view> names;
  std::vector<std::string_view> texts;
  for (const auto& [name, text] : prompts) {
    names.push_back(name);
    texts.push_back(text);
  }
  metadata.set_strings("kinglet.embedding.prompt_names", names);
  metadata.set_strings("kinglet.embedding.prompts", texts);
  if (default_prompt) metadata.set("kinglet.embedding.default_prompt", *default_prompt);
}

}  // namespace kinglet::format
