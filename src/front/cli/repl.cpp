// The chat: lines that begin with '/' are commands, everything else is a message.
#include "front/cli/repl.h"
#include "front/cli/did_you_mean.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "front/cli/interrupt.h"
#include "front/cli/line_editor.h"
#include "front/cli/model_facts.h"
#include "front/cli/spinner.h"
#include "front/cli/terminal.h"
#include "front/cli/timings.h"
#include "front/cli/tool_chat.h"
#include "home/store/near_names.h"
#include "model/text/utf8.h"

namespace kinglet::cli {
namespace {

constexpr auto kLookUp = std::chrono::milliseconds(50);
constexpr std::string_view kQuotes = "\"\"\"";

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

// The first word, and what follows it without the space around.
std::pair<std::string, std::string> split_word(std::string_view text) {
  text = trimmed(text);
  const size_t space = std::min(text.find_first_of(" \t"), text.size());
  return {std::string(text.substr(0, space)), std::string(trimmed(text.substr(space)))};
}

class Repl {
 public:
  Repl(Session& session, ReplStart start)
      : session_(session),
        editor_(session.home() + "/history"),
        raw_(start.raw),
        ignore_end_(start.ignore_end),
        timings_(start.timings) {
    load(start.source, std::move(start.file), start.settings);
    if (start.system) system_ = *start.system;
    if (start.tools.used()) tools_ = std::make_unique<ToolChat>(session_, start.tools);
  }

  void run() {
    while (!leaving_) {
      std::string line;
      switch (editor_.read(">>> ", line)) {
        case LineEditor::Event::kEnd:
          say("");
          return;
        case LineEditor::Event::kInterrupt:
          say("\nUse Ctrl-D or /bye to leave.");
          continue;
        case LineEditor::Event::kLine:
          break;
      }
      if (!read_rest(line)) continue;
      try {
        take(line);
      } catch (const Error& error) {
        say(str("kinglet: ", error.message()));
      }
    }
  }

 private:
  struct SlashCommand {
    std::string_view name;
    std::string_view usage;
    std::string_view help;
    void (Repl::*run)(const std::string& rest);
  };

  static const auto& slash_commands() {
    static constexpr std::array kAll = {
        SlashCommand{"/set", "/set ...", "Change settings of this chat; /? set lists them", &Repl::set},
        SlashCommand{"/show", "/show ...", "Show something about the model; /? show lists it", &Repl::show},
        SlashCommand{"/load", "/load MODEL", "Go on with another model; the conversation is forgotten",
                     &Repl::load_named},
        SlashCommand{"/save", "/save NAME", "Keep model, settings and conversation under a name", &Repl::save},
        SlashCommand{"/clear", "/clear", "Forget the conversation", &Repl::clear},
        SlashCommand{"/bye", "/bye", "Leave (also /exit, Ctrl-D)", &Repl::leave},
        SlashCommand{"/?", "/?", "Show this help (also /help); /? keys lists the keys", &Repl::help},
    };
    return kAll;
  }

  // Lines of a message between """, whose first one is there already. False where it was dropped.
  bool read_rest(std::string& message) {
    if (!message.starts_with(kQuotes)) {
      editor_.remember(message);
      return true;
    }
    editor_.remember(message);
    message.erase(0, kQuotes.size());
    while (!message.ends_with(kQuotes)) {
      std::string line;
      switch (editor_.read("... ", line)) {
        case LineEditor::Event::kInterrupt:
          say("");
          return false;
        case LineEditor::Event::kEnd:
          say("");
          return true;
        case LineEditor::Event::kLine:
          break;
      }
      editor_.remember(line);
      message += '\n' + line;
    }
    message.resize(message.size() - kQuotes.size());
    return true;
  }

  void take(const std::string& line) {
    if (line.find_first_not_of(" \t\r\n") == std::string::npos) return;
    const auto [word, rest] = split_word(line);
    // A path is a message; a command is one word of letters.
    if (!word.starts_with('/') || word.find('/', 1) != std::string::npos) return answer(line);
    if (word == "/exit") return leave(rest);
    if (word == "/help") return help(rest);
    std::vector<std::string> names;
    for (const SlashCommand& command : slash_commands()) {
      if (command.name == word) return (this->*command.run)(rest);
      names.emplace_back(command.name);
    }
    say(str(word, ": no such command", did_you_mean(store::nearest(word, names)), "; /? lists them"));
  }

