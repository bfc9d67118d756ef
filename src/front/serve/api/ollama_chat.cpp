// POST /api/chat (Ollama).
#include "front/serve/api/routes.h"
#include "front/serve/dialects/ollama.h"
#include "front/serve/dialects/openai.h"
#include "front/serve/model_use.h"

namespace kinglet::serve {
namespace {

struct Request {
  std::string model;
  std::vector<ollama::Message> messages;
  Json tools;
  Json format;
  std::optional<ollama::Options> options;
  std::optional<ollama::KeepAlive> keep_alive;
  std::optional<ollama::Think> think;
  bool stream = true;
  bool truncate = false;
  bool logprobs = false;
  int64_t top_logprobs = 0;
  bool debug_render_only = false;

  static const Fields<Request>& fields();
};

const Fields<Request>& Request::fields() {
  static const Fields<Request> kFields(
      field("model", &Request::model).required().doc("A name from GET /api/tags."),
      field("messages", &Request::messages).doc("The conversation, oldest first; none: the model is loaded."),
      field("tools", &Request::tools).doc("Functions that the model may call."),
      field("format", &Request::format).doc("\"json\", or a JSON Schema that the answer follows."),
      field("options", &Request::options).doc("Settings by their names."),
      field("keep_alive", &Request::keep_alive).doc("How long the model stays loaded."),
      field("think", &Request::think).doc("Whether a model that can think does; a level where it has some."),
      field("stream", &Request::stream).doc("Send the answer line by line while it comes."),
      field("truncate", &Request::truncate)
          .doc("Leave out the oldest messages where the conversation is longer than the context."),
      field("logprobs", &Request::logprobs).doc("Say how likely each token was."),
      field("top_logprobs", &Request::top_logprobs).range(0, 20).doc("So many alternatives for each token."),
      field("_debug_render_only", &Request::debug_render_only).doc("Give the prompt instead of an answer."),
      without_effect<Request>("shift", "An answer ends where the context is full, and says so."));
  return kFields;
}

// Without the oldest messages that are no instruction, as many as must go so that the rest fits; the last one stays.
std::vector<int32_t> prompt_within(const chat::LoadedModel& model, chat::TemplateInput input) {
  const JsonArray all = input.messages.as_array("messages");
  const auto without_oldest = [&](size_t n_left_out) {
    Json messages = JsonArray{};
    for (const Json& one : all) {
      if (n_left_out > 0 && one.at("role").as_string("role") != "system" && &one != &all.back()) {
        --n_left_out;
      } else {
        messages.push(one);
      }
    }
    input.messages = std::move(messages);
    return model.prompt_of(input);
  };
  std::vector<int32_t> prompt = without_oldest(0);
  if (prompt.size() < model.context_len()) return prompt;
  // A conversation may have very many messages: each step halves what is not known.
  size_t too_few = 0;
  size_t enough = all.size();
  prompt = without_oldest(enough);  // refused with both numbers where the last one alone is too long
  while (enough - too_few > 1) {
    const size_t middle = too_few + (enough - too_few) / 2;
    std::vector<int32_t> tried = without_oldest(middle);
    if (tried.size() < model.context_len()) {
      enough = middle;
      prompt = std::move(tried);
    } else {
      too_few = middle;
    }
  }
  return prompt;
}

http::Response handle(const Request& request, RequestContext& context) {
  const UseOptions use_options = ollama::use_options_of(request);
  if (request.messages.empty()) return ollama::load_or_unload(context, request.model, use_options, ollama::Kind::kChat);
  ModelUse use = use_model(context, request.model, use_options);
  chat::LoadedModel& model = use.model->generator();
  chat::Settings settings = use.model->settings();
  if (request.options) settings.take(request.options->settings);

  chat::ReplyRequest reply;
  reply.client = context.client;
  reply.format = ollama::format_of(request.format);
  reply.tool_use = openai::tool_use_of(request.tools, Json(), true);
  if (request.logprobs) reply.top_logprobs = static_cast<size_t>(request.top_logprobs);
  chat::TemplateInput input;
  input.messages = with_stored_messages(ollama::template_messages(request.messages), use.model->source());
  input.tools = reply.tool_use.tools;
  ollama::apply(request.think, *use.model, request.model, input);
  if (request.debug_render_only) return ollama::rendered(request.model, model.chat_template().render(input));
  reply.prompt = request.truncate ? prompt_within(model, std::move(input)) : model.prompt_of(input);
  reply.settings = settings;
  RunningReplies replies = running_replies(context, use.model);
  replies.choices.push_back(std::make_unique<chat::Reply>(model, std::move(reply)));
  return respond(
      std::move(replies),
      std::make_unique<ollama::Writer>(ollama::Kind::kChat, request.model, use.loading, std::vector<int32_t>()),
      request.stream, context.cancel);
}

}  // namespace

Endpoint ollama_chat() {
  return json_endpoint<Request>("POST", "/api/chat", Dialect::kOllama, "Answer a conversation.", handle);
}

}  // namespace kinglet::serve
