// kinglet rerank: how well documents answer a query.
#include <array>

#include "front/cli/commands/commands.h"
#include "front/cli/input_files.h"
#include "front/cli/interrupt.h"
#include "front/cli/model_argument.h"
#include "front/cli/numbers.h"
#include "front/cli/progress.h"
#include "front/cli/text_lines.h"
#include "run/chat/text_pair.h"
#include "run/engine/embedding.h"

namespace kinglet::cli {
namespace {

constexpr size_t kTextsAtOnce = 64;

class Rerank final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("MODEL", model_, "A reranker: a name, a GGUF file, or a Hugging Face folder").is_model = true;
    arguments.option("--query", "Q", query_, "What the documents are to answer");
    arguments.flag("--jsonl", json_lines_, "Read one JSON string a line, for documents of several lines");
  }

  void run(Session& session) override {
    if (query_.empty()) fail(ErrorCode::kInvalidArgument, "--query: is missing; it says what documents are to answer");
    require_utf8(query_, "--query");
    const ModelSource source = find_model(session, model_);
    const auto file = open_source(source);
    const auto tokenizer = chat::make_tokenizer(*file);
    const auto model = models::Model::load(file);
    const models::DecoderConfig& config = model->config();
    engine::Embedder embedder(*model, {.output = engine::Embedder::Output::kScores}, session.table(), session.pool());
    if (config.classifier_pooling == models::Pooling::kNone || config.n_labels != 1) {
      fail_with(ErrorCode::kUnsupported, file->path(), ": classifies into ", config.n_labels,
                config.classifier_pooling == models::Pooling::kNone ? " labels of tokens" : " labels",
                "; a reranker gives one score for a pair of texts");
    }
    const std::vector<std::string> documents = lines_of(read_input("-"), json_lines_);
    InterruptWatch interrupt;
    ProgressLine line(session.shows_progress());
    for (size_t first = 0; first < documents.size(); first += kTextsAtOnce) {
      const size_t n = std::min(kTextsAtOnce, documents.size() - first);
      std::vector<engine::TypedTokens> pairs;
      for (size_t i = first; i < first + n; ++i) {
        pairs.push_back(chat::text_pair(*tokenizer, file->metadata(), config, query_, documents[i]));
        if (pairs.back().ids.size() > config.context_len) {
          fail_with(ErrorCode::kContextFull, "line ", i + 1, ": with the query it has ", pairs.back().ids.size(),
                    " tokens, the model's context is ", config.context_len, "; cut it into pieces");
        }
      }
      embedder.run(pairs, [&](size_t /*idx*/, std::span<const float> score) {
        interrupt.check();
        session.out().write(shortest(score[0]) + '\n');
      });
      line.show_count("documents", first + n, documents.size());
      session.out().flush();
    }
    line.finish();
  }

 private:
  std::string model_;
  std::string query_;
  bool json_lines_ = false;
};

}  // namespace

Command rerank_command() {
  return {"rerank",
          "",
          "Score how well documents answer a query",
          "Reads one document a line and prints one score a line: the model's own number, of any sign; the larger, the "
          "better it answers.",
          "kinglet rerank ./bge-reranker-base --query \"Which bird wears a crown?\" < documents.txt",
          make_action<Rerank>};
}

}  // namespace kinglet::cli
