// Answers of a model that thinks and calls tools.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "front/cli/session.h"
#include "front/cli/tool_options.h"
#include "run/chat/chat.h"

namespace kinglet::chat {
class McpTools;
}

namespace kinglet::cli {

/// Answers as they are to be read: text on standard output, thoughts on standard error, calls done where an MCP server
/// has the tool, and the user or --allow-tool agrees. Used by one thread.
class ToolChat {
 public:
  /// Rounds of calls and answers in a turn.
  static constexpr int kMaxRounds = 32;

  /// Reads the files and connects to the servers. Throws Error{kInvalidArgument} for what is in them, and what
  /// chat::McpTools throws. Both outlive it.
  ToolChat(Session& session, const ToolOptions& options);
  ~ToolChat();

  struct Turn {
    std::string text;
    std::string thinking;
    system::Json calls;  ///< Those that nobody did, as messages have them; an array.
    std::vector<int32_t> ids;
    chat::Finish finish = chat::Finish::kStop;
    engine::Usage usage;  ///< Of all rounds.
  };
  struct Ways {
    bool ignore_end = false;
    bool writes = true;                         ///< Text and calls go to standard output as they come.
    std::function<bool()> interrupted = {};     ///< Asked often.
    std::function<void()> on_first_token = {};  ///< May be empty.
  };
  /// Answers the last of the messages and adds what was said, by the model and by tools. Throws Error{kRefused} for a
  /// call that nobody can be asked about.
  Turn answer(chat::LoadedModel& model, const chat::Settings& settings, system::Json& messages, const Ways& ways);

  /// For /set: whether the model is to think.
  void set_thinking(bool thinks) noexcept { thinks_ = thinks; }

 private:
  struct Call {
    std::string id;
    std::string name;
    std::string arguments;
    bool complete = true;
  };
  struct Round;
  Round round(chat::LoadedModel& model, const chat::Settings& settings, const system::Json& messages, const Ways& ways);
  void show_thinking(std::string_view text);
  std::string result_of(const Call& call);
  [[nodiscard]] bool agrees(const Call& call);

  Session& session_;
  system::Json tool_list_;
  chat::ToolSet tools_;
  std::unique_ptr<chat::McpTools> mcp_;
  std::set<std::string> allowed_;
  std::optional<bool> thinks_;
  bool in_thinking_ = false;  // the last thing shown was a thought
};

}  // namespace kinglet::cli
