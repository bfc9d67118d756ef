// An answer on its way: the engine's tokens as text.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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
};

/// Reads one generation. Used by one thread; the tokenizer outlives it. The destructor cancels what still runs.
class Answer {
 public:
  /// `tokenizer` may be null: then there are ids alone. `continues`: the answer goes on a text, so a space at its start
  /// is part of it.
  Answer(std::shared_ptr<engine::Generation> generation, const text::Tokenizer* tokenizer,
         std::vector<std::string> stop, bool continues);
  ~Answer();
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  /// Appends to `text` what came within this time: valid UTF-8, never part of a stop string. Waits for the first token,
  /// takes what else is there. False when the answer is complete; result() is then final.
  bool read(std::string& text, std::chrono::milliseconds limit);
  /// Ends it soon; read() goes on until it says so.
  void cancel() noexcept;

  [[nodiscard]] const AnswerResult& result() const noexcept { return result_; }

 private:
  void take(const engine::Event& event, std::string& text);
  void give(std::string piece, std::string& text);

  std::shared_ptr<engine::Generation> generation_;
  std::optional<text::StreamDecoder> decoder_;
  StopStrings stop_;
  AnswerResult result_;
  bool done_ = false;
};

}  // namespace kinglet::chat
