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
    arguments.option("--against", "MODEL", against_, "Compare predictions with those of this model").is_model = true;
    arguments.flag("--json", json_, "The document on one line");
  }

  void run(Session& session) override {
    session.require_f32_kv("perplexity");
    if (windows_ == 0) fail(ErrorCode::kInvalidArgument, "--windows: 0 windows say nothing");
    const std::string text = read_input(text_);
    require_utf8(text, text_);
    InterruptWatch interrupt;
    const ModelSource source = find_model(session, model_);
    const auto file = open_source(source);
    const auto tokenizer = chat::make_tokenizer(*file);
    const auto model = models::Model::load(file, source.adapters);
    model->require_head();
    std::shared_ptr<const models::Model> against;
    if (!against_.empty()) {
      const ModelSource other_source = find_model(session, against_);
      const auto other = open_source(other_source);
      require_same_vocabulary(*file, *other);
      against = models::Model::load(other, other_source.adapters);
      require_same_size(*model, *against);
    }
    eval::PerplexityOptions options;
    options.against = against.get();
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
    if (const auto& divergence = result.divergence) {
      document.set("kl_mean", divergence->mean);
      document.set("kl_median", divergence->median);
      document.set("kl_p99", divergence->p99);
      document.set("kl_max", divergence->max);
      document.set("top_1_agreement", divergence->top_1_agreement);
    }
    session.out().write(document.dump(json_ ? -1 : 2) + '\n');
  }

 private:
  // Ids mean the same words, or nothing can be compared.
  static void require_same_vocabulary(const format::ModelFile& file, const format::ModelFile& other) {
    const format::Array* own = file.metadata().string_array("tokenizer.ggml.tokens");
    const format::Array* others = other.metadata().string_array("tokenizer.ggml.tokens");
    if (own == nullptr || others == nullptr) return;  // a folder's words are in its tokenizer; its size is compared
    const auto refuse = [&](const auto&... why) {
      fail_with(ErrorCode::kInvalidArgument, "--against: ", other.path(), ": has another vocabulary than ", file.path(),
                ": ", why...);
    };
    if (own->size != others->size) refuse(others->size, " tokens, not ", own->size);
    for (uint64_t i = 0; i < own->size; ++i) {
      if (own->string(i) != others->string(i)) refuse("token ", i, " differs");
    }
  }
  static void require_same_size(const models::Model& model, const models::Model& other) {
    if (model.config().vocab_size == other.config().vocab_size) return;
    fail_with(ErrorCode::kInvalidArgument, "--against: ", other.file().path(), ": has another vocabulary than ",
              model.file().path(), ": ", other.config().vocab_size, " tokens, not ", model.config().vocab_size);
  }

  std::string model_;
  std::string text_;
  std::string against_;
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
          "\"nll_per_token\" (nats), \"tokens\" (scored), \"tokens_per_second\" (run)}. Keys and values are f32. With "
          "--against also what llama.cpp's --kl-divergence gives: "
          "\"kl_mean\", \"kl_median\", \"kl_p99\" and \"kl_max\", the Kullback-Leibler divergence of MODEL's "
          "predictions from the other model's in nats, and \"top_1_agreement\", the part of tokens where both find the "
          "same one most likely.",
          "kinglet perplexity smollm2:135m wiki.valid.txt --windows 32\n"
          "kinglet perplexity smollm2:135m story.txt --whole --json\n"
          "kinglet perplexity small-q4.gguf wiki.valid.txt --against f16.gguf",
          make_action<Perplexity>};
}

}  // namespace kinglet::cli
