#include "run/engine/embedding.h"

#include <algorithm>
#include <array>

#include "run/engine/tokens.h"

namespace kinglet::engine {
namespace {

// Rows of one run: enough for products to be worth while. A longer text has a run of its own.
constexpr size_t kRows = 512;
constexpr size_t kMaxTexts = 128;

ir::Value value_of(const models::Description& description, Embedder::Output output) {
  switch (output) {
    case Embedder::Output::kHidden:
      return description.hidden;
    case Embedder::Output::kScores:
      return description.scores;
    default:
      return description.pooled;
  }
}

}  // namespace

Embedder::Embedder(const models::Model& model, const Options& options, const kernels::KernelTable& table,
                   ThreadPool& pool)
    : model_(model), options_(options), table_(table), pool_(pool) {
  const models::DecoderConfig& config = model.config();
  const bool is_of_scores = options.output == Output::kScores;
  if (is_of_scores && config.n_labels == 0)
    fail_with(ErrorCode::kUnsupported, model.file().path(), ": has no classifier, so it gives no scores");
  is_by_token_ =
      options.output == Output::kHidden || (is_of_scores && config.classifier_pooling == models::Pooling::kNone);
  make_room(kRows);
}

void Embedder::make_room(size_t n_rows) {
  models::Description description = model_.describe({.pooling = options_.pooling, .normalize = options_.normalize});
  output_ = value_of(description, options_.output);  // the same value of each description
  n_cols_ = description.graph.type(output_).cols;
  const std::array outputs{output_};
  graph::lower_for_inference(description.graph, outputs, std::nullopt);
  graph::Plan::Options plan;
  plan.max_rows = {n_rows, 1, kMaxTexts};
  plan.max_sequences = kMaxTexts;
  auto made = std::make_shared<const graph::Plan>(std::move(description.graph), outputs, plan, table_);
  const size_t n_bytes = made->total_bytes(pool_.n_threads());
  if (options_.memory_limit != 0 && n_bytes > options_.memory_limit) {
    fail_with(ErrorCode::kOutOfMemory, "memory: rows of ", n_rows, " tokens need ", n_bytes, " bytes, ",
              options_.memory_limit, " are free; cut the text into pieces");
  }
  if (options_.admit) options_.admit(n_bytes);
  executor_.reset();
  executor_ = std::make_unique<graph::Executor<float>>(std::move(made), table_, pool_);
}

void Embedder::check(const TypedTokens& text, size_t idx) const {
  const models::DecoderConfig& config = model_.config();
  if (text.ids.empty()) fail_with(ErrorCode::kInvalidArgument, "text ", idx, ": has no tokens");
  if (text.ids.size() > config.context_len && !config.depends_on_length()) {
    fail_with(ErrorCode::kContextFull, "text ", idx, ": has ", text.ids.size(), " tokens, the model's context ",
              config.context_len, "; shorten it");
  }
  check_tokens(text.ids, config.vocab_size, str("text ", idx, ": "));
  if (text.types.empty()) return;
  if (text.types.size() != text.ids.size()) {
    fail_with(ErrorCode::kInvalidArgument, "text ", idx, ": has ", text.ids.size(), " ids and ", text.types.size(),
              " types");
  }
  for (const int32_t type : text.types) {
    if (type < 0 || static_cast<size_t>(type) >= std::max<size_t>(config.n_token_types, 1)) {
      fail_with(ErrorCode::kInvalidArgument, "text ", idx, ": token type ", type, ", the model has ",
                config.n_token_types);
    }
  }
}

void Embedder::run(std::span<const TypedTokens> texts, const std::function<void(size_t, std::span<const float>)>& use) {
  for (size_t i = 0; i < texts.size(); ++i) check(texts[i], i);
  for (size_t first = 0; first < texts.size();) {
    size_t end = first;
    size_t n_rows = 0;
    while (end < texts.size() && end - first < kMaxTexts) {
      if (end > first && n_rows + texts[end].ids.size() > kRows) break;
      n_rows += texts[end++].ids.size();
    }
    run_some(texts.subspan(first, end - first), first, use);
    first = end;
  }
}

void Embedder::run_some(std::span<const TypedTokens> texts, size_t first,
                        const std::function<void(size_t, std::span<const float>)>& use) {
  sequences_.clear();
  size_t n_rows = 0;
  for (const TypedTokens& text : texts) {
    sequences_.push_back({.first_row = n_rows, .n_rows = text.ids.size(), .adapters = model_.factors()});
    n_rows += text.ids.size();
  }
  if (n_rows > executor_->plan().options().max_rows[0]) make_room(n_rows);
  for (size_t i = 0; i < texts.size(); ++i)
    put_tokens(*executor_, model_.config(), texts[i].ids, texts[i].types, sequences_[i].first_row);
  executor_->run({n_rows, 0, texts.size()}, {sequences_, kernels::KvType::kF32});
  const float* values = executor_->output(output_);
  for (size_t i = 0; i < texts.size(); ++i) {
    const size_t n = is_by_token_ ? texts[i].ids.size() : 1;
    const size_t row = is_by_token_ ? sequences_[i].first_row : i;
    use(first + i, {values + row * n_cols_, n * n_cols_});
  }
}

}  // namespace kinglet::engine
