#include "run/chat/text_pair.h"

#include <string>

#include "run/chat/literal_marks.h"

namespace kinglet::chat {
namespace {

// The template with texts in place of the names, which are not looked for in the texts.
std::string filled(std::string_view form, std::string_view query, std::string_view document) {
  constexpr std::string_view kQuery = "{query}";
  constexpr std::string_view kDocument = "{document}";
  std::string text;
  for (size_t at = 0; at < form.size();) {
    const size_t place = std::min({form.find(kQuery, at), form.find(kDocument, at), form.size()});
    text += form.substr(at, place - at);
    const bool is_query = form.substr(place).starts_with(kQuery);
    if (place < form.size()) text += is_query ? query : document;
    at = place + (is_query ? kQuery : kDocument).size();
  }
  return text;
}

}  // namespace

engine::TypedTokens text_pair(const text::Tokenizer& tokenizer, const format::Metadata& metadata,
                              const models::DecoderConfig& config, std::string_view query, std::string_view document) {
  if (const auto form = metadata.get<std::string_view>("tokenizer.chat_template.rerank")) {
    const LiteralMarks marks(tokenizer);
    return {tokenizer.encode(filled(*form, marks.text(query), marks.text(document)),
                             {.special = true, .mark = marks.mark()})};
  }
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

PairScore::PairScore(const models::Model& model) {
  const models::DecoderConfig& config = model.config();
  const bool is_of_tokens = config.classifier_pooling == models::Pooling::kNone;
  if (!is_of_tokens && config.n_labels == 1) return;
  const auto* labels = model.file().metadata().array(str(model.architecture().name, ".classifier.output_labels"));
  if (!is_of_tokens && config.n_labels == 2 && labels != nullptr && labels->element == format::ValueType::kString &&
      labels->size == 2) {
    yes_ = labels->string(0) == "yes" ? 0 : 1;
    no_ = 1 - yes_;
    if (labels->string(yes_) == "yes" && labels->string(*no_) == "no") return;
  }
  fail_with(ErrorCode::kUnsupported, model.file().path(), ": classifies into ", config.n_labels,
            is_of_tokens ? " labels of tokens" : " labels", "; a reranker gives one score for a pair of texts");
}

}  // namespace kinglet::chat
