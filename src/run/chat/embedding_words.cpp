#include "run/chat/embedding_words.h"

#include <algorithm>

namespace kinglet::chat {

EmbeddingWords EmbeddingWords::of(const format::Metadata& metadata) {
  EmbeddingWords words;
  words.max_tokens = metadata.get<size_t>("kinglet.embedding.max_tokens");
  if (words.max_tokens && *words.max_tokens == 0)
    metadata.refuse("kinglet.embedding.max_tokens", "is 0, expected at least 1");
  const format::Array* names = metadata.array("kinglet.embedding.prompt_names");
  const format::Array* texts = metadata.array("kinglet.embedding.prompts");
  if (names == nullptr && texts == nullptr) return words;
  if (names == nullptr || texts == nullptr || names->size != texts->size ||
      names->element != format::ValueType::kString || texts->element != format::ValueType::kString)
    metadata.refuse("kinglet.embedding.prompts", "are not one text for each of kinglet.embedding.prompt_names");
  names->for_each_string([&](std::string_view name) { words.prompts.emplace_back(name, ""); });
  size_t i = 0;
  texts->for_each_string([&](std::string_view text) { words.prompts[i++].second = text; });
  if (const auto name = metadata.get<std::string_view>("kinglet.embedding.default_prompt")) {
    const auto found = std::ranges::find(words.prompts, *name, &std::pair<std::string, std::string>::first);
    if (found == words.prompts.end())
      metadata.refuse("kinglet.embedding.default_prompt", "is none of kinglet.embedding.prompt_names");
    words.default_prompt = found->second;
  }
  return words;
}

const std::string& EmbeddingWords::prompt(std::string_view name) const {
  std::string known;
  for (const auto& [of, text] : prompts) {
    if (of == name) return text;
    known += str(known.empty() ? "" : ", ", of);
  }
  fail_with(ErrorCode::kInvalidArgument, "prompt ", name, ": the model has ", prompts.empty() ? "no prompts" : "only ",
            known);
}

std::vector<int32_t> EmbeddingWords::ids(const text::Tokenizer& tokenizer, std::string_view text) const {
  std::vector<int32_t> ids = tokenizer.encode(text, {.bos = true});
  if (max_tokens) cut_text(ids, *max_tokens, tokenizer);
  return ids;
}

void cut_text(std::vector<int32_t>& ids, size_t max_tokens, const text::Tokenizer& tokenizer) {
  if (ids.size() <= max_tokens) return;
  const int32_t last = ids.back();
  ids.resize(max_tokens);
  if (tokenizer.spec().add_eos) ids.back() = last;
}

}  // namespace kinglet::chat
