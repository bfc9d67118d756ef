#include "run/chat/loaded_model.h"

#include <algorithm>
#include <future>
#include <random>

#include "home/system/memory.h"
#include "run/chat/end_tokens.h"
#include "run/chat/literal_marks.h"
#include "run/chat/vocabulary.h"

namespace kinglet::chat {
namespace {

// A template that cannot be parsed keeps nobody from text that goes on.
Result<ChatTemplate, Error> template_of(const format::Metadata& metadata, const std::string& stored) {
  try {
    return ChatTemplate::of(metadata, stored);
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace

// The pool's memory is reserved, and becomes resident as the context fills: whether there is room is asked before.
void require_free_memory(const MemoryUse& use, size_t context_len) {
  const uint64_t available = system::memory().available_bytes;
  if (available != 0 && use.kv_bytes > available) {
    fail_with(ErrorCode::kOutOfMemory, "context: keys and values of ", context_len, " tokens need ", use.kv_bytes,
              " bytes, ", available, " are free; use a smaller --context or --kv-type q8_0");
  }
}

LoadedModel::LoadedModel(std::shared_ptr<const format::ModelFile> file, const LoadOptions& options,
                         const kernels::KernelTable& table, ThreadPool& pool) {
  // Words and weights have nothing to do with each other, and each takes some ten milliseconds.
  std::future<void> words = std::async(std::launch::async, [this, file, stored = options.template_text] {
    if (!has_vocabulary(file->metadata())) return;
    tokenizer_ = make_tokenizer(*file);
    template_ = template_of(file->metadata(), stored);
    end_tokens_ = end_tokens_of(file->metadata(), *tokenizer_, template_->ok() ? &template_->value() : nullptr);
    if (!template_->ok()) return;
    format_ = ReplyFormat::of(template_->value(), tokenizer_.get());
    shown_tokens_ = format_->shown_tokens(*tokenizer_);
  });
  model_ = models::Model::load(std::move(file), options.adapters);
  const uint64_t trained = model_->config().context_len;
  engine::EngineOptions engine_options;
  engine_options.context_len = options.context_len.value_or(std::min(trained, Settings::kDefaultContext));
  engine_options.max_sequences = options.max_sequences;
  engine_options.max_waiting = options.max_waiting;
  engine_options.step_ms = options.step_ms;
  engine_options.kv_type = options.kv_type;
  engine_ = std::make_unique<engine::Engine>(model_, engine_options, table, pool);
  options.admit ? options.admit(memory(), context_len()) : require_free_memory(memory(), context_len());
  words.get();
}

const ChatTemplate& LoadedModel::chat_template() const {
  words();
  if (!template_->ok()) throw template_->error();
  return template_->value();
}

const ReplyFormat& LoadedModel::reply_format() const {
  words();
  if (!template_->ok()) throw template_->error();
  return *format_;
}

std::string LoadedModel::opened_by(std::span<const int32_t> prompt) const {
  constexpr size_t kTokens = 48;  // more than any mark has
  return reply_format().opened_by(words().decode(prompt.last(std::min(kTokens, prompt.size())), true));
}

const text::Tokenizer& LoadedModel::words() const {
  if (tokenizer_ == nullptr) fail_without_words(file());
  return *tokenizer_;
}

std::shared_ptr<const grammar::TokenTrie> LoadedModel::token_trie() const {
  std::call_once(trie_made_, [this] { trie_ = grammar::TokenTrie::make(words(), end_tokens_); });
  return trie_;
}

MemoryUse LoadedModel::memory() const noexcept {
  return {file().file_bytes(), file().converted_bytes(), engine_->kv_bytes(), engine_->step_bytes()};
}

// The model's own rule, once: some templates write the token themselves.
void LoadedModel::put_begin(std::vector<int32_t>& ids) const {
  const text::VocabularySpec& spec = tokenizer_->spec();
  if (spec.add_bos && spec.bos && (ids.empty() || ids[0] != *spec.bos)) ids.insert(ids.begin(), *spec.bos);
}

std::vector<int32_t> LoadedModel::prompt_of(const TemplateInput& input) const {
  return prompt_of(input, chat_template());
}

std::vector<int32_t> LoadedModel::prompt_of(const TemplateInput& input, const ChatTemplate& chat_template) const {
  const text::Tokenizer& tokenizer = words();
  const LiteralMarks marks(tokenizer);
  TemplateInput marked = input;
  marked.messages = marks.messages(input.messages);
  marked.tools = marks.value(input.tools);
  std::vector<int32_t> ids = tokenizer.encode(chat_template.render(marked), {.special = true, .mark = marks.mark()});
  put_begin(ids);
  return ids;
}

std::vector<int32_t> LoadedModel::prompt_of(std::string_view text) const {
  std::vector<int32_t> ids = words().encode(text, {.special = true});
  put_begin(ids);
  return ids;
}

std::unique_ptr<Answer> LoadedModel::answer(std::vector<int32_t> prompt, const Settings& settings,
                                            const AnswerOptions& options) {
  engine::Request request;
  request.prompt = std::move(prompt);
  request.max_tokens = settings.max_tokens.value_or(SIZE_MAX);
  request.sampling = settings.sampling;
  request.sampling.seed = settings.seed ? *settings.seed : std::random_device{}();
  request.client = options.client;
  request.deadline = options.deadline;
  request.constraint = options.constraint;
  request.log_probs = options.log_probs;
  request.prompt_log_probs = options.prompt_log_probs;
  request.stop_tokens = options.more_ends;
  if (!options.ignore_end)
    request.stop_tokens.insert(request.stop_tokens.end(), end_tokens_.begin(), end_tokens_.end());
  std::vector<std::string> stop;
  for (const std::string& text : settings.stop) {
    // A control token is never part of the text, so its spelling means the token itself.
    const auto token = tokenizer_ == nullptr ? std::nullopt : tokenizer_->find(text);
    if (token && tokenizer_->type_of(*token) == text::TokenType::kControl) {
      request.stop_tokens.push_back(*token);
    } else {
      stop.push_back(text);
    }
  }
  return std::make_unique<Answer>(engine_->submit(std::move(request)), tokenizer_.get(), std::move(stop),
                                  options.continues, options.marks ? shown_tokens_ : std::span<const int32_t>());
}

}  // namespace kinglet::chat
