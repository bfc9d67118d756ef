#include "run/chat/vector_text.h"

namespace kinglet::chat {
namespace {

bool fits(const models::DecoderConfig& config, size_t n_tokens) {
  return n_tokens <= config.context_len || config.depends_on_length();
}

}  // namespace

void require_context(const models::DecoderConfig& config, size_t n_tokens, std::string_view what,
                     std::string_view way_out) {
  if (fits(config, n_tokens)) return;
  fail_with(ErrorCode::kContextFull, what, ": has ", n_tokens, " tokens, the model's context ", config.context_len,
            "; ", way_out);
}

std::vector<int32_t> vector_ids(const text::Tokenizer& tokenizer, const models::DecoderConfig& config,
                                const EmbeddingWords& words, std::string_view text, bool truncates,
                                std::string_view what) {
  std::vector<int32_t> ids = words.ids(tokenizer, text);
  if (ids.empty()) fail_with(ErrorCode::kInvalidArgument, what, ": is empty, and the model adds no token of its own");
  if (!truncates) require_context(config, ids.size(), what, "cut it into pieces, or let its end be cut off");
  if (!fits(config, ids.size())) cut_text(ids, config.context_len, tokenizer);
  return ids;
}

}  // namespace kinglet::chat
