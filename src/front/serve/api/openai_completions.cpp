// POST /v1/completions (OpenAI): text that goes on.
#include "front/serve/api/routes.h"
#include "front/serve/dialects/openai.h"
#include "front/serve/model_use.h"
#include "run/chat/infill.h"

namespace kinglet::serve {
namespace {

constexpr int64_t kDefaultMaxTokens = 16;  // OpenAI's

struct Request {
  std::string model;
  Json prompt;
  std::string suffix;
  bool stream = false;
  std::optional<openai::StreamOptions> stream_options;
  int64_t max_tokens = kDefaultMaxTokens;
  openai::Sampling sampling;
  int64_t n = 1;
  int64_t best_of = 1;
  std::optional<int64_t> logprobs;
  bool echo = false;
  Json response_format;

  static const Fields<Request>& fields();
};

const Fields<Request>& Request::fields() {
  static const Fields<Request> kFields = openai::with_sampling<Request>(
      &Request::sampling, field("model", &Request::model).required().doc("A name from GET /v1/models."),
      field("prompt", &Request::prompt).doc("A text, texts, token ids, or arrays of token ids; 128 at most."),
      field("suffix", &Request::suffix).doc("What comes behind: the model fills in between."),
      field("stream", &Request::stream).doc("Send the text as server-sent events while it comes."),
      field("stream_options", &Request::stream_options).doc("What the events say beside the text."),
      field("max_tokens", &Request::max_tokens).range(0, 1e9).doc("Most tokens of the text."),
      field("n", &Request::n).range(1, 16).doc("How many texts for each prompt."),
      field("best_of", &Request::best_of).range(1, 16).doc("The same as n; nothing is left out."),
      field("logprobs", &Request::logprobs)
          .range(0, 20)
          .doc("Say how likely each token was, and so many alternatives."),
      field("echo", &Request::echo).doc("Give the prompt as well, with its log-probabilities."),
      field("response_format", &Request::response_format).doc("The form that the text has; as for chats."),
      without_effect<Request>("user", "Who asks."));
  return kFields;
}

std::vector<std::vector<int32_t>> prompts_of(const Request& request, chat::HostedModel& model) {
  constexpr size_t kMaxPrompts = 128;
  const size_t vocab_size = model.model().config().vocab_size;
  const auto of_text = [&](const std::string& text) {
    if (request.suffix.empty()) return model.generator().prompt_of(text);
    return chat::infill_prompt(model.words(), model.file().metadata(), {text, request.suffix});
  };
  const Json& prompt = request.prompt;
  if (prompt.is_null()) return {of_text("")};
  if (prompt.is_string()) return {of_text(prompt.as_string("prompt"))};
  if (!prompt.is_array()) fail_kind("prompt", prompt, "a string or an array");
  const JsonArray& values = prompt.as_array("prompt");
  check_length("prompt", values.size(), 1, values.front().is_number() ? SIZE_MAX : kMaxPrompts);
  if (values.front().is_number()) return {openai::ids_of(prompt, "prompt", vocab_size)};
  std::vector<std::vector<int32_t>> made;
  for (const Json& one : values) {
    const std::string path = str("prompt[", made.size(), "]");
    made.push_back(one.is_array() ? openai::ids_of(one, path, vocab_size)
                                  : of_text(Value<std::string>::read(one, path)));
  }
  return made;
}

http::Response handle(const Request& request, RequestContext& context) {
  if (request.best_of != 1 && request.best_of != request.n)
    throw ApiError(400, "best_of: texts are not compared; leave it out, or give it the value of n", "best_of");
  if (request.max_tokens == 0 && !request.echo)
    throw ApiError(400, "max_tokens: is 0, which asks for nothing unless echo is true", "max_tokens");
  const ModelUse use = use_model(context, request.model);
  chat::LoadedModel& model = use.model->generator();
  chat::Settings settings = use.model->settings();
  openai::apply(request.sampling, model.model().config().vocab_size, settings);
  settings.max_tokens = static_cast<uint64_t>(request.max_tokens);

  openai::WriterOptions options;
  options.model = request.model;
  options.include_usage = request.stream_options && request.stream_options->include_usage;
  if (request.logprobs) options.top_logprobs = static_cast<size_t>(*request.logprobs);
  options.n_per_prompt = static_cast<size_t>(request.n);
  RunningReplies replies = running_replies(context, use.model);
  for (std::vector<int32_t>& prompt : prompts_of(request, *use.model)) {
    for (int64_t i = 0; i < request.n; ++i) {
      chat::ReplyRequest one;
      one.prompt = prompt;
      one.settings = settings;
      if (one.settings.seed) *one.settings.seed += static_cast<uint64_t>(i);
      one.options.continues = true;
      if (!request.suffix.empty()) one.options.more_ends = chat::infill_ends(use.model->file().metadata());
      one.format = openai::format_of(request.response_format);
      one.top_logprobs = options.top_logprobs;
      one.echoes = request.echo;
      one.client = context.client;
      replies.choices.push_back(std::make_unique<chat::Reply>(model, std::move(one)));
    }
  }
  return respond(std::move(replies), std::make_unique<openai::CompletionWriter>(std::move(options)), request.stream,
                 context.cancel);
}

}  // namespace

Endpoint openai_completions() {
  return json_endpoint<Request>("POST", "/v1/completions", Dialect::kOpenAi, "Go on a text.", handle);
}

}  // namespace kinglet::serve
