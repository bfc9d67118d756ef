#include "front/cli/line_editor.h"

#include <histedit.h>
#include <langinfo.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "core/base/base.h"
#include "front/cli/terminal.h"

namespace kinglet::cli {
namespace {

constexpr int kHistoryLines = 1000;
// Terminals mark pasted text when asked to.
constexpr std::string_view kPasteOn = "\x1b[?2004h";
constexpr std::string_view kPasteOff = "\x1b[?2004l";
constexpr std::string_view kPasteEnd = "\x1b[201~";
constexpr size_t kLongestPaste = size_t{1} << 20;

}  // namespace

struct LineEditor::State {
  std::string history_path;
  std::string prompt;
  ::History* history = nullptr;
  ::EditLine* editor = nullptr;
  bool keeps_history = true;
  bool interrupted = false;

  static State& of(::EditLine* editor) {
    void* data = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &data);
    return *static_cast<State*>(data);
  }
  static char* show_prompt(::EditLine* editor) { return of(editor).prompt.data(); }

  static unsigned char on_interrupt(::EditLine* editor, int /*key*/) {
    of(editor).interrupted = true;
    return CC_NEWLINE;
  }

  static unsigned char on_suspend(::EditLine* editor, int /*key*/) {
    ::el_set(editor, EL_PREP_TERM, 0);
    std::raise(SIGTSTP);
    ::el_set(editor, EL_PREP_TERM, 1);
    return CC_REDISPLAY;
  }

  // Takes all up to the mark of the end as text; line breaks in it end no line.
  static unsigned char on_paste(::EditLine* editor, int /*key*/) {
    std::string text;
    char c = 0;
    while (!text.ends_with(kPasteEnd) && text.size() < kLongestPaste && ::el_getc(editor, &c) == 1)
      text.push_back(c == '\r' ? '\n' : c);
    if (text.ends_with(kPasteEnd)) text.resize(text.size() - kPasteEnd.size());
    while (text.ends_with('\n')) text.pop_back();
    if (!text.empty() && ::el_insertstr(editor, text.c_str()) != 0) return CC_ERROR;
    return CC_REFRESH;
  }
};

LineEditor::LineEditor(std::string history_path) : state_(std::make_unique<State>()) {
  // Letters beyond ASCII need a locale that knows them, and a bare system names none.
  if (std::string_view(::nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
  state_->history_path = std::move(history_path);
  state_->history = ::history_init();
  std::FILE* screen = is_terminal(STDOUT_FILENO) ? stdout : stderr;
  state_->editor = ::el_init("kinglet", stdin, screen, stderr);
  if (state_->history == nullptr || state_->editor == nullptr)
    fail(ErrorCode::kIo, "terminal: line editing cannot be set up");
  HistEvent event;
  ::history(state_->history, &event, H_SETSIZE, kHistoryLines);
  ::history(state_->history, &event, H_SETUNIQUE, 1);
  ::history(state_->history, &event, H_LOAD, state_->history_path.c_str());
  ::EditLine* editor = state_->editor;
  ::el_set(editor, EL_CLIENTDATA, state_.get());
  ::el_set(editor, EL_PROMPT, State::show_prompt);
  ::el_set(editor, EL_EDITOR, "emacs");
  ::el_set(editor, EL_HIST, ::history, state_->history);
  ::el_set(editor, EL_SIGNAL, 1);
  // While a line is typed Ctrl-C and Ctrl-Z are keys, not signals.
  ::el_set(editor, EL_SETTY, "-d", "-isig", nullptr);
  ::el_set(editor, EL_ADDFN, "kinglet-interrupt", "Drop the line", State::on_interrupt);
  ::el_set(editor, EL_BIND, "^C", "kinglet-interrupt", nullptr);
  ::el_set(editor, EL_ADDFN, "kinglet-suspend", "Stop the program for a while", State::on_suspend);
  ::el_set(editor, EL_BIND, "^Z", "kinglet-suspend", nullptr);
  ::el_set(editor, EL_ADDFN, "kinglet-paste", "Take pasted text", State::on_paste);
  ::el_set(editor, EL_BIND, "\\e[200~", "kinglet-paste", nullptr);
  ::el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  ::el_source(editor, nullptr);
}

LineEditor::~LineEditor() {
  ::el_end(state_->editor);
  ::history_end(state_->history);
}

LineEditor::Event LineEditor::read(const std::string& prompt, std::string& line) {
  state_->prompt = prompt;
  state_->interrupted = false;
  int n = 0;
  const bool marks_paste = is_terminal(STDERR_FILENO);
  if (marks_paste) write_to_stderr(kPasteOn);
  // Before the prompt is seen, so that keys which are typed at once come as keys.
  ::el_set(state_->editor, EL_PREP_TERM, 1);
  const char* typed = ::el_gets(state_->editor, &n);
  if (marks_paste) write_to_stderr(kPasteOff);
  if (state_->interrupted) return Event::kInterrupt;
  if (typed == nullptr || n <= 0) return Event::kEnd;
  line.assign(typed, static_cast<size_t>(n));
  if (line.ends_with('\n')) line.pop_back();
  return Event::kLine;
}

void LineEditor::remember(const std::string& line) {
  if (!state_->keeps_history || line.empty()) return;
  HistEvent event;
  ::history(state_->history, &event, H_ENTER, line.c_str());
  // At once, as a terminal that is closed ends the program without a word.
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(state_->history_path).parent_path(), ignored);
  // What people write is nobody else's business.
  const mode_t mask = ::umask(0077);
  ::history(state_->history, &event, H_SAVE, state_->history_path.c_str());
  ::umask(mask);
}

void LineEditor::keep_history(bool on) noexcept { state_->keeps_history = on; }

}  // namespace kinglet::cli
