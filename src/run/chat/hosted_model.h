// A model as a server holds it: it answers, makes vectors or ranks documents, as it can.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/base/mutex.h"
#include "run/chat/capabilities.h"
#include "run/chat/embedding_words.h"
#include "run/chat/loaded_model.h"
#include "run/chat/model_source.h"
#include "run/engine/embedding.h"

namespace kinglet::chat {

/// How vectors are made; each combination that is asked for has rows in work of its own.
struct VectorOptions {
  engine::Embedder::Output output = engine::Embedder::Output::kPooled;
  std::optional<models::Pooling> pooling = std::nullopt;  ///< In place of the model's own.
  bool normalize = true;
};

/// Constant after loading, but for what its functions keep, which several threads may call at once.
class HostedModel {
 public:
  struct Options {
    std::optional<uint64_t> context_len = {};  ///< Empty: what the model's parameters say, else default_context.
    uint64_t default_context = Settings::kDefaultContext;  ///< Or what it was trained for, if that is less.
    size_t max_sequences = 1;
    size_t max_waiting = LoadOptions{}.max_waiting;
    double step_ms = LoadOptions{}.step_ms;
    kernels::KvType kv_type = kernels::KvType::kF16;
    /// Told all that the model will hold, before it is used: at loading, and when vectors of another kind or of longer
    /// texts need more. Throws to refuse it. Empty: nobody asks.
    std::function<void(const MemoryUse& use)> admit = {};
  };

  /// Loads it. `table` and `pool` outlive it. Throws as open_source and LoadedModel, and as `admit`.
  HostedModel(ModelSource source, Options options, const kernels::KernelTable& table, ThreadPool& pool);

  [[nodiscard]] const ModelSource& source() const noexcept { return source_; }
  [[nodiscard]] const format::ModelFile& file() const noexcept { return model_->file(); }
  [[nodiscard]] const models::Model& model() const noexcept { return *model_; }
  /// Null for a file without a vocabulary.
  [[nodiscard]] const text::Tokenizer* tokenizer() const noexcept;
  /// Throws Error{kUnsupported} for a file without a vocabulary.
  [[nodiscard]] const text::Tokenizer& words() const;
  [[nodiscard]] const Capabilities& capabilities() const noexcept { return capabilities_; }
  /// Our defaults, the file's, the stored model's.
  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
  /// Tokens of a sequence, prompt and answer; of a model without generation those of a text.
  [[nodiscard]] size_t context_len() const noexcept;
  /// What it would have where nobody asked for another one.
  [[nodiscard]] size_t default_context() const noexcept;
  [[nodiscard]] MemoryUse memory() const;

  /// What its engine has done; nullopt for a model that generates nothing.
  [[nodiscard]] std::optional<engine::EngineStats> stats() const {
    if (generator_ == nullptr) return std::nullopt;
    return generator_->engine().stats();
  }
  /// Throws Error{kUnsupported} for a model that generates nothing.
  [[nodiscard]] LoadedModel& generator();

  /// A text as vectors are made of it, behind the model's default prompt. Throws as chat::vector_ids, and for a model
  /// without words.
  [[nodiscard]] std::vector<int32_t> vector_ids(std::string_view text, bool truncates, std::string_view what) const;
  /// Calls use(i, rows) for each text, as engine::Embedder::run; what `use` throws ends it. One call at a time works,
  /// others wait. Any model that runs gives vectors, made for them or not.
  void vectors(std::span<const engine::TypedTokens> texts, const VectorOptions& options,
               const std::function<void(size_t, std::span<const float>)>& use);

  /// A query and a document as one sequence. Throws Error{kContextFull} with both numbers behind `what`.
  [[nodiscard]] engine::TypedTokens pair_ids(std::string_view query, std::string_view document,
                                             std::string_view what) const;
  /// Calls use(i, score) for each of them, the larger the better. Throws Error{kUnsupported} for a model that ranks
  /// nothing.
  void rank(std::span<const engine::TypedTokens> pairs, const std::function<void(size_t, float)>& use);

 private:
  using EmbedderKey = std::tuple<engine::Embedder::Output, std::optional<models::Pooling>, bool>;

  engine::Embedder& embedder(const VectorOptions& options) REQUIRES(mutex_);
  [[nodiscard]] MemoryUse base_use() const noexcept;

  const ModelSource source_;
  const Options options_;
  const kernels::KernelTable& table_;
  ThreadPool& pool_;
  std::unique_ptr<LoadedModel> generator_;              // null where the model generates nothing
  std::shared_ptr<const models::Model> plain_;          // then this
  std::unique_ptr<const text::Tokenizer> plain_words_;  // and these, if any
  const models::Model* model_ = nullptr;
  Settings settings_;
  Capabilities capabilities_;
  EmbeddingWords embedding_words_;

  mutable Mutex mutex_;
  std::map<EmbedderKey, std::unique_ptr<engine::Embedder>> embedders_ GUARDED_BY(mutex_);
};

}  // namespace kinglet::chat
