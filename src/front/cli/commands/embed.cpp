// kinglet embed: a vector for each text.
#include "front/cli/commands/commands.h"
#include "front/cli/input_files.h"
#include "front/cli/interrupt.h"
#include "front/cli/line_reader.h"
#include "front/cli/model_argument.h"
#include "front/cli/numbers.h"
#include "front/cli/progress.h"
#include "home/system/memory.h"
#include "run/chat/embedding_words.h"
#include "run/chat/vector_text.h"
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
    arguments.option("--prompt", "NAME", prompt_,
                     "Put the model's prompt of this name in front of each text (default: the model's own choice)");
    arguments.flag("--truncate", truncates_, "Cut texts that are over the model's context, instead of refusing them");
    arguments.flag("--jsonl", json_lines_, "Read one JSON string a line, for texts of several lines");
    arguments.option("--ids", "FILE", ids_, "In place of texts a JSON array of arrays of token ids, taken as they are")
        .is_file = true;
    declare_adapters(arguments, adapters_);
  }

  void run(Session& session) override {
    if (prefix_) require_utf8(*prefix_, "--prefix");
    if (prefix_ && prompt_) fail(ErrorCode::kInvalidArgument, "--prompt: names another text than --prefix; give one");
    if (!ids_.empty() && (json_lines_ || prefix_ || prompt_))
      fail(ErrorCode::kInvalidArgument, "--ids: are no texts, which --prefix, --prompt and --jsonl are for");
    ModelSource source = find_model(session, model_);
    add_adapters(source, adapters_);
    const auto file = open_source(source);
    const auto tokenizer = ids_.empty() ? chat::make_tokenizer(*file) : nullptr;
    const auto words = chat::EmbeddingWords::of(file->metadata());
    const std::string before = prefix_ ? *prefix_ : prompt_ ? words.prompt(*prompt_) : words.default_prompt;
    const auto model = models::Model::load(file, source.adapters);
    engine::Embedder::Options options{.normalize = !keeps_length_, .memory_limit = system::memory().available_bytes};
    if (!pooling_.empty()) options.pooling = pooling_of(pooling_);
    engine::Embedder embedder(*model, options, session.table(), session.pool());
    InterruptWatch interrupt;
    const auto write = [&](size_t /*idx*/, std::span<const float> vector) {
      interrupt.check();
      session.out().write(json_array(vector) + '\n');
    };
    if (!ids_.empty()) return embedder.run(texts_of_ids(*model), write);
    ProgressLine progress(session.shows_progress());
    LineReader reader(json_lines_, interrupt);
    size_t n_texts = 0;
    for (auto lines = reader.next(kTextsAtOnce); !lines.empty(); lines = reader.next(kTextsAtOnce)) {
      std::vector<engine::TypedTokens> texts;
      for (const LineReader::Line& line : lines) {
        texts.push_back({chat::vector_ids(*tokenizer, model->config(), words, before + line.text, truncates_,
                                          str("line ", line.number))});
      }
      embedder.run(texts, write);
      session.out().flush();
      progress.show_count("texts", n_texts += texts.size());
    }
  }

 private:
  static models::Pooling pooling_of(std::string_view name) {
    return name == "mean" ? models::Pooling::kMean : name == "cls" ? models::Pooling::kCls : models::Pooling::kLast;
  }

  [[nodiscard]] std::vector<engine::TypedTokens> texts_of_ids(const models::Model& model) const {
    std::vector<engine::TypedTokens> texts;
    for (auto& ids : id_lists_of(system::Json::parse(read_input(ids_), ids_), ids_)) {
      if (truncates_ && !model.config().depends_on_length() && ids.size() > model.config().context_len)
        ids.resize(model.config().context_len);
      texts.push_back({std::move(ids)});
    }
    return texts;
  }

  std::string model_;
  std::string pooling_;
  std::optional<std::string> prefix_;
  std::optional<std::string> prompt_;
  std::string ids_;
  bool keeps_length_ = false;
  bool truncates_ = false;
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
      "product. Of any model that runs: of an encoder, or of one that generates (the last token's row). Vectors come "
      "in the order of the texts, while more of them are read. A model of sentence-transformers has prompts, and a "
      "length that it was trained with, behind which texts are cut.",
      "echo \"A small bird sings.\" | kinglet embed ./all-MiniLM-L6-v2\n"
      "kinglet embed nomic-embed-text --prefix \"search_query: \" < queries.txt > vectors.jsonl",
      make_action<Embed>};
}

}  // namespace kinglet::cli
