// A reply on its way: what a model says, in parts that mean something to whoever asked.
//
// An Answer is text; a Reply knows which of it is thinking and which is a call of a tool, and how likely its tokens
// were.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "home/system/json.h"
#include "run/chat/loaded_model.h"
#include "run/chat/reply/reply_reader.h"

namespace kinglet::chat {

/// A piece of a reply, and how likely the tokens were that came since the last one (where that is asked for).
struct ReplyPiece : ReplyEvent {
  std::vector<TokenLogprob> logprobs = {};
};

/// A call of a tool that a model asks for.
struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  ///< JSON text of an object.
  bool complete = true;   ///< False: the reply ended within the arguments.
};

struct ReplyResult {
  std::string text;
  std::string thinking;
  std::vector<ToolCall> calls;
  std::vector<int32_t> ids;  ///< All tokens, those of thinking and calls as well.
  std::vector<TokenLogprob> logprobs;
  std::string stop;  ///< The stop string that ended it; empty: something else did.
  Finish finish = Finish::kStop;
  engine::Usage usage;
};

/// What form an answer has to have.
struct AnswerFormat {
  enum class Kind : uint8_t {
    kFree,
    kJson,     ///< Any JSON value that is an object or an array.
    kSchema,   ///< JSON that a schema allows.
    kGrammar,  ///< A text of a GBNF grammar.
    kRegex,
    kChoices,  ///< One of several texts.
  };
  Kind kind = Kind::kFree;
  system::Json schema = {};
  std::string text = {};  ///< The grammar or regex.
  std::vector<std::string> choices = {};
};

/// Which tools a reply may call.
struct ToolUse {
  enum class Choice : uint8_t { kAuto, kNone, kRequired, kNamed };
  system::Json tools = {};  ///< As TemplateInput has them: {"type": "function", "function": {name, parameters, ...}}.
  Choice choice = Choice::kAuto;
  std::string name = {};  ///< Of kNamed.
  bool may_be_several = true;
};

struct ReplyRequest {
  std::vector<int32_t> prompt = {};
  Settings settings = {};
  AnswerOptions options = {};
  AnswerFormat format = {};
  ToolUse tool_use = {};
  std::optional<size_t> top_logprobs = {};  ///< Set: log-probabilities come with the reply, and so many alternatives.
  bool echoes = false;      ///< The prompt is part of the text, with its log-probabilities where they are asked for.
  std::string client = {};  ///< Who asks: clients share the machine evenly.
};

/// Reads one answer. Used by one thread; the model outlives it. The destructor cancels what still runs.
class Reply {
 public:
  /// Throws as LoadedModel::answer.
  Reply(LoadedModel& model, ReplyRequest request);
  ~Reply();
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  /// Appends what came within this time; waits for the first piece. False when the reply is complete; result() is then
  /// final.
  bool read(std::vector<ReplyPiece>& pieces, std::chrono::milliseconds limit);
  void cancel() noexcept;

  [[nodiscard]] const ReplyResult& result() const noexcept { return result_; }

 private:
  void take(std::string_view text, bool at_end, std::vector<ReplyPiece>& pieces);
  void keep(const ReplyEvent& event);

  ToolSet tools_;
  std::unique_ptr<Answer> answer_;
  std::optional<ReplyReader> reader_;   // none: the text goes on another one, and has no parts
  std::string echo_;                    // of the prompt, until it is given
  std::vector<ReplyEvent> events_;      // room for the reader's
  std::vector<TokenLogprob> logprobs_;  // that wait for a piece
  ReplyResult result_;
};

}  // namespace kinglet::chat
