// A model that is ready to answer: weights, words and engine.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/format/format.h"
#include "model/grammar/token_trie.h"
#include "run/chat/answer.h"
#include "run/chat/chat_template.h"
#include "run/chat/reply/reply_format.h"
#include "run/chat/settings.h"
#include "run/engine/engine.h"

namespace kinglet::chat {

/// What a loaded model holds, in bytes. Weights are mapped: their pages are shared and can be dropped by the system.
/// All else is reserved, and becomes resident as it is used.
struct MemoryUse {
  uint64_t mapped_bytes = 0;     ///< The file or files.
  uint64_t converted_bytes = 0;  ///< Tensors that could not be used where they lie.
  uint64_t kv_bytes = 0;         ///< Keys and values of the whole context of all sequences.
  uint64_t step_bytes = 0;       ///< Values of a step.

  [[nodiscard]] uint64_t total() const noexcept { return mapped_bytes + converted_bytes + kv_bytes + step_bytes; }
};

/// Throws Error{kOutOfMemory} with both numbers where keys and values are more than what is free.
void require_free_memory(const MemoryUse& use, size_t context_len);

struct LoadOptions {
  std::vector<models::Model::AdapterPath> adapters = {};
  std::optional<uint64_t> context_len;  ///< Empty: Settings::kDefaultContext, or the trained one if that is less.
  size_t max_sequences = 1;
  size_t max_waiting = 1024;  ///< As engine::EngineOptions has it, and step_ms.
  double step_ms = 50;
  kernels::KvType kv_type = kernels::KvType::kF16;
  std::string template_text = {};  ///< The store's TEMPLATE, which wins over the file's; empty: none.
  /// Asked when it is known what the model will hold, before it is used; throws to refuse it. Empty:
  /// require_free_memory.
  std::function<void(const MemoryUse& use, size_t context_len)> admit = {};
};

struct AnswerOptions {
  bool ignore_end = false;              ///< Tokens that end an answer are tokens like others.
  bool continues = false;               ///< The answer goes on the prompt's text (no chat template).
  std::vector<int32_t> more_ends = {};  ///< Tokens that end it beside the model's own.
  bool marks = false;                   ///< The text is for a ReplyReader: spellings of marks are in it.
  std::shared_ptr<engine::TokenConstraint> constraint = {};  ///< What may follow; none: anything.
  std::optional<size_t> log_probs = {};  ///< Answer::take_logprobs gives them, with so many alternatives.
  bool prompt_log_probs = false;         ///< Those of the prompt as well.
  std::string client = {};               ///< Who asks: clients share the machine evenly.
  /// When it ends, complete or not, in the queue as well; empty: never.
  std::optional<std::chrono::steady_clock::time_point> deadline = {};
};

/// Constant after loading, but for the engine inside, which is thread-safe.
class LoadedModel {
 public:
  /// Loads what open_model opened. `table` and `pool` outlive it. Throws Error{kUnsupported, kInvalidFile,
  /// kInvalidArgument (a context over the model's), kOutOfMemory with the number of bytes}.
  LoadedModel(std::shared_ptr<const format::ModelFile> file, const LoadOptions& options,
              const kernels::KernelTable& table, ThreadPool& pool);

  [[nodiscard]] const format::ModelFile& file() const noexcept { return model_->file(); }
  [[nodiscard]] const models::Model& model() const noexcept { return *model_; }
  [[nodiscard]] engine::Engine& engine() noexcept { return *engine_; }
  /// Null for a file without a vocabulary.
  [[nodiscard]] const text::Tokenizer* tokenizer() const noexcept { return tokenizer_.get(); }
  /// Tokens after which the model has nothing more to say.
  [[nodiscard]] const std::vector<int32_t>& end_tokens() const noexcept { return end_tokens_; }
  /// Throws Error{kUnsupported} for a model whose template cannot be parsed: text that goes on needs none.
  [[nodiscard]] const ChatTemplate& chat_template() const;
  /// What replies of this model look like. Throws as chat_template.
  [[nodiscard]] const ReplyFormat& reply_format() const;
  /// The end of a prompt that belongs to the reply (ReplyFormat::opened_by).
  [[nodiscard]] std::string opened_by(std::span<const int32_t> prompt) const;
  /// What a grammar is matched with. Made when it is first asked for. Thread-safe. Throws Error{kUnsupported} for a
  /// model without a vocabulary.
  [[nodiscard]] std::shared_ptr<const grammar::TokenTrie> token_trie() const;
  [[nodiscard]] MemoryUse memory() const noexcept;
  [[nodiscard]] size_t context_len() const noexcept { return engine_->options().context_len; }

  /// The prompt for messages: rendered, then tokenized so that control tokens come from the template alone.
  [[nodiscard]] std::vector<int32_t> prompt_of(const TemplateInput& input) const;
  /// The same by another template than the model's.
  [[nodiscard]] std::vector<int32_t> prompt_of(const TemplateInput& input, const ChatTemplate& chat_template) const;
  /// The prompt for text as it is, in which spellings of control tokens are these tokens. Begins with the token that
  /// the model's rule puts there.
  [[nodiscard]] std::vector<int32_t> prompt_of(std::string_view text) const;

  /// Starts an answer. Throws as Engine::submit, and kInvalidArgument for an empty stop string.
  std::unique_ptr<Answer> answer(std::vector<int32_t> prompt, const Settings& settings,
                                 const AnswerOptions& options = {});

 private:
  const text::Tokenizer& words() const;
  void put_begin(std::vector<int32_t>& ids) const;

  std::shared_ptr<const models::Model> model_;
  std::unique_ptr<const text::Tokenizer> tokenizer_;
  std::optional<Result<ChatTemplate, Error>> template_;
  std::vector<int32_t> end_tokens_;
  std::optional<ReplyFormat> format_;
  std::vector<int32_t> shown_tokens_;
  mutable std::once_flag trie_made_;
  mutable std::shared_ptr<const grammar::TokenTrie> trie_;
  std::unique_ptr<engine::Engine> engine_;
};

}  // namespace kinglet::chat
