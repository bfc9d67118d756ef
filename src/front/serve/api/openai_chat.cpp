// POST /v1/chat/completions (OpenAI).
#include "front/serve/api/routes.h"
#include "front/serve/dialects/openai.h"
#include "front/serve/model_use.h"

namespace kinglet::serve {
namespace {

struct Request {
  std::string model;
  Json messages;
  bool stream = false;
  std::optional<openai::StreamOptions> stream_options;
  std::optional<int64_t> max_tokens, max_completion_tokens;
  openai::Sampling sampling;
  int64_t n = 1;
  bool logprobs = false;
  std::optional<int64_t> top_logprobs;
  Json response_format;
  Json tools;
  Json tool_choice;
  bool parallel_tool_calls = true;
  std::string reasoning_effort;
  Json chat_template_kwargs;

  static const Fields<Request>& fields();
};

const Fields<Request>& Request::fields() {
  static const Fields<Request> kFields = openai::with_sampling<Request>(
      &Request::sampling, field("model", &Request::model).required().doc("A name from GET /v1/models."),
      field("messages", &Request::messages).required().doc("The conversation, oldest first."),
      field("stream", &Request::stream).doc("Send the answer as server-sent events while it comes."),
      field("stream_options", &Request::stream_options).doc("What the events say beside the answer."),
      field("max_tokens", &Request::max_tokens).range(1, 1e9).doc("Most tokens of the answer (older name)."),
      field("max_completion_tokens", &Request::max_completion_tokens).range(1, 1e9).doc("Most tokens of the answer."),
      field("n", &Request::n).range(1, 16).doc("How many answers."),
      field("logprobs", &Request::logprobs).doc("Say how likely each token was."),
      field("top_logprobs", &Request::top_logprobs).range(0, 20).doc("So many alternatives for each token."),
      field("response_format", &Request::response_format).doc("text, json_object, or json_schema."),
      field("tools", &Request::tools).doc("Functions that the model may call."),
      field("tool_choice", &Request::tool_choice).doc("auto, none, required, or a function by its name."),
      field("parallel_tool_calls", &Request::parallel_tool_calls).doc("Whether one answer may have several calls."),
      field("reasoning_effort", &Request::reasoning_effort)
          .choices({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
          .doc("none: a model that can think does not."),
      field("chat_template_kwargs", &Request::chat_template_kwargs).doc("More names that the template sees."),
      without_effect<Request>("user", "Who asks."), without_effect<Request>("metadata", "Labels."),
      without_effect<Request>("store", "Nothing is stored."), without_effect<Request>("service_tier", "There is one."),
      without_effect<Request>("safety_identifier", "Who asks."),
      without_effect<Request>("prompt_cache_key", "Prefixes are found by their tokens."),
      without_effect<Request>("prompt_cache_retention", "Prefixes are kept as long as there is room."),
      without_effect<Request>("prediction", "A hint for speed."),
      refused<Request>("audio", "this server gives no sound"),
      refused<Request>("modalities", "there is text alone", {Json(JsonArray{"text"})}),
      refused<Request>("functions", "use tools", {Json(JsonArray{})}),
      refused<Request>("function_call", "use tool_choice", {Json("none"), Json("auto")}),
      refused<Request>("web_search_options", "nothing is looked up on the web"),
      refused<Request>("verbosity", "models here have no such setting", {Json("medium")}));
  return kFields;
}

http::Response handle(const Request& request, RequestContext& context) {
  ModelUse use = use_model(context, request.model);
  chat::LoadedModel& model = use.model->generator();
  chat::Settings settings = use.model->settings();
  openai::apply(request.sampling, model.model().config().vocab_size, settings);
  const auto most = request.max_completion_tokens ? request.max_completion_tokens : request.max_tokens;
  if (most) settings.max_tokens = static_cast<uint64_t>(*most);
  if (request.top_logprobs && !request.logprobs)
    throw ApiError(400, "top_logprobs: needs logprobs to be true", "top_logprobs");

  chat::ReplyRequest reply;
  reply.client = context.client;
  chat::TemplateInput input;
  input.messages = with_stored_messages(openai::template_messages(request.messages), use.model->source());
  reply.format = openai::format_of(request.response_format);
  reply.tool_use = openai::tool_use_of(request.tools, request.tool_choice, request.parallel_tool_calls);
  if (reply.tool_use.choice != chat::ToolUse::Choice::kNone) input.tools = reply.tool_use.tools;
  if (!request.chat_template_kwargs.is_null()) {
    for (const auto& [name, value] : request.chat_template_kwargs.as_object("chat_template_kwargs"))
      input.variables.emplace_back(name, value);
  }
  if (!request.reasoning_effort.empty()) {
    input.variables.emplace_back("enable_thinking", request.reasoning_effort != "none");
    input.variables.emplace_back("reasoning_effort", request.reasoning_effort);
  }
  if (request.logprobs) reply.top_logprobs = static_cast<size_t>(request.top_logprobs.value_or(0));
  reply.prompt = model.prompt_of(input);
  reply.settings = settings;

  openai::WriterOptions options;
  options.model = request.model;
  options.include_usage = request.stream_options && request.stream_options->include_usage;
  options.top_logprobs = reply.top_logprobs;
  options.n_per_prompt = static_cast<size_t>(request.n);
  RunningReplies replies = running_replies(context, use.model);
  for (int64_t i = 0; i < request.n; ++i) {
    chat::ReplyRequest one = reply;
    // The same seed for all would give the same answer to all.
    if (one.settings.seed) *one.settings.seed += static_cast<uint64_t>(i);
    replies.choices.push_back(std::make_unique<chat::Reply>(model, std::move(one)));
  }
  return respond(std::move(replies), std::make_unique<openai::ChatWriter>(std::move(options)), request.stream,
                 context.cancel);
}

}  // namespace

Endpoint openai_chat() {
  return json_endpoint<Request>("POST", "/v1/chat/completions", Dialect::kOpenAi, "Answer a conversation.", handle);
}

}  // namespace kinglet::serve
