// The words of a folder alone, for tests.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "home/system/json.h"
#include "model/format/hf_vocabulary.h"
#include "run/chat/vocabulary.h"

namespace kinglet::chat {

/// The metadata owns what the tokenizer reads.
struct FolderWords {
  explicit FolderWords(const std::string& folder) : metadata(folder) {
    format::fill_vocabulary(folder, std::nullopt, metadata);
    tokenizer = text::Tokenizer::make(read_vocabulary(metadata));
  }
  format::Metadata metadata;
  std::unique_ptr<const text::Tokenizer> tokenizer;
};

inline std::vector<int32_t> golden_ids(const system::Json& json) {
  std::vector<int32_t> ids;
  for (const system::Json& id : json.as_array("ids")) ids.push_back(static_cast<int32_t>(id.as_integer("id")));
  return ids;
}

}  // namespace kinglet::chat