  void load(const ModelSource& source, std::shared_ptr<const format::ModelFile> file, const chat::Settings& settings) {
    auto model = std::make_unique<chat::LoadedModel>(std::move(file), load_options_of(session_, source, settings),
                                                     session_.table(), session_.pool());
    if (model->tokenizer() == nullptr) chat::fail_without_words(model->file());
    model_ = std::move(model);
    source_ = source;
    settings_ = settings;
    system_ = source.stored.system;
    conversation_ = system::JsonArray{};
    if (!source.stored.messages.is_null()) conversation_ = source.stored.messages;
  }

  void load_named(const std::string& name) {
    if (name.empty()) return say("/load: say which MODEL");
    const ModelSource source = find_model(session_, name);
    auto file = open_source(source);
    const chat::Settings settings = settings_of(session_, source, file->metadata());
    load(source, std::move(file), settings);
    say(str("Loaded ", source.name, "."));
  }

  void answer(const std::string& text) {
    const size_t bad = text::find_invalid_utf8(text);
    if (bad != std::string::npos) return say("That is not UTF-8; the terminal's encoding has to be.");
    system::Json messages = conversation_;
    messages.push(system::JsonObject{{"role", "user"}, {"content", text}});
    interrupt_.clear();
    const auto started = Session::Clock::now();
    if (tools_ != nullptr && !raw_) return answer_with_tools(std::move(messages), started);
    const auto answer =
        model_->answer(raw_ ? model_->prompt_of(text) : prompt_of(messages), settings_, {ignore_end_, raw_});
    Spinner spinner(session_.shows_progress());
    std::string piece;
    for (bool more = true; more; piece.clear()) {
      more = answer->read(piece, kLookUp);
      if (interrupt_.requested()) answer->cancel();
      piece.empty() && more ? spinner.turn() : spinner.stop();
      session_.out().write(piece);
      session_.out().flush();
    }
    const chat::AnswerResult& result = answer->result();
    end_answer(result.finish, result.usage, started);
    if (raw_) return;
    // What was said before Ctrl-C was said.
    messages.push(system::JsonObject{{"role", "assistant"}, {"content", result.text}});
    conversation_ = std::move(messages);
  }

  void end_answer(chat::Finish finish, const engine::Usage& usage, Session::Clock::time_point started) {
    session_.out().write("\n\n");
    session_.out().flush();
    const double total_ms = std::chrono::duration<double, std::milli>(Session::Clock::now() - started).count();
    if (timings_) show_timings(usage, 0, total_ms);
    if (finish == chat::Finish::kContext) {
      say(str("The context of ", model_->context_len(),
              " tokens is full. /clear forgets the conversation, /set parameter num_ctx N gives it more room."));
    }
  }

  void answer_with_tools(system::Json messages, Session::Clock::time_point started) {
    system::Json all = with_system(messages);
    const size_t n_before = all.as_array("messages").size();
    const ToolChat::Turn turn = tools_->answer(
        *model_, settings_, all,
        {.ignore_end = ignore_end_, .interrupted = [&] { return interrupt_.requested(); }, .on_first_token = {}});
    end_answer(turn.finish, turn.usage, started);
    const system::JsonArray& said = all.as_array("messages");
    for (size_t i = n_before; i < said.size(); ++i) messages.push(said[i]);
    conversation_ = std::move(messages);
  }

  [[nodiscard]] system::Json with_system(const system::Json& messages) const {
    system::Json all = system::JsonArray{};
    if (!system_.empty()) all.push(system::JsonObject{{"role", "system"}, {"content", system_}});
    for (const system::Json& message : messages.as_array("messages")) all.push(message);
    return all;
  }

  std::vector<int32_t> prompt_of(const system::Json& messages) const {
    chat::TemplateInput input;
    input.messages = with_system(messages);
    return model_->prompt_of(input);
  }

  void set(const std::string& rest) {
    const auto [what, value] = split_word(rest);
    if (what == "parameter") return set_parameter(value);
    if (what == "system") {
      system_ = unquoted(value);
      return say(system_.empty() ? "There is no system message now." : "Set the system message.");
    }
    if (what == "verbose" || what == "quiet") {
      timings_ = what == "verbose";
      return say(timings_ ? "Timings follow each answer." : "Timings are off.");
    }
    if (what == "think" || what == "nothink") {
      if (tools_ == nullptr) tools_ = std::make_unique<ToolChat>(session_, ToolOptions{});
      tools_->set_thinking(what == "think");
      return say(what == "think" ? "The model thinks before it answers, if it can." : "The model answers at once.");
    }
    if (what == "history" || what == "nohistory") {
      editor_.keep_history(what == "history");
      return say(what == "history" ? "Lines are remembered." : "Lines are not remembered.");
    }
    help("set");
  }

