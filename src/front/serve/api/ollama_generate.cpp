// POST /api/generate (Ollama).
#include "front/serve/api/routes.h"
#include "front/serve/dialects/ollama.h"
#include "front/serve/model_use.h"
#include "run/chat/infill.h"

namespace kinglet::serve {
namespace {

struct Request {
  std::string model;
  std::string prompt;
  std::string suffix;
  std::optional<std::string> system;
  std::string template_text;
  std::vector<int64_t> context;
  bool raw = false;
  Json format;
  std::optional<ollama::Options> options;
  std::optional<ollama::KeepAlive> keep_alive;
  std::optional<ollama::Think> think;
  std::vector<std::string> images;
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
      field("prompt", &Request::prompt).doc("What to answer; empty: the model is loaded."),
      field("suffix", &Request::suffix).doc("What comes behind the answer: the model fills in between."),
      field("system", &Request::system).doc("In place of the model's own system message."),
      field("template", &Request::template_text).doc("In place of the model's own template."),
      field("context", &Request::context).doc("Ids of a former reply's context, which this one goes on."),
      field("raw", &Request::raw).doc("No template: the text goes on where the prompt ends."),
      field("format", &Request::format).doc("\"json\", or a JSON Schema that the answer follows."),
      field("options", &Request::options).doc("Settings by their names."),
      field("keep_alive", &Request::keep_alive).doc("How long the model stays loaded."),
      field("think", &Request::think).doc("Whether a model that can think does; a level where it has some."),
      field("images", &Request::images).doc("Refused until a model can see."),
      field("stream", &Request::stream).doc("Send the answer line by line while it comes."),
      field("truncate", &Request::truncate).doc("Cut the beginning of a prompt that is longer than the context."),
      field("logprobs", &Request::logprobs).doc("Say how likely each token was."),
      field("top_logprobs", &Request::top_logprobs).range(0, 20).doc("So many alternatives for each token."),
      field("_debug_render_only", &Request::debug_render_only).doc("Give the prompt instead of an answer."),
      without_effect<Request>("shift", "An answer ends where the context is full, and says so."));
  return kFields;
}

void check(const Request& request) {
  if (!request.images.empty()) throw ApiError(400, "images: this model cannot see", "images");
  if (request.raw) {
    if (request.system) throw ApiError(400, "system: has no place with raw", "system");
    if (!request.template_text.empty()) throw ApiError(400, "template: has no place with raw", "template");
    if (!request.context.empty()) throw ApiError(400, "context: has no place with raw", "context");
  }
  if (!request.suffix.empty() && !request.context.empty())
    throw ApiError(400, "suffix: has no place with context", "suffix");
}

chat::TemplateInput messages_of(const Request& request, const chat::HostedModel& model) {
  Json messages = JsonArray{};
  if (request.system && !request.system->empty())
    messages.push(JsonObject{{"role", "system"}, {"content", *request.system}});
  messages.push(JsonObject{{"role", "user"}, {"content", request.prompt}});
  chat::TemplateInput input;
  input.messages = with_stored_messages(std::move(messages), model.source(), !request.system);
  return input;
}

http::Response handle(const Request& request, RequestContext& context) {
  check(request);
  const UseOptions use_options = ollama::use_options_of(request);
  if (request.prompt.empty() && request.suffix.empty() && request.context.empty())
    return ollama::load_or_unload(context, request.model, use_options, ollama::Kind::kGenerate);
  ModelUse use = use_model(context, request.model, use_options);
  chat::LoadedModel& model = use.model->generator();
  chat::Settings settings = use.model->settings();
  if (request.options) settings.take(request.options->settings);

  chat::ReplyRequest reply;
  reply.client = context.client;
  reply.format = ollama::format_of(request.format);
  if (request.logprobs) reply.top_logprobs = static_cast<size_t>(request.top_logprobs);
  if (request.raw) {
    reply.options.continues = true;
    reply.prompt = model.prompt_of(request.prompt);
    if (request.debug_render_only) return ollama::rendered(request.model, request.prompt);
  } else if (!request.suffix.empty()) {
    reply.options.continues = true;
    reply.options.more_ends = chat::infill_ends(use.model->file().metadata());
    reply.prompt =
        chat::infill_prompt(use.model->words(), use.model->file().metadata(), {request.prompt, request.suffix});
  } else {
    chat::TemplateInput input = messages_of(request, *use.model);
    ollama::apply(request.think, *use.model, request.model, input);
    std::optional<chat::ChatTemplate> own;
    if (!request.template_text.empty())
      own.emplace(chat::language_of(request.template_text), request.template_text, "template");
    if (request.debug_render_only) {
      return ollama::rendered(request.model, (own ? *own : model.chat_template()).render(input));
    }
    reply.prompt = own ? model.prompt_of(input, *own) : model.prompt_of(input);
    if (!request.context.empty()) {
      std::vector<int32_t> all = ollama::ids_of(request.context, model.model().config().vocab_size);
      all.insert(all.end(), reply.prompt.begin(), reply.prompt.end());
      reply.prompt = std::move(all);
    }
  }
  // What is filled in is marked at both ends: such a prompt is refused where it is too long.
  if (request.truncate && request.suffix.empty() && reply.prompt.size() >= model.context_len()) {
    // As many of the last tokens as leave half of the context to the answer.
    const size_t n_kept = std::max<size_t>(model.context_len() / 2, 1);
    reply.prompt.erase(reply.prompt.begin(), reply.prompt.end() - static_cast<ptrdiff_t>(n_kept));
  }
  reply.settings = settings;
  const std::vector<int32_t> ids = request.raw ? std::vector<int32_t>() : reply.prompt;
  RunningReplies replies = running_replies(context, use.model);
  replies.choices.push_back(std::make_unique<chat::Reply>(model, std::move(reply)));
  return respond(std::move(replies),
                 std::make_unique<ollama::Writer>(ollama::Kind::kGenerate, request.model, use.loading, ids),
                 request.stream, context.cancel);
}

}  // namespace

Endpoint ollama_generate() {
  return json_endpoint<Request>("POST", "/api/generate", Dialect::kOllama, "Answer a prompt.", handle);
}

}  // namespace kinglet::serve
