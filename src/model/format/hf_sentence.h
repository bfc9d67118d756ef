// What a folder of sentence-transformers says beside the model: how texts are put and cut, and how rows become a
// vector. Internal to model/format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/format/metadata.h"

namespace kinglet::format {

struct SentenceModules {
  std::optional<uint32_t> pooling_type;  ///< With llama.cpp's numbers: 1 mean, 2 cls, 3 last.
  /// A layer behind it: a safetensors file with linear.weight and maybe linear.bias.
  struct Dense {
    std::string path;
    bool has_bias = false;
    bool is_tanh = false;
  };
  std::vector<Dense> dense;
  bool has_logit_score = false;                              ///< A reranker that compares two tokens of a decoder's.
  std::optional<uint32_t> max_tokens;                        ///< What is over it is cut; special tokens count.
  bool lowers = false;                                       ///< Texts are put in small letters before they are read.
  std::vector<std::pair<std::string, std::string>> prompts;  ///< Names and texts.
  std::optional<std::string> default_prompt;                 ///< One of the names.

  /// What is said about texts, in keys of ours: kinglet.embedding.max_tokens, .prompt_names, .prompts (in the same
  /// order) and .default_prompt.
  void write(Metadata& metadata) const;
};

/// Reads modules.json, what it names, sentence_bert_config.json and config_sentence_transformers.json; nothing where
/// there is no modules.json. Throws Error{kUnsupported} for a module that is
/// not known, with those that are. Source: sentence-transformers, its classes of modules.
SentenceModules read_sentence_modules(const std::string& folder);

}  // namespace kinglet::format
