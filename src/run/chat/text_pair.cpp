#include "run/chat/text_pair.h"

namespace kinglet::chat {

engine::TypedTokens text_pair(const text::Tokenizer& tokenizer, const format::Metadata& metadata,
                              const models::DecoderConfig& config, std::string_view query, std::string_view document) {
  const text::VocabularySpec& spec = tokenizer.spec();
  const bool has_separator = metadata.get<bool>("tokenizer.ggml.add_sep_token").value_or(false);
  const auto separator = metadata.get<int32_t>("tokenizer.ggml.seperator_token_id");  // spelled so
  engine::TypedTokens pair;
  const auto add = [&](const std::optional<int32_t>& token) {
    if (token) pair.ids.push_back(*token);
  };
  const auto add_text = [&](std::string_view text) {
    const std::vector<int32_t> ids = tokenizer.encode(text);
    pair.ids.insert(pair.ids.end(), ids.begin(), ids.end());
  };
  if (spec.add_bos) add(spec.bos);
  add_text(query);
  if (spec.add_eos) add(spec.eos);
  if (has_separator) add(separator ? separator : spec.eos);
  const size_t n_of_query = pair.ids.size();
  add_text(document);
  if (spec.add_eos) add(spec.eos);
  if (config.n_token_types > 1) {
    pair.types.assign(n_of_query, 0);
    pair.types.resize(pair.ids.size(), 1);
  }
  return pair;
}

}  // namespace kinglet::chat
