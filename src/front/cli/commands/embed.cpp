// kinglet embed: a vector for each text.
#include "front/cli/commands/commands.h"
#include "front/cli/input_files.h"
#include "front/cli/interrupt.h"
#include "front/cli/model_argument.h"
#include "front/cli/numbers.h"
#include "front/cli/progress.h"
#include "front/cli/text_lines.h"
#include "run/engine/embedding.h"

namespace kinglet::cli {
namespace {

constexpr size_t kTextsAtOnce = 256;  // what is read and not yet answered

class Embed final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("MODEL", model_, "A name, a GGUF file, or a Hugging Face folder").is_model = true;
    arguments
        .option("--pooling", "KIND", pooling_,
                "How rows of tokens become a vector: mean, cls (the first) or last (default: the model's own)")
        .choices = {"mean", "cls", "last"};
    arguments.flag("--no-normalize", keeps_length_, "Leave vectors as long as they are; else their length is one");
    arguments.option("--prefix", "TEXT", prefix_, "Put this in front of each text, as some models want it");
    arguments.flag("--jsonl", json_lines_, "Read one JSON string a line, for texts of several lines");
    declare_adapters(arguments, adapters_);
  }

  void run(Session& session) override {
    require_utf8(prefix_, "--prefix");
    ModelSource source = find_model(session, model_);
    add_adapters(source, adapters_);
    const auto file = open_source(source);
    const auto tokenizer = chat::make_tokenizer(*file);
    const auto model = models::Model::load(file, source.adapters);
    engine::Embedder::Options options{.normalize = !keeps_length_};
    if (!pooling_.empty()) options.pooling = pooling_of(pooling_);
    engine::Embedder embedder(*model, options, session.table(), session.pool());
    const std::vector<std::string> texts = lines_of(read_input("-"), json_lines_);
    InterruptWatch interrupt;
    ProgressLine line(session.shows_progress());
    for (size_t first = 0; first < texts.size(); first += kTextsAtOnce) {
      const size_t n = std::min(kTextsAtOnce, texts.size() - first);
      std::vector<engine::TypedTokens> tokens;
      for (size_t i = first; i < first + n; ++i) {
        tokens.push_back({tokenizer->encode(str(prefix_, texts[i]), {.bos = true})});
        check(tokens.back(), *model, i);
      }
      embedder.run(tokens, [&](size_t /*idx*/, std::span<const float> vector) {
        interrupt.check();
        session.out().write(json_array(vector) + '\n');
      });
      line.show_count("texts", first + n, texts.size());
      session.out().flush();
    }
    line.finish();
  }

 private:
  static models::Pooling pooling_of(std::string_view name) {
    return name == "mean" ? models::Pooling::kMean : name == "cls" ? models::Pooling::kCls : models::Pooling::kLast;
  }

  static void check(const engine::TypedTokens& tokens, const models::Model& model, size_t idx) {
    const models::DecoderConfig& config = model.config();
    if (tokens.ids.empty())
      fail_with(ErrorCode::kInvalidArgument, "line ", idx + 1, ": is empty, and the model adds no token of its own");
    if (tokens.ids.size() > config.context_len && !config.depends_on_length()) {
      fail_with(ErrorCode::kContextFull, "line ", idx + 1, ": has ", tokens.ids.size(), " tokens, the model's context ",
                config.context_len, "; cut it into pieces");
    }
  }

  std::string model_;
  std::string pooling_;
  std::string prefix_;
  bool keeps_length_ = false;
  bool json_lines_ = false;
  std::vector<std::string> adapters_;
};

}  // namespace

Command embed_command() {
  return {
      "embed",
      "",
      "Turn texts on standard input into vectors",
      "Reads one text a line and prints one JSON array a line. Texts with similar meanings get vectors with a large "
      "product. Of any model that runs: of an encoder, or of one that generates (the last token's row).",
      "echo \"A small bird sings.\" | kinglet embed ./all-MiniLM-L6-v2\n"
      "kinglet embed nomic-embed-text --prefix \"search_query: \" < queries.txt > vectors.jsonl",
      make_action<Embed>};
}

}  // namespace kinglet::cli
