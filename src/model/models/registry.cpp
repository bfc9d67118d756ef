#include "model/models/registry.h"

#include <algorithm>
#include <array>

#include "model/models/architectures.h"

namespace kinglet::models {

// A file is read by the first family of its name.
std::span<const Architecture> architectures() {
  static const std::array kAll = {
      // clang-format off: a line each
      llama(),
      mistral(),
      mistral3(),
      gemma(),
      gemma2(),
      gemma3(),
      gemma3n(),
      gemma4(),
      gpt2(),
      granite(),
      granite_moe(),
      granite_hybrid(),
      lfm2(),
      olmo2(),
      olmoe(),
      phi2(),
      phi3(),
      qwen2(),
      qwen3(),
      qwen3_classifier(),
      qwen3_reranker(),
      qwen35(),
      qwen35_moe(),
      smollm3(),
      mixtral(),
      qwen2_moe(),
      qwen3_moe(),
      gpt_oss(),
      deepseek_v2(),
      bert(),
      bert_classifier(),
      roberta(),
      nomic_bert(),
      modernbert(),
      embeddinggemma(),
      // clang-format on
  };
  return kAll;
}

const Architecture* find_architecture(std::string_view name) {
  const auto all = architectures();
  const auto found = std::ranges::find(all, name, &Architecture::name);
  return found == all.end() ? nullptr : &*found;
}

format::HfFamilies hf_families() {
  static const std::vector<format::HfFamily> kFamilies = [] {
    std::vector<format::HfFamily> families;
    for (const Architecture& architecture : architectures()) {
      if (!architecture.folder.classes.empty()) families.push_back(architecture.folder);
    }
    return families;
  }();
  return kFamilies;
}

std::shared_ptr<const format::ModelFile> open_file(const std::string& path, const format::HfOptions& options) {
  return format::open_model(path, hf_families(), options);
}

}  // namespace kinglet::models