  void set_parameter(const std::string& rest) {
    const auto [name, value] = split_word(rest);
    if (name.empty()) return help("set");
    chat::Settings changed = settings_;
    changed.set_text(name, unquoted(value));
    if (changed.context_len != settings_.context_len) {
      // The engine takes its memory once, so another context means loading anew.
      const system::Json conversation = conversation_;
      const std::string system_text = system_;
      load(source_, models::open_file(source_.path), changed);
      conversation_ = conversation;
      system_ = system_text;
    }
    settings_ = changed;
    say(str("Set ", name, " to ", unquoted(value), "."));
  }

  void show(const std::string& rest) {
    const std::string what = split_word(rest).first;
    std::string text;
    if (what == "info") {
      text = facts_of(source_, model_->file());
    } else if (what == "license") {
      text = license_of(source_, model_->file());
    } else if (what == "parameters") {
      text = parameters_text(settings_);
    } else if (what == "system") {
      text = system_;
    } else if (what == "template") {
      text = model_->chat_template().source();
    } else {
      return help("show");
    }
    session_.out().write(text.empty() ? str("There is no ", what, ".\n") : text.ends_with('\n') ? text : text + '\n');
    session_.out().flush();
  }

  void save(const std::string& name) {
    if (name.empty()) return say("/save: say under which NAME");
    store::Words words;
    words.system = system_;
    words.parameters = settings_.changed();
    words.messages = conversation_;
    if (source_.stored.name.name.empty()) {
      fail_with(ErrorCode::kInvalidArgument, "/save: ", source_.name, " is a file; `kinglet import ", source_.name,
                " NAME` makes it a model first");
    }
    session_.store().derive(source_.stored.name, store::ModelName::parse(name), words);
    say(str("Saved as ", name, "."));
  }

  void clear(const std::string&) {
    conversation_ = system::JsonArray{};
    say("The conversation is forgotten.");
  }

  void leave(const std::string&) { leaving_ = true; }

  void help(const std::string& rest) {
    const std::string what = split_word(rest).first;
    std::string text;
    const auto row = [&](std::string_view label, std::string_view words) {
      text += str("  ", label, std::string(label.size() < 26 ? 26 - label.size() : 1, ' '), words, '\n');
    };
    if (what == "set") {
      row("/set parameter NAME VALUE", "How answers are chosen:");
      for (const chat::SettingRow& setting : chat::setting_rows()) row(str("    ", setting.name), setting.help);
      row("/set system TEXT", "What the model is told before the conversation; nothing: no such message");
      row("/set verbose, /set quiet", "Timings after each answer, or none");
      row("/set think, /set nothink", "Let the model think before it answers, or not");
      row("/set history, nohistory", "Remember typed lines, or not");
    } else if (what == "show") {
      row("/show info", "What model this is");
      row("/show license", "Its license");
      row("/show parameters", "Settings of this chat that are not the defaults");
      row("/show system", "The system message");
      row("/show template", "The chat template");
    } else if (what == "keys") {
      row("Ctrl-C", "Stop the answer; while typing: drop the line");
      row("Ctrl-D", "Leave");
      row("Up, Down, Ctrl-R", "Earlier lines; search them");
      row("Ctrl-A, Ctrl-E", "To the start, to the end of the line");
      row("Ctrl-K, Ctrl-U, Ctrl-W", "Delete to the end, the line, the word before");
      row("Ctrl-L", "Clear the screen");
    } else {
      for (const SlashCommand& command : slash_commands()) row(command.usage, command.help);
      text += "  Use \"\"\" to begin and to end a message of several lines.\n";
    }
    session_.out().write(text);
    session_.out().flush();
  }

  static std::string unquoted(const std::string& text) {
    const bool is_quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
    return is_quoted ? text.substr(1, text.size() - 2) : text;
  }

  static void say(std::string_view text) { write_to_stderr(str(without_controls(text), '\n')); }

  Session& session_;
  // All the time: Ctrl-C just when an answer ends is meant for the answer.
  InterruptWatch interrupt_{InterruptWatch::Second::kIsLikeFirst};
  LineEditor editor_;
  ModelSource source_;
  std::unique_ptr<chat::LoadedModel> model_;
  chat::Settings settings_;
  std::string system_;
  system::Json conversation_;
  std::unique_ptr<ToolChat> tools_;  // null: text alone
  bool raw_;
  bool ignore_end_;
  bool timings_;
  bool leaving_ = false;
};

}  // namespace

void run_repl(Session& session, ReplStart start) { Repl(session, std::move(start)).run(); }

}  // namespace kinglet::cli
