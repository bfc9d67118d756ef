#include "run/chat/hosted_model.h"

#include <algorithm>
#include <utility>

#include "run/chat/text_pair.h"
#include "run/chat/vector_text.h"
#include "run/chat/vocabulary.h"

namespace kinglet::chat {

HostedModel::HostedModel(ModelSource source, Options options, const kernels::KernelTable& table, ThreadPool& pool)
    : source_(std::move(source)), options_(std::move(options)), table_(table), pool_(pool) {
  std::shared_ptr<const format::ModelFile> file = open_source(source_);
  settings_ = settings_of(source_, file->metadata());
  embedding_words_ = EmbeddingWords::of(file->metadata());
  capabilities_ = capabilities_of(*file, source_.stored.template_text);
  if (capabilities_.completion) {
    LoadOptions load = load_options_of(source_, settings_, options_.kv_type);
    const auto trained = file->metadata().get<uint64_t>(
        str(file->metadata().require<std::string_view>("general.architecture"), ".context_length"));
    if (!load.context_len) load.context_len = std::min(options_.default_context, trained.value_or(UINT64_MAX));
    if (options_.context_len) load.context_len = options_.context_len;
    load.max_sequences = options_.max_sequences;
    load.max_waiting = options_.max_waiting;
    load.step_ms = options_.step_ms;
    load.admit = [this](const MemoryUse& use, size_t context_len) {
      if (options_.admit) options_.admit(use);
      require_free_memory(use, context_len);
    };
    generator_ = std::make_unique<LoadedModel>(std::move(file), load, table_, pool_);
    model_ = &generator_->model();
    return;
  }
  if (has_vocabulary(file->metadata())) plain_words_ = make_tokenizer(*file);
  plain_ = models::Model::load(std::move(file), source_.adapters);
  model_ = plain_.get();
  const bool has_scores = model_->config().n_labels > 0;
  MutexLock lock(mutex_);
  embedder({.output = has_scores ? engine::Embedder::Output::kScores : engine::Embedder::Output::kPooled});
}

const text::Tokenizer* HostedModel::tokenizer() const noexcept {
  return generator_ != nullptr ? generator_->tokenizer() : plain_words_.get();
}

const text::Tokenizer& HostedModel::words() const {
  const text::Tokenizer* words = tokenizer();
  if (words == nullptr) fail_without_words(file());
  return *words;
}

size_t HostedModel::context_len() const noexcept {
  return generator_ != nullptr ? generator_->context_len() : model_->config().context_len;
}

size_t HostedModel::default_context() const noexcept {
  const size_t trained = model_->config().context_len;
  if (generator_ == nullptr) return trained;
  return settings_.context_len.value_or(std::min<uint64_t>(options_.default_context, trained));
}

MemoryUse HostedModel::base_use() const noexcept {
  if (generator_ != nullptr) return generator_->memory();
  return {.mapped_bytes = file().file_bytes(), .converted_bytes = file().converted_bytes()};
}

MemoryUse HostedModel::memory() const {
  MemoryUse use = base_use();
  MutexLock lock(mutex_);
  for (const auto& [key, made] : embedders_) use.step_bytes += made->size_bytes();
  return use;
}

LoadedModel& HostedModel::generator() {
  if (generator_ == nullptr) {
    fail_with(ErrorCode::kUnsupported, source_.name, ": generates no text; it is for ",
              capabilities_.rerank      ? "ranking documents"
              : capabilities_.embedding ? "vectors"
                                        : "classification");
  }
  return *generator_;
}

engine::Embedder& HostedModel::embedder(const VectorOptions& options) {
  std::unique_ptr<engine::Embedder>& made = embedders_[{options.output, options.pooling, options.normalize}];
  if (made != nullptr) return *made;
  engine::Embedder::Options of_rows{
      .output = options.output, .pooling = options.pooling, .normalize = options.normalize};
  // Called under the mutex: by this function, and by run(), which vectors() calls.
  of_rows.admit = [this, &made](size_t n_bytes) REQUIRES(mutex_) {
    if (!options_.admit) return;
    MemoryUse use = base_use();
    use.step_bytes += n_bytes;
    for (const auto& [key, other] : embedders_) {
      if (other != nullptr && &other != &made) use.step_bytes += other->size_bytes();
    }
    options_.admit(use);
  };
  try {
    made = std::make_unique<engine::Embedder>(*model_, of_rows, table_, pool_);
  } catch (...) {
    embedders_.erase({options.output, options.pooling, options.normalize});
    throw;
  }
  return *made;
}

std::vector<int32_t> HostedModel::vector_ids(std::string_view text, bool truncates, std::string_view what) const {
  const std::string whole = str(embedding_words_.default_prompt, text);
  return chat::vector_ids(words(), model_->config(), embedding_words_, whole, truncates, what);
}

void HostedModel::vectors(std::span<const engine::TypedTokens> texts, const VectorOptions& options,
                          const std::function<void(size_t, std::span<const float>)>& use) {
  MutexLock lock(mutex_);
  embedder(options).run(texts, use);
}

engine::TypedTokens HostedModel::pair_ids(std::string_view query, std::string_view document,
                                          std::string_view what) const {
  engine::TypedTokens pair = text_pair(words(), file().metadata(), model_->config(), query, document);
  require_context(model_->config(), pair.ids.size(), what);
  return pair;
}

void HostedModel::rank(std::span<const engine::TypedTokens> pairs, const std::function<void(size_t, float)>& use) {
  if (!capabilities_.rerank) {
    fail_with(ErrorCode::kUnsupported, source_.name, ": ranks no documents; take a reranker");
  }
  const PairScore score(*model_);
  vectors(pairs, {.output = engine::Embedder::Output::kScores},
          [&](size_t i, std::span<const float> scores) { use(i, score.of(scores)); });
}

}  // namespace kinglet::chat
