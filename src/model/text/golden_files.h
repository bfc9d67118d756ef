// Files of tests/golden/text, for tests.
#pragma once

#include <string>
#include <vector>

#include "home/system/file.h"
#include "home/system/json.h"
#include "model/text/tokenizer.h"

namespace kinglet::text {

/// `source`: the environment's KINGLET_SOURCE, null where it is not set.
inline system::Json golden_file(const char* source, const std::string& name) {
  const std::string path = std::string(source == nullptr ? "." : source) + "/tests/golden/text/" + name;
  return system::Json::parse(system::read_file(path, 1 << 20), name);
}

inline std::vector<int32_t> golden_ids(const system::Json& json) {
  std::vector<int32_t> ids;
  for (const system::Json& id : json.as_array("ids")) ids.push_back(static_cast<int32_t>(id.as_integer("id")));
  return ids;
}

/// A vocabulary of byte_bpe.json or sentencepiece.json, as a model file would say it. The file outlives it.
inline VocabularySpec golden_vocabulary(const system::Json& file) {
  VocabularySpec spec;
  for (const system::Json& token : file.at("tokens").as_array("tokens"))
    spec.tokens.push_back(token.as_string("token"));
  if (const system::Json* merges = file.find("merges")) {
    spec.model = "gpt2";
    spec.pre = "gpt-2";
    for (const system::Json& merge : merges->as_array("merges")) spec.merges.push_back(merge.as_string("merge"));
  } else {
    spec.model = "llama";
    for (const system::Json& score : file.at("scores").as_array("scores"))
      spec.scores.push_back(static_cast<float>(score.as_number("score")));
    for (const system::Json& type : file.at("types").as_array("types"))
      spec.types.push_back(static_cast<TokenType>(type.as_integer("type")));
    spec.add_space_prefix = true;
    spec.unknown = 0;
    spec.bos = 1;
    spec.eos = 2;
  }
  return spec;
}

}  // namespace kinglet::text
