// kinglet run: an answer, or a chat.
#include <unistd.h>

#include "front/cli/commands/commands.h"
#include "front/cli/generation_options.h"
#include "front/cli/input_files.h"
#include "front/cli/interrupt.h"
#include "front/cli/model_argument.h"
#include "front/cli/repl.h"
#include "front/cli/terminal.h"
#include "front/cli/timings.h"
#include "front/cli/tool_chat.h"

namespace kinglet::cli {
namespace {

constexpr auto kLookUp = std::chrono::milliseconds(50);

double ms_since(Session::Clock::time_point then) {
  return std::chrono::duration<double, std::milli>(Session::Clock::now() - then).count();
}

class Run final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("MODEL", model_, "A name, a GGUF file, or a Hugging Face folder").is_model = true;
    arguments.rest("PROMPT", prompt_, "What to answer; several words are joined by spaces");
    arguments.option("--system", "TEXT", system_, "What the model is told before the conversation");
    declare_adapters(arguments, adapters_);
    generation_.declare(arguments);
    tools_.declare(arguments);
    arguments.flag("--raw", raw_, "No chat template: the text goes on where the prompt ends");
    arguments.option("--prompt-ids", "IDS", prompt_ids_,
                     "With --raw: the prompt as token ids, \"1 2 3\"; needs no tokenizer");
    arguments.flag("--ignore-eos", ignore_end_, "Go on where the model would end; end tokens are tokens like others");
    arguments.flag("--json", json_, "One JSON document with the text, its token ids and timings");
  }

  void run(Session& session) override {
    if (prompt_ids_ && !raw_) fail(ErrorCode::kInvalidArgument, "--prompt-ids: needs --raw; ids have no chat template");
    if (prompt_ids_ && !prompt_.empty())
      fail(ErrorCode::kInvalidArgument, "--prompt-ids: is the prompt, so there is no place for PROMPT");
    if (raw_ && system_) fail(ErrorCode::kInvalidArgument, "--system: has no place without a chat template (--raw)");
    if (raw_ && tools_.used())
      fail(ErrorCode::kInvalidArgument,
           "--raw: tools and thinking are parts of the chat template, which it leaves out");
    if (system_) require_utf8(*system_, "--system");
    for (const std::string& text : generation_.stop) require_utf8(text, "--stop");
    const bool chats = prompt_.empty() && !prompt_ids_ && !has_piped_input() && is_terminal(STDIN_FILENO);
    if (chats && json_) fail(ErrorCode::kInvalidArgument, "--json: needs a PROMPT or piped input");
    const std::string text = chats || prompt_ids_ ? std::string() : read_prompt(session);
    ModelSource source = find_model(session, model_);
    add_adapters(source, adapters_);
    const auto load_started = Session::Clock::now();
    auto file = open_source(source);
    chat::Settings settings = settings_of(session, source, file->metadata());
    generation_.apply(settings);
    if (chats) {
      return run_repl(
          session, {source, std::move(file), settings, system_, raw_, session.options().verbose, ignore_end_, tools_});
    }
    answer(session, source, std::move(file), settings, text, load_started);
  }

 private:
  std::string read_prompt(const Session& session) const {
    std::string text;
    for (const std::string& word : prompt_) text += str(text.empty() ? "" : " ", word);
    require_utf8(text, "prompt");
    if (has_piped_input()) {
      const std::string input = read_standard_input(kMaxInputBytes, [&] {
        session.note("kinglet: waiting for standard input, which follows the prompt; </dev/null leaves it out");
      });
      require_utf8(input, "standard input");
      if (!text.empty() && !input.empty()) text += '\n';
      text += input;
    }
    const bool is_empty = text.find_first_not_of(" \t\r\n") == std::string::npos;
    if (is_empty) fail(ErrorCode::kInvalidArgument, "prompt: is empty; give a PROMPT, or text on standard input");
    return text;
  }

  chat::TemplateInput messages(const ModelSource& source, const std::string& text) const {
    chat::TemplateInput input;
    input.messages = system::JsonArray{};
    const std::string& system_text = system_ ? *system_ : source.stored.system;
    if (!system_text.empty()) input.messages.push(system::JsonObject{{"role", "system"}, {"content", system_text}});
    if (!source.stored.messages.is_null()) {
      for (const system::Json& message : source.stored.messages.as_array("messages")) input.messages.push(message);
    }
    input.messages.push(system::JsonObject{{"role", "user"}, {"content", text}});
    return input;
  }

