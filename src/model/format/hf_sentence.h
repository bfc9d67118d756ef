// What a folder of sentence-transformers says beside the model: how rows become a vector. Internal to model/format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kinglet::format {

struct SentenceModules {
  std::optional<uint32_t> pooling_type;  ///< With llama.cpp's numbers: 1 mean, 2 cls, 3 last.
  std::vector<std::string> dense;        ///< safetensors files of layers behind it, each with linear.weight alone.
};

/// Reads modules.json, and what it names; nothing where there is none. Throws Error{kUnsupported} for a module that is
/// not known, with those that are. Source: sentence-transformers, its classes of modules.
SentenceModules read_sentence_modules(const std::string& folder);

}  // namespace kinglet::format
