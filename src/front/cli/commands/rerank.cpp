// kinglet rerank: how well documents answer a query.
#include "front/cli/commands/commands.h"
#include "front/cli/input_files.h"
#include "front/cli/interrupt.h"
#include "front/cli/line_reader.h"
#include "front/cli/model_argument.h"
#include "front/cli/numbers.h"
#include "front/cli/progress.h"
#include "home/system/memory.h"
#include "run/chat/text_pair.h"
#include "run/chat/vector_text.h"
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
    engine::Embedder embedder(
        *model, {.output = engine::Embedder::Output::kScores, .memory_limit = system::memory().available_bytes},
        session.table(), session.pool());
    const chat::PairScore score(*model);
    InterruptWatch interrupt;
    ProgressLine progress(session.shows_progress());
    LineReader reader(json_lines_, interrupt);
    size_t n_documents = 0;
    for (auto lines = reader.next(kTextsAtOnce); !lines.empty(); lines = reader.next(kTextsAtOnce)) {
      std::vector<engine::TypedTokens> pairs;
      for (const LineReader::Line& line : lines) {
        pairs.push_back(chat::text_pair(*tokenizer, file->metadata(), config, query_, line.text));
        chat::require_context(config, pairs.back().ids.size(), str("line ", line.number, " with the query"));
      }
      embedder.run(pairs, [&](size_t /*idx*/, std::span<const float> scores) {
        interrupt.check();
        session.out().write(shortest(score.of(scores)) + '\n');
      });
      session.out().flush();
      progress.show_count("documents", n_documents += pairs.size());
    }
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
          "better it answers. Of models that say yes or no it is how far yes is above no.",
          "kinglet rerank ./bge-reranker-base --query \"Which bird wears a crown?\" < documents.txt",
          make_action<Rerank>};
}

}  // namespace kinglet::cli