  void answer(Session& session, const ModelSource& source, std::shared_ptr<const format::ModelFile> file,
              const chat::Settings& settings, const std::string& text, Session::Clock::time_point load_started) {
    InterruptWatch interrupt;
    chat::LoadedModel model(std::move(file), load_options_of(session, source, settings), session.table(),
                            session.pool());
    const double load_ms = ms_since(load_started);
    if (tools_.used()) return answer_with_tools(session, model, settings, messages(source, text).messages, load_ms);
    std::vector<int32_t> prompt = prompt_ids_ ? parse_ids(*prompt_ids_, "--prompt-ids")
                                  : raw_      ? model.prompt_of(text)
                                              : model.prompt_of(messages(source, text));
    const auto answer = model.answer(std::move(prompt), settings, {ignore_end_, raw_});
    double first_token_ms = 0;
    std::string piece;
    for (bool more = true; more; piece.clear()) {
      more = answer->read(piece, kLookUp);
      if (first_token_ms == 0 && !answer->result().ids.empty()) first_token_ms = ms_since(session.started());
      if (interrupt.requested()) answer->cancel();
      if (json_ || piece.empty()) continue;
      session.out().write(piece);
      session.out().flush();
    }
    const chat::AnswerResult& result = answer->result();
    if (json_) {
      session.out().write(report(result, load_ms, first_token_ms).dump() + '\n');
    } else if (!result.text.ends_with('\n')) {
      session.out().write("\n");
    }
    session.out().flush();
    if (session.options().verbose) show_timings(result.usage, load_ms, ms_since(session.started()));
    interrupt.check();
    if (result.finish == chat::Finish::kContext) {
      session.note(
          str("kinglet: the context of ", model.context_len(), " tokens is full; --context N makes it larger"));
    }
  }

  void answer_with_tools(Session& session, chat::LoadedModel& model, const chat::Settings& settings,
                         system::Json messages, double load_ms) {
    InterruptWatch interrupt;
    ToolChat tools(session, tools_);
    double first_token_ms = 0;
    const auto note_first = [&] {
      if (first_token_ms == 0) first_token_ms = ms_since(session.started());
    };
    const ToolChat::Turn turn = tools.answer(model, settings, messages,
                                             {.ignore_end = ignore_end_,
                                              .writes = !json_,
                                              .interrupted = [&] { return interrupt.requested(); },
                                              .on_first_token = note_first});
    if (json_) {
      system::Json document = report({.text = turn.text, .ids = turn.ids, .finish = turn.finish, .usage = turn.usage},
                                     load_ms, first_token_ms);
      document.set("thinking", turn.thinking);
      document.set("tool_calls", turn.calls);
      session.out().write(document.dump() + '\n');
    }
    session.out().flush();
    if (session.options().verbose) show_timings(turn.usage, load_ms, ms_since(session.started()));
    interrupt.check();
  }

  static system::Json report(const chat::AnswerResult& result, double load_ms, double first_token_ms) {
    system::JsonArray ids;
    for (const int32_t id : result.ids) ids.emplace_back(id);
    system::Json document;
    document.set("text", result.text);
    document.set("ids", std::move(ids));
    document.set("finish_reason", chat::name_of(result.finish));
    document.set("prompt_tokens", result.usage.prompt_tokens);
    document.set("completion_tokens", result.usage.completion_tokens);
    document.set("load_ms", load_ms);
    document.set("prompt_ms", result.usage.prompt_ms);
    document.set("first_token_ms", first_token_ms);
    document.set("decode_ms", result.usage.decode_ms);
    return document;
  }

  std::string model_;
  std::vector<std::string> prompt_;
  std::optional<std::string> system_;
  std::optional<std::string> prompt_ids_;
  std::vector<std::string> adapters_;
  GenerationOptions generation_;
  ToolOptions tools_;
  bool raw_ = false;
  bool ignore_end_ = false;
  bool json_ = false;
};

}  // namespace

Command run_command() {
  return {
      "run",
      "",
      "Answer a prompt, or chat",
      "On a terminal without PROMPT this is a chat: /? lists its commands, \"\"\" opens a message of several "
      "lines, Ctrl-C "
      "stops an answer, Ctrl-D leaves. With PROMPT or piped input there is one answer, streamed to standard "
      "output; piped "
      "input follows PROMPT on a line of its own. A model that is not here is pulled.\n\n"
      "With --json: {\"text\", \"ids\", \"finish_reason\" (stop, length, context or cancelled), \"prompt_tokens\", "
      "\"completion_tokens\", \"load_ms\", \"prompt_ms\", \"first_token_ms\" (from the start of the program), "
      "\"decode_ms\"}; with tools or --think also \"thinking\" and \"tool_calls\", those that nobody did.\n\n"
      "With --mcp the model may call tools of the servers in CONFIG ({\"mcpServers\": {NAME: {\"command\", \"args\", "
      "\"env\"} or {\"url\", \"headers\"}}}): each call is asked for on the terminal, unless --allow-tool names it.\n\n"
      "With --verbose timings follow on standard error. Settings that are not given are the model's own, else "
      "temperature 0.8, top-k 40, top-p 0.9.",
      "kinglet run smollm2:135m\n"
      "kinglet run smollm2:135m \"Why is the sky blue?\" --temperature 0\n"
      "git diff | kinglet run smollm2:135m \"Say in one line what this changes:\"\n"
      "kinglet run smollm2:135m --adapter ./my-lora --adapter ./style.gguf=0.5 \"Hello\"\n"
      "kinglet run qwen3:0.6b --mcp servers.json \"What files are here?\"\n"
      "kinglet run ./model.gguf --raw \"Once upon a time\" --max-tokens 50 --json",
      make_action<Run>};
}

}  // namespace kinglet::cli
