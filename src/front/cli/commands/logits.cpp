// kinglet logits: logits of given ids, for other programs.
#include <algorithm>
#include <deque>

#include "front/cli/commands/commands.h"
#include "front/cli/input_files.h"
#include "front/cli/interrupt.h"
#include "front/cli/model_argument.h"
#include "front/cli/tensor_output.h"
#include "home/system/memory.h"
#include "run/engine/embedding.h"
#include "run/engine/scoring.h"
#include "run/engine/tokens.h"

namespace kinglet::cli {
namespace {

class Logits final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("MODEL", model_, "A name, a GGUF file, or a Hugging Face folder").is_model = true;
    arguments.option("--ids", "FILE", ids_, "A JSON array of arrays of token ids; - is standard input").is_file = true;
    arguments.option("--out", "FILE", out_, "The safetensors file to write").is_file = true;
    arguments.option("--types", "FILE", types_, "Token types in the form of --ids, for encoders (0 when absent)")
        .is_file = true;
    declare_adapters(arguments, adapters_);
  }

  void run(Session& session) override {
    if (ids_.empty()) fail(ErrorCode::kInvalidArgument, "--ids: is missing; it names a FILE with token ids");
    if (out_.empty()) fail(ErrorCode::kInvalidArgument, "--out: is missing; it names the FILE to write");
    session.require_f32_kv("logits");
    InterruptWatch interrupt;
    const auto lists = id_lists_of(system::Json::parse(read_input(ids_), ids_), ids_);
    ModelSource source = find_model(session, model_);
    add_adapters(source, adapters_);
    const auto model = models::Model::load(open_source(source, {.has_words = false}), source.adapters);
    if (!model->gives_logits()) return run_encoder(session, *model, lists);
    if (!types_.empty()) fail(ErrorCode::kInvalidArgument, "--types: are for encoders; this model has none");
    check(lists, model->config());
    const size_t vocab_size = model->config().vocab_size;
    std::deque<std::vector<float>> results;
    format::SafetensorsWriter writer;
    std::unique_ptr<engine::Scorer> scorer;
    size_t scored_len = 0;
    for (const std::vector<int32_t>& ids : lists) {
      // Some rope variants depend on the length, so each length has its own.
      if (ids.size() != scored_len) {
        scorer.reset();
        scorer = std::make_unique<engine::Scorer>(*model, ids.size(), session.table(), session.pool());
        scored_len = ids.size();
      }
      std::vector<float>& values = results.emplace_back(ids.size() * vocab_size);
      scorer->logits(ids, 0, [&](size_t row, std::span<const float> logits) {
        interrupt.check();
        std::ranges::copy(logits, values.begin() + static_cast<ptrdiff_t>(row * vocab_size));
      });
      writer.add_tensor(str("logits.", results.size() - 1), "F32", {ids.size(), vocab_size},
                        std::as_bytes(std::span(values)));
    }
    write_tensors(writer, out_);
  }

 private:
  // Rows of the last layer, or what a classifier makes of them.
  void run_encoder(Session& session, const models::Model& model, const std::vector<std::vector<int32_t>>& lists) const {
    std::vector<engine::TypedTokens> texts;
    for (const std::vector<int32_t>& ids : lists) texts.push_back({ids});
    if (!types_.empty()) {
      const auto types = id_lists_of(system::Json::parse(read_input(types_), types_), types_);
      if (types.size() != texts.size())
        fail_with(ErrorCode::kInvalidArgument, types_, ": has ", types.size(), " lists, --ids has ", texts.size());
      for (size_t i = 0; i < texts.size(); ++i) texts[i].types = types[i];
    }
    using Output = engine::Embedder::Output;
    const bool is_classifier = model.config().n_labels > 0;
    engine::Embedder embedder(
        model,
        {.output = is_classifier ? Output::kScores : Output::kHidden, .memory_limit = system::memory().available_bytes},
        session.table(), session.pool());
    const bool is_by_token = !is_classifier || model.config().classifier_pooling == models::Pooling::kNone;
    size_t n_rows = 0;
    for (const engine::TypedTokens& text : texts) n_rows += is_by_token ? text.ids.size() : 1;
    require_memory(n_rows * embedder.n_cols());
    std::deque<std::vector<float>> results;
    format::SafetensorsWriter writer;
    embedder.run(texts, [&](size_t idx, std::span<const float> rows) {
      results.emplace_back(rows.begin(), rows.end());
      std::vector<uint64_t> shape = {rows.size() / embedder.n_cols(), embedder.n_cols()};
      if (!is_by_token) shape.erase(shape.begin());  // one row of a text is a vector
      writer.add_tensor(str(is_classifier ? "logits." : "hidden.", idx), "F32", std::move(shape),
                        std::as_bytes(std::span(results.back())));
    });
    write_tensors(writer, out_);
  }

  void check(const std::vector<std::vector<int32_t>>& lists, const models::DecoderConfig& config) const {
    uint64_t n_values = 0;
    for (size_t i = 0; i < lists.size(); ++i) {
      if (lists[i].empty()) fail_with(ErrorCode::kInvalidArgument, ids_, ": list ", i, " is empty");
      // Dynamic scaling is there for sequences that are longer.
      if (lists[i].size() > config.context_len && !config.depends_on_length()) {
        fail_with(ErrorCode::kContextFull, ids_, ": list ", i, " has ", lists[i].size(),
                  " tokens, the model's context ", config.context_len, "; shorten it");
      }
      engine::check_tokens(lists[i], config.vocab_size);
      n_values += lists[i].size() * config.vocab_size;
    }
    require_memory(n_values);
  }

  static void require_memory(uint64_t n_values) {
    const uint64_t available = system::memory().available_bytes;
    if (available != 0 && n_values * sizeof(float) > available) {
      fail_with(ErrorCode::kOutOfMemory, "logits: need ", n_values * sizeof(float), " bytes, ", available,
                " are free; give fewer ids at once");
    }
  }

  std::string model_;
  std::string ids_;
  std::string types_;
  std::string out_;
  std::vector<std::string> adapters_;
};

}  // namespace

Command logits_command() {
  return {
      "logits",
      "",
      "Write the logits of given token ids to a file",
      "For each list of ids the file holds logits.0, logits.1, ... in F32, [tokens, vocabulary]; of an encoder "
      "hidden.0, ..., [tokens, hidden]; of a classifier logits.0, ..., [labels] or [tokens, labels]. Keys and values "
      "are kept in f32. No token is added to the ids.",
      "echo '[[1, 2, 3], [4, 5]]' | kinglet logits smollm2:135m --ids - --out logits.safetensors",
      make_action<Logits>};
}

}  // namespace kinglet::cli
