// POST /v1/messages and /v1/messages/count_tokens (Anthropic).
#include "front/serve/api/routes.h"
#include "front/serve/dialects/anthropic.h"
#include "front/serve/dialects/openai.h"
#include "front/serve/model_use.h"

namespace kinglet::serve {
namespace {

struct Thinking {
  std::string type;
  std::optional<int64_t> budget_tokens;

  static const Fields<Thinking>& fields() {
    static const Fields<Thinking> kFields(
        field("type", &Thinking::type).required().choices({"enabled", "disabled", "adaptive"}),
        without_effect<Thinking>("budget_tokens", "A model thinks as long as max_tokens let it."),
        without_effect<Thinking>("display", "Thoughts are shown as they are."));
    return kFields;
  }
};

struct Request {
  std::string model;
  std::optional<int64_t> max_tokens;
  Json messages;
  Json system;
  bool stream = false;
  std::optional<double> temperature, top_p;
  std::optional<int64_t> top_k;
  std::vector<std::string> stop_sequences;
  Json tools;
  Json tool_choice;
  std::optional<Thinking> thinking;

  static const Fields<Request>& fields() {
    static const Fields<Request> kFields(
        field("model", &Request::model).required().doc("A name from GET /v1/models."),
        field("max_tokens", &Request::max_tokens).required().range(1, 1e9).doc("Most tokens of the answer."),
        field("messages", &Request::messages).required().doc("The conversation, oldest first."),
        field("system", &Request::system).doc("What the model is told before it."),
        field("stream", &Request::stream).doc("Send the answer as server-sent events while it comes."),
        field("temperature", &Request::temperature).range(0, 1).doc("0: always the likeliest token."),
        field("top_p", &Request::top_p).range(0, 1).doc("Keep the likeliest tokens of this share."),
        field("top_k", &Request::top_k).range(0, 1e9).doc("Keep so many tokens."),
        field("stop_sequences", &Request::stop_sequences).doc("Texts at which the answer ends."),
        field("tools", &Request::tools).doc("Functions that the model may call."),
        field("tool_choice", &Request::tool_choice).doc("auto, any, tool or none."),
        field("thinking", &Request::thinking).doc("Whether a model that can think does."),
        without_effect<Request>("metadata", "Who asks."), without_effect<Request>("service_tier", "There is one."),
        without_effect<Request>("cache_control", "Prefixes are found by their tokens."),
        without_effect<Request>("inference_geo", "Answers are made on this machine."),
        refused<Request>("container", "there are no containers"),
        refused<Request>("mcp_servers", "tools of others are called by the client", {Json(JsonArray{})}),
        refused<Request>("context_management", "nothing is left out of a conversation"),
        refused<Request>("output_config", "models here have no such setting", {Json(JsonObject{})}));
    return kFields;
  }
};

struct CountRequest {
  std::string model;
  Json messages;
  Json system;
  Json tools;
  Json tool_choice;
  std::optional<Thinking> thinking;

  static const Fields<CountRequest>& fields() {
    static const Fields<CountRequest> kFields(
        field("model", &CountRequest::model).required().doc("A name from GET /v1/models."),
        field("messages", &CountRequest::messages).required().doc("The conversation, oldest first."),
        field("system", &CountRequest::system).doc("What the model is told before it."),
        field("tools", &CountRequest::tools).doc("Functions that the model may call."),
        field("tool_choice", &CountRequest::tool_choice).doc("auto, any, tool or none."),
        field("thinking", &CountRequest::thinking).doc("Whether a model that can think does."),
        without_effect<CountRequest>("cache_control", "Prefixes are found by their tokens."));
    return kFields;
  }
};

template <class R>
chat::TemplateInput input_of(const R& request, const chat::ToolUse& tool_use, const chat::HostedModel& model) {
  chat::TemplateInput input;
  input.messages = with_stored_messages(anthropic::template_messages(request.messages, request.system), model.source());
  if (tool_use.choice != chat::ToolUse::Choice::kNone) input.tools = tool_use.tools;
  // Whoever wants thoughts says so.
  if (request.thinking) input.variables.emplace_back("enable_thinking", request.thinking->type != "disabled");
  return input;
}

http::Response handle(const Request& request, RequestContext& context) {
  const ModelUse use = use_model(context, request.model);
  chat::LoadedModel& model = use.model->generator();
  openai::Sampling sampling;
  sampling.temperature = request.temperature;
  sampling.top_p = request.top_p;
  sampling.top_k = request.top_k;
  chat::Settings settings = use.model->settings();
  openai::apply(sampling, model.model().config().vocab_size, settings);
  settings.max_tokens = static_cast<uint64_t>(*request.max_tokens);
  if (!request.stop_sequences.empty()) settings.stop = request.stop_sequences;

  chat::ReplyRequest reply;
  reply.client = context.client;
  reply.tool_use = anthropic::tool_use_of(request.tools, request.tool_choice);
  reply.prompt = model.prompt_of(input_of(request, reply.tool_use, *use.model));
  reply.settings = settings;
  const size_t n_prompt = reply.prompt.size();
  RunningReplies replies = running_replies(context, use.model);
  replies.choices.push_back(std::make_unique<chat::Reply>(model, std::move(reply)));
  return respond(std::move(replies), std::make_unique<anthropic::Writer>(request.model, n_prompt), request.stream,
                 context.cancel);
}

http::Response count(const CountRequest& request, RequestContext& context) {
  const ModelUse use = use_model(context, request.model);
  const chat::ToolUse tool_use = anthropic::tool_use_of(request.tools, request.tool_choice);
  const size_t n = use.model->generator().prompt_of(input_of(request, tool_use, *use.model)).size();
  return json_response(JsonObject{{"input_tokens", n}});
}

}  // namespace

Endpoint anthropic_messages() {
  return json_endpoint<Request>("POST", "/v1/messages", Dialect::kAnthropic, "Answer a conversation.", handle);
}

Endpoint anthropic_count_tokens() {
  return json_endpoint<CountRequest>("POST", "/v1/messages/count_tokens", Dialect::kAnthropic,
                                     "How many tokens a conversation has.", count);
}

}  // namespace kinglet::serve
