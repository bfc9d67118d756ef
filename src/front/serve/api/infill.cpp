// POST /infill (as llama-server has it): what stands between two texts.
#include "run/chat/infill.h"
#include "front/serve/api/routes.h"
#include "front/serve/dialects/openai.h"
#include "front/serve/model_use.h"

namespace kinglet::serve {
namespace {

struct Extra {
  std::string filename;
  std::string text;

  static const Fields<Extra>& fields() {
    static const Fields<Extra> kFields(field("filename", &Extra::filename).doc("The file's name."),
                                       field("text", &Extra::text).required().doc("Its text."));
    return kFields;
  }
};

struct Request {
  std::optional<std::string> model;
  std::string input_prefix;
  std::string input_suffix;
  std::vector<Extra> input_extra;
  std::string prompt;
  std::optional<int64_t> n_predict;
  bool stream = false;
  openai::Sampling sampling;

  static const Fields<Request>& fields() {
    static const Fields<Request> kFields = openai::with_sampling<Request>(
        &Request::sampling,
        field("model", &Request::model).doc("A name; the one that is loaded where there is one alone."),
        field("input_prefix", &Request::input_prefix).required().doc("What stands before."),
        field("input_suffix", &Request::input_suffix).required().doc("What stands behind."),
        field("input_extra", &Request::input_extra).doc("Other files, the nearest last."),
        field("prompt", &Request::prompt).doc("What the text begins with; it is not written again."),
        field("n_predict", &Request::n_predict).range(1, 1e9).doc("Most tokens of the text."),
        field("stream", &Request::stream).doc("Send the text as server-sent events while it comes."),
        without_effect<Request>("cache_prompt", "Prefixes are always kept."),
        without_effect<Request>("id_slot", "There are no slots."),
        without_effect<Request>("samplers", "They come in their one order."));
    return kFields;
  }
};

// {"content", "stop", ...}, whole or in events.
class Writer final : public ReplyWriter {
 public:
  explicit Writer(std::string model) : model_(std::move(model)) {}
  [[nodiscard]] std::string_view content_type() const noexcept override { return "text/event-stream"; }
  void take(size_t /*choice*/, const chat::ReplyPiece& event, std::string& out) override {
    out += openai::event_text(JsonObject{{"content", event.text}, {"stop", false}});
  }
  void end(size_t /*choice*/, const chat::ReplyResult& result, std::string& out) override {
    out += openai::event_text(last("", result));
  }
  void finish(std::span<const chat::ReplyResult> /*results*/, std::string& /*out*/) override {}
  void fail(const Error& error, std::string& out) override {
    out += openai::event_text(error_body(Dialect::kOpenAi, http::status_of(error.code()), error.message(), ""));
  }
  Json whole(std::span<const chat::ReplyResult> results) override {
    return last(results.front().text, results.front());
  }

 private:
  [[nodiscard]] Json last(const std::string& content, const chat::ReplyResult& result) const {
    const bool is_cut = result.finish == chat::Finish::kLength || result.finish == chat::Finish::kContext;
    return JsonObject{{"content", content},
                      {"stop", true},
                      {"model", model_},
                      {"tokens_predicted", result.usage.completion_tokens},
                      {"tokens_evaluated", result.usage.prompt_tokens},
                      {"tokens_cached", result.usage.cached_tokens},
                      {"stop_type", is_cut                ? "limit"
                                    : result.stop.empty() ? "eos"
                                                          : "word"},
                      {"stopping_word", result.stop}};
  }

  std::string model_;
};

http::Response handle(const Request& request, RequestContext& context) {
  const std::string name = request.model ? *request.model : only_model(context);
  const ModelUse use = use_model(context, name);
  chat::LoadedModel& model = use.model->generator();
  chat::ReplyRequest reply;
  reply.settings = use.model->settings();
  openai::apply(request.sampling, model.model().config().vocab_size, reply.settings);
  if (request.n_predict) reply.settings.max_tokens = static_cast<uint64_t>(*request.n_predict);
  reply.client = context.client;
  reply.options.continues = true;
  chat::Infill infill{.prefix = request.input_prefix, .suffix = request.input_suffix, .middle = request.prompt};
  for (const Extra& one : request.input_extra) infill.files.push_back({one.filename, one.text});
  reply.prompt = chat::infill_prompt(use.model->words(), use.model->file().metadata(), infill);
  reply.options.more_ends = chat::infill_ends(use.model->file().metadata());
  RunningReplies replies = running_replies(context, use.model);
  replies.choices.push_back(std::make_unique<chat::Reply>(model, std::move(reply)));
  return respond(std::move(replies), std::make_unique<Writer>(name), request.stream, context.cancel);
}

}  // namespace

Endpoint infill() {
  return json_endpoint<Request>("POST", "/infill", Dialect::kOpenAi, "Fill in between two texts.", handle);
}

}  // namespace kinglet::serve
