#include "run/chat/end_tokens.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "core/base/base.h"

namespace kinglet::chat {
namespace {

// Spellings of control tokens that end a turn, a text or a file, for models whose files name one end alone. Source:
// llama.cpp's list of the same, and two that it lacks (<|end_of_turn|>, <|END_OF_TURN_TOKEN|>).
constexpr std::array<std::string_view, 34> kEndSpellings = {
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|calls|>",
    "<|flush|>",
    "<end_of_turn>",
    "<turn|>",
    "<|tool_response>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|end_of_turn|>",
    "<|END_OF_TURN_TOKEN|>",
    "<end_of_utterance>",
    "</s>",
    "<eos>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "[e~[",
    "<|fim_pad|>",
    "<fim-pad>",
    "<fim_pad>",
    "<|fim_repo|>",
    "<fim-repo>",
    "<|repo_name|>",
    "<reponame>",
    "<|file_sep|>",
    "<|plamo:eos|>",
    "<REPO>",
    "<\xEF\xBD\x9C"
    "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>",
};

// A spelling that ends nothing in a vocabulary which has other tokens, too.
struct NoEnd {
  std::string_view spelling;
  std::array<std::string_view, 2> beside;
};
constexpr std::array kNoEnds = {
    NoEnd{"<|end|>", {"<|return|>", "<|call|>"}},  // ends a message, of which an answer may have several
    NoEnd{"<|end|>", {"<|flush|>", "<|call|>"}},
    NoEnd{"<|end|>", {"<|flush|>", "<|calls|>"}},
    NoEnd{"</s>", {"<|tool_response>", "<|tool_response>"}},  // a mark of text that was struck out
    NoEnd{"</s>", {"<|plamo:eos|>", "<|plamo:eos|>"}},
};

// The control token of this spelling. Where it is a plain word it ends nothing.
std::optional<int32_t> control(const text::Tokenizer& tokenizer, std::string_view spelling) {
  const auto token = tokenizer.find(spelling);
  return token && tokenizer.type_of(*token) == text::TokenType::kControl ? token : std::nullopt;
}

bool ends_nothing(const text::Tokenizer& tokenizer, std::string_view spelling) {
  return std::ranges::any_of(kNoEnds, [&](const NoEnd& row) {
    return row.spelling == spelling && control(tokenizer, row.beside[0]) && control(tokenizer, row.beside[1]);
  });
}

// The first control token behind an answer, where only blanks stand between.
std::optional<int32_t> end_of_turn(const ChatTemplate& chat, const text::Tokenizer& tokenizer) {
  constexpr std::string_view kAnswer = "kinglet-answer";
  TemplateInput input;
  input.generation_prompt = false;
  const auto message = [](std::string_view role, std::string_view content) {
    return system::Json(system::JsonObject{{"role", std::string(role)}, {"content", std::string(content)}});
  };
  input.messages = system::JsonArray{message("user", "Hello"), message("assistant", kAnswer)};
  std::string text;
  try {
    text = chat.render(input);
  } catch (const Error&) {
    return std::nullopt;  // whoever renders messages of their own is told
  }
  const size_t at = text.rfind(kAnswer);
  if (at == std::string::npos) return std::nullopt;
  const size_t next = text.find_first_not_of(" \t\r\n", at + kAnswer.size());
  if (next == std::string::npos) return std::nullopt;
  constexpr size_t kLongest = 256;  // bytes of a control token
  const std::vector<int32_t> ids = tokenizer.encode(std::string_view(text).substr(next, kLongest), {.special = true});
  const bool is_control = !ids.empty() && tokenizer.type_of(ids[0]) == text::TokenType::kControl;
  return is_control ? std::optional(ids[0]) : std::nullopt;
}

}  // namespace

std::vector<int32_t> end_tokens_of(const format::Metadata& metadata, const text::Tokenizer& tokenizer,
                                   const ChatTemplate* chat) {
  std::vector<int32_t> ids;
  const auto add = [&](std::optional<int64_t> id) {
    if (!id || *id < 0 || static_cast<uint64_t>(*id) >= tokenizer.vocab_size()) return;
    const auto token = static_cast<int32_t>(*id);
    if (std::ranges::find(ids, token) == ids.end()) ids.push_back(token);
  };
  for (const std::string_view key : {"eos_token_id", "eot_token_id", "eom_token_id"}) {
    add(metadata.get<int64_t>(str("tokenizer.ggml.", key)));
  }
  if (const format::Array* ends = metadata.number_array("kinglet.eos_token_ids")) {
    for (uint64_t i = 0; i < ends->size; ++i) add(ends->integer(i));
  }
  if (chat != nullptr) add(end_of_turn(*chat, tokenizer));
  for (const std::string_view spelling : kEndSpellings) {
    if (!ends_nothing(tokenizer, spelling)) add(control(tokenizer, spelling));
  }
  return ids;
}

}  // namespace kinglet::chat
