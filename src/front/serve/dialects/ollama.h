// Ollama's words: values that several of its requests have, and how replies are written.
// Source: reference of Ollama's API (names, defaults and formats of fields).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "front/serve/fields.h"
#include "front/serve/model_use.h"
#include "front/serve/reply_stream.h"
#include "run/chat/chat.h"
#include "run/chat/model_facts.h"

namespace kinglet::serve::ollama {

/// How long a model stays loaded after a request: a number of seconds, or a text as Go writes durations ("10m",
/// "1h30m"); negative: for ever.
struct KeepAlive {
  std::chrono::milliseconds value{0};
  [[nodiscard]] bool is_forever() const noexcept { return value.count() < 0; }
};

/// The object `options`: settings by their names. Those that concern other runners only (num_gpu, ...) are taken.
struct Options {
  Json settings = JsonObject{};
  std::optional<int64_t> context_len;
};

/// How a model is wanted by a request that has `options` and `keep_alive`.
template <class R>
UseOptions use_options_of(const R& request) {
  UseOptions made;
  if (request.options) made.context_len = request.options->context_len;
  if (request.keep_alive) made.keep_alive = request.keep_alive->value;
  return made;
}

/// `think`: true, false, or a level.
struct Think {
  bool on = true;
  std::string level;  ///< Empty: none was said.
};

struct Message {
  std::string role;
  std::string content;
  std::string thinking;
  std::vector<std::string> images;
  Json tool_calls;
  std::string tool_name;
  std::string tool_call_id;

  static const Fields<Message>& fields();
};

/// Messages as templates see them. Throws ApiError for a role that is none, and for images.
Json template_messages(const std::vector<Message>& messages);

/// `format`: "json", or a schema. Throws ApiError for another one.
chat::AnswerFormat format_of(const Json& format);

/// `details` of a model.
Json details(const std::string& format, const std::string& family, uint64_t n_parameters,
             const std::string& quantization);

/// A moment as RFC 3339 with nanoseconds, UTC.
std::string time_text(std::chrono::system_clock::time_point moment);

/// Token ids of a request. Throws ApiError for one that the vocabulary has not.
std::vector<int32_t> ids_of(const std::vector<int64_t>& context, size_t vocab_size);

/// Which of the two endpoints for text.
enum class Kind : uint8_t { kChat, kGenerate };

/// A request without a text: loads the model, or unloads it where it should stay for no time.
http::Response load_or_unload(RequestContext& context, const std::string& model, const UseOptions& options, Kind kind);

/// Puts `think` where the template sees it. Throws ApiError for a model that cannot think.
void apply(const std::optional<Think>& think, const chat::HostedModel& model, const std::string& name,
           chat::TemplateInput& input);

/// The reply to _debug_render_only.
http::Response rendered(const std::string& model, const std::string& prompt);

/// Writes replies of /api/chat and /api/generate: a line of JSON for each piece, or one document.
class Writer final : public ReplyWriter {
 public:
  /// `loaded`: what came before the reply was started, part of its durations.
  Writer(Kind kind, std::string model, std::chrono::nanoseconds loaded, std::vector<int32_t> context);
  [[nodiscard]] std::string_view content_type() const noexcept override { return "application/x-ndjson"; }
  void take(size_t choice, const chat::ReplyPiece& event, std::string& out) override;
  void end(size_t choice, const chat::ReplyResult& result, std::string& out) override;
  void finish(std::span<const chat::ReplyResult> /*results*/, std::string& /*out*/) override {}
  void fail(const Error& error, std::string& out) override;
  Json whole(std::span<const chat::ReplyResult> results) override;

 private:
  static Json json_of(const chat::ToolCall& call, size_t index);
  Json head() const;
  void put_text(Json& line, const std::string& content, const std::string& thinking, const Json& calls) const;
  void put_end(Json& line, const chat::ReplyResult& result) const;

  Kind kind_;
  std::string model_;
  std::chrono::nanoseconds loaded_;
  std::vector<int32_t> context_;  // the prompt's ids; empty: the reply has no `context`
  chat::ToolCall call_;           // the one that is on its way: the dialect has whole ones only
};

}  // namespace kinglet::serve::ollama

namespace kinglet::serve {

template <>
struct Value<ollama::KeepAlive> {
  static ollama::KeepAlive read(const Json& value, const std::string& path);
  static Json schema();
};
template <>
struct Value<ollama::Options> {
  static ollama::Options read(const Json& value, const std::string& path);
  static Json schema();
};
template <>
struct Value<ollama::Think> {
  static ollama::Think read(const Json& value, const std::string& path);
  static Json schema();
};

}  // namespace kinglet::serve
