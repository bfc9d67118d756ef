// An answer on its way: the engine's tokens as text.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/text/text.h"
#include "run/chat/stop_strings.h"
#include "run/engine/generation.h"

namespace kinglet::chat {

enum class Finish : uint8_t {
  kStop,       ///< The model ended it, or a stop string came.
  kLength,     ///< As many tokens as were asked for.
  kContext,    ///< The context is full.
  kCancelled,  ///< cancel() was called.
  kBarred,     ///< Every token was banned: nothing could follow.
  kDeadline,   ///< Its time was over.
};
/// "stop", "length", "context", "cancelled", "barred", "deadline".
std::string_view name_of(Finish finish) noexcept;

struct AnswerResult {
  std::string text;          ///< All of it; of an answer without a tokenizer empty.
  std::vector<int32_t> ids;  ///< The tokens sampled, without the one that ended it.
  Finish finish = Finish::kStop;
  engine::Usage usage;
  std::string stop = {};  ///< The stop string that ended it; empty: something else did.
};

/// How likely a token was, by the model's own distribution before anything of sampling.
struct TokenLogprob {
  int32_t id = -1;
  std::string text = {};               ///< Its bytes: a token may be a part of a character.
  std::optional<float> logprob = {};   ///< Natural logarithm; of a prompt's first token, which follows nothing, none.
  std::vector<TokenLogprob> top = {};  ///< The likeliest ones, as many as were asked for; without a `top` of their own.
};

/// Reads one generation. Used by one thread; the tokenizer outlives it. The destructor cancels what still runs.
class Answer {
 public:
  /// `tokenizer` may be null: then there are ids alone. `continues`: the answer goes on a text, so a space at its start
  /// is part of it. `shown`: control tokens whose spellings are in the text (ReplyFormat::shown_tokens), in ascending
  /// order; outlives the answer.
  Answer(std::shared_ptr<engine::Generation> generation, const text::Tokenizer* tokenizer,
         std::vector<std::string> stop, bool continues, std::span<const int32_t> shown = {});
  ~Answer();
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  /// Appends to `text` what came within this time: valid UTF-8, never part of a stop string. Waits for the first token,
  /// takes what else is there. False when the answer is complete; result() is then final.
  bool read(std::string& text, std::chrono::milliseconds limit);
  /// Ends it soon; read() goes on until it says so.
  void cancel() noexcept;

  [[nodiscard]] const AnswerResult& result() const noexcept { return result_; }
  /// Of the tokens that came since the last call, where the request asked for it; those of the prompt first.
  [[nodiscard]] std::vector<TokenLogprob> take_logprobs() { return std::exchange(logprobs_, {}); }

 private:
  void take(const engine::Event& event, std::string& text);
  void give(std::string piece, std::string& text);

  void keep_logprob(const engine::Event& event);

  std::shared_ptr<engine::Generation> generation_;
  const text::Tokenizer* tokenizer_;
  std::optional<text::StreamDecoder> decoder_;
  StopStrings stop_;
  AnswerResult result_;
  std::vector<TokenLogprob> logprobs_;
  bool done_ = false;
};

}  // namespace kinglet::chat
