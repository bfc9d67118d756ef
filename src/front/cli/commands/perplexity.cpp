// kinglet perplexity: how well a model predicts a text.
#include "front/cli/commands/commands.h"
#include "front/cli/input_files.h"
#include "front/cli/interrupt.h"
#include "front/cli/model_argument.h"
#include "front/cli/progress.h"
#include "learn/eval/eval.h"

namespace kinglet::cli {
namespace {

class Perplexity final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("MODEL", model_, "A name, a GGUF file, or a Hugging Face folder").is_model = true;
    arguments.argument("TEXT", text_, "A text file; - is standard input").is_file = true;
    arguments.option("--context", "N", context_, "Tokens of a window (default 512)");
    arguments.option("--windows", "N", windows_, "Score only the first N windows");
    arguments.flag("--whole", whole_, "Score every token, not the second half of each window alone");
    arguments.flag("--json", json_, "The document on one line");
  }

  void run(Session& session) override {
    session.require_f32_kv("perplexity");
    if (windows_ == 0) fail(ErrorCode::kInvalidArgument, "--windows: 0 windows say nothing");
    const std::string text = read_input(text_);
    require_utf8(text, text_);
    InterruptWatch interrupt;
    const auto file = open_source(find_model(session, model_));
    const auto tokenizer = chat::make_tokenizer(*file);
    const auto model = models::Model::load(file);
    eval::PerplexityOptions options;
    options.context_len = context_;
    if (windows_) options.n_windows = *windows_;
    options.whole = whole_;
    std::vector<int32_t> ids = tokenizer->encode(text);
    if (tokenizer->spec().add_bos && tokenizer->spec().bos) {
      options.begin = tokenizer->spec().bos;
      ids.insert(ids.begin(), *options.begin);
    }
    ProgressLine line(session.shows_progress());
    const eval::Perplexity result =
        eval::perplexity(*model, ids, options, session.table(), session.pool(), [&](size_t done, size_t all) {
          interrupt.check();
          line.show_count("windows", done, all);
        });
    line.finish();
    system::Json document;
    document.set("perplexity", result.perplexity);
    document.set("nll_per_token", result.nll_per_token);
    document.set("tokens", result.n_tokens);
    document.set("tokens_per_second", static_cast<double>(result.n_run) / result.seconds);
    session.out().write(document.dump(json_ ? -1 : 2) + '\n');
  }

 private:
  std::string model_;
  std::string text_;
  uint64_t context_ = 512;
  std::optional<uint64_t> windows_;
  bool whole_ = false;
  bool json_ = false;
};

}  // namespace

Command perplexity_command() {
  return {"perplexity",
          "",
          "Measure how well a model predicts a text",
          "Defined as llama.cpp's tool defines it: the text is cut into windows of --context tokens, and the second "
          "half of "
          "each is scored; a rest that fills no window is left out. The result is a JSON document: {\"perplexity\", "
          "\"nll_per_token\" (nats), \"tokens\" (scored), \"tokens_per_second\" (run)}. Keys and values are f32.",
          "kinglet perplexity smollm2:135m wiki.valid.txt --windows 32\n"
          "kinglet perplexity smollm2:135m story.txt --whole --json",
          make_action<Perplexity>};
}

}  // namespace kinglet::cli
