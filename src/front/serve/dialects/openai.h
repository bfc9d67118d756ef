// OpenAI's words: fields that several of its requests have, and how replies are written.
// Source: OpenAI's API reference; `reasoning_content` as DeepSeek and llama-server have it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "front/serve/fields.h"
#include "front/serve/reply_stream.h"
#include "run/chat/chat.h"

namespace kinglet::serve::openai {

struct StreamOptions {
  bool include_usage = false;
  static const Fields<StreamOptions>& fields();
};

/// How tokens are chosen, in the words that completions and chats share.
struct Sampling {
  std::optional<double> temperature, top_p, presence_penalty, frequency_penalty, min_p, typical_p, repeat_penalty;
  std::optional<int64_t> seed, top_k;
  Json logit_bias;
  std::optional<Texts> stop;
};

/// Fields<S> of these fields and those of a member that is a Sampling.
template <class S, class... F>
Fields<S> with_sampling(Sampling S::* sampling, F... fields);

/// Puts them over the settings that the model has. Throws ApiError.
void apply(const Sampling& sampling, size_t vocab_size, chat::Settings& settings);

/// Messages as templates see them: parts of content joined, arguments of calls as objects. Throws ApiError for what is
/// no message, and for images and sound.
Json template_messages(const Json& messages);

/// Token ids of a request, an array. Throws ApiError for what is no id of the vocabulary.
std::vector<int32_t> ids_of(const Json& values, const std::string& path, size_t vocab_size);

/// `response_format`. Throws ApiError for one that is not known.
chat::AnswerFormat format_of(const Json& response_format);

/// `tools`, `tool_choice`, `parallel_tool_calls`. Throws ApiError for a tool that is none, and for the choice of one
/// that is not there.
chat::ToolUse tool_use_of(const Json& tools, const Json& choice, bool may_be_several);

/// "PREFIX-" and 24 random letters and digits.
std::string new_id(std::string_view prefix);

int64_t now_s();

/// Usage as all endpoints of the dialect have it.
Json usage_of(std::span<const chat::ReplyResult> results, size_t n_per_prompt);

/// What writers of the dialect know of their request.
struct WriterOptions {
  std::string model;
  bool include_usage = false;
  std::optional<size_t> top_logprobs;  ///< Set: the reply has log-probabilities, with so many alternatives.
  size_t n_per_prompt = 1;             ///< Choices that share a prompt, which is counted once.
};

/// chat.completion and its chunks.
class ChatWriter final : public ReplyWriter {
 public:
  explicit ChatWriter(WriterOptions options) : options_(std::move(options)), id_(new_id("chatcmpl")) {}
  [[nodiscard]] std::string_view content_type() const noexcept override { return "text/event-stream"; }
  void take(size_t choice, const chat::ReplyPiece& event, std::string& out) override;
  void end(size_t choice, const chat::ReplyResult& result, std::string& out) override;
  void finish(std::span<const chat::ReplyResult> results, std::string& out) override;
  void fail(const Error& error, std::string& out) override;
  Json whole(std::span<const chat::ReplyResult> results) override;

 private:
  Json head(std::string_view object) const;
  void put(size_t choice, Json delta, Json logprobs, Json finish, std::string& out) const;

  WriterOptions options_;
  std::string id_;
  int64_t created_s_ = now_s();
  std::vector<bool> begun_;  // by choice: its role is out
};

/// text_completion.
class CompletionWriter final : public ReplyWriter {
 public:
  explicit CompletionWriter(WriterOptions options) : options_(std::move(options)), id_(new_id("cmpl")) {}
  [[nodiscard]] std::string_view content_type() const noexcept override { return "text/event-stream"; }
  void take(size_t choice, const chat::ReplyPiece& event, std::string& out) override;
  void end(size_t choice, const chat::ReplyResult& result, std::string& out) override;
  void finish(std::span<const chat::ReplyResult> results, std::string& out) override;
  void fail(const Error& error, std::string& out) override;
  Json whole(std::span<const chat::ReplyResult> results) override;

 private:
  Json head() const;
  Json choice_of(size_t choice, const std::string& text, Json logprobs, Json finish) const;

  WriterOptions options_;
  std::string id_;
  int64_t created_s_ = now_s();
  std::vector<size_t> offsets_;  // by choice: bytes of the tokens so far
};

/// One server-sent event with this document.
std::string event_text(const Json& document);

template <class S, class... F>
Fields<S> with_sampling(Sampling S::* sampling, F... fields) {
  return Fields<S>(
      std::move(fields)...,
      nested(sampling, field("temperature", &Sampling::temperature).range(0, 2).doc("0: always the likeliest token.")),
      nested(sampling, field("top_p", &Sampling::top_p).range(0, 1).doc("Keep the likeliest tokens of this share.")),
      nested(sampling, field("top_k", &Sampling::top_k).range(0, 1e9).doc("Keep so many tokens; 0: all. Ours.")),
      nested(sampling, field("min_p", &Sampling::min_p).range(0, 1).doc("Of the likeliest one's share. Ours.")),
      nested(sampling, field("typical_p", &Sampling::typical_p).range(0, 1).doc("Locally typical sampling. Ours.")),
      nested(sampling, field("repeat_penalty", &Sampling::repeat_penalty).range(0, 100).doc("1: off. Ours.")),
      nested(sampling, field("presence_penalty", &Sampling::presence_penalty)
                           .range(-2, 2)
                           .doc("Subtracted once for a token that was there.")),
      nested(sampling, field("frequency_penalty", &Sampling::frequency_penalty)
                           .range(-2, 2)
                           .doc("Subtracted for each time that a token was there.")),
      nested(sampling, field("seed", &Sampling::seed).doc("The same seed gives the same answer.")),
      nested(sampling, field("stop", &Sampling::stop).doc("Texts at which the answer ends, at most 16.")),
      nested(sampling,
             field("logit_bias", &Sampling::logit_bias).doc("Added to tokens by their id, -100 to 100; -100 bans.")));
}

}  // namespace kinglet::serve::openai
