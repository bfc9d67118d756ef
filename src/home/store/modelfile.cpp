#include "home/store/modelfile.h"

#include <algorithm>
#include <array>

#include "core/base/base.h"
#include "model/format/printable.h"

namespace kinglet::store {
namespace {

using Command = Instruction::Command;

constexpr std::array<std::string_view, 7> kNames = {"FROM",    "PARAMETER", "TEMPLATE", "SYSTEM",
                                                    "ADAPTER", "LICENSE",   "MESSAGE"};
constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kQuotes = "\"\"\"";

std::string_view trimmed(std::string_view text, std::string_view what = kSpace) {
  const size_t first = text.find_first_not_of(what);
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(what) + 1 - first);
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

void append_utf8(std::string& out, uint32_t c) {
  const auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) return put(c);
  if (c >= 0x10000) put(0xF0 | (c >> 18));
  if (c >= 0x10000) put(0x80 | ((c >> 12) & 0x3F));
  if (c >= 0x800 && c < 0x10000) put(0xE0 | (c >> 12));
  if (c < 0x800) put(0xC0 | (c >> 6));
  if (c >= 0x800) put(0x80 | ((c >> 6) & 0x3F));
  put(0x80 | (c & 0x3F));
}

// UTF-16 without its mark; units that are no character become U+FFFD.
std::string from_utf16(std::string_view bytes, bool little_endian) {
  std::string out;
  const auto unit = [&](size_t i) {
    const auto low = static_cast<uint8_t>(bytes[little_endian ? i : i + 1]);
    const auto high = static_cast<uint8_t>(bytes[little_endian ? i + 1 : i]);
    return static_cast<uint32_t>(high) << 8 | low;
  };
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
    const uint32_t first = unit(i);
    const bool is_pair =
        first >= 0xD800 && first < 0xDC00 && i + 3 < bytes.size() && unit(i + 2) >= 0xDC00 && unit(i + 2) < 0xE000;
    if (is_pair) {
      append_utf8(out, 0x10000 + ((first - 0xD800) << 10) + (unit(i + 2) - 0xDC00));
      i += 2;
    } else {
      append_utf8(out, first >= 0xD800 && first < 0xE000 ? 0xFFFD : first);
    }
  }
  return out;
}

std::string decoded(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.starts_with("\xFF\xFE")) return from_utf16(text.substr(2), true);
  if (text.starts_with("\xFE\xFF")) return from_utf16(text.substr(2), false);
  return std::string(text);
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view name) : rest_(text), name_(name) {}

  Modelfile run() {
    Modelfile file;
    while (!rest_.empty()) {
      const std::string_view line = trimmed(take_line());
      if (line.empty() || line[0] == '#') continue;
      file.instructions.push_back(instruction(line));
    }
    const auto n_from = std::ranges::count(file.instructions, Command::kFrom, &Instruction::command);
    if (n_from == 0) {
      fail_with(ErrorCode::kInvalidArgument, name_, ": has no line FROM, which names the model to begin with");
    }
    return file;
  }

 private:
  std::string_view take_line() {
    const size_t end = std::min(rest_.find('\n'), rest_.size());
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    ++line_;
    return line;
  }

  [[noreturn]] void refuse(uint32_t line, std::string_view command, std::string_view why) const {
    fail_with(ErrorCode::kInvalidArgument, name_, ": line ", line, ": ", format::printable(command), ": ", why);
  }

  Instruction instruction(std::string_view line) {
    const uint32_t start = line_;
    const std::string_view word = take_word(line);
    const auto* const found = std::ranges::find(kNames, upper(word));
    if (found == kNames.end()) {
      refuse(start, word, "no such command; there are FROM, PARAMETER, TEMPLATE, SYSTEM, ADAPTER, LICENSE and MESSAGE");
    }
    Instruction made{static_cast<Command>(found - kNames.begin()), {}, {}, start};
    if (made.command == Command::kFrom && std::exchange(has_from_, true)) {
      refuse(start, *found, "a second one; a model is made from one model or file");
    }
    if (made.command == Command::kParameter || made.command == Command::kMessage) made.name = take_word(line);
    if (made.command == Command::kMessage && made.name != "system" && made.name != "user" && made.name != "assistant") {
      refuse(start, *found, "its role has to be system, user or assistant");
    }
    if (line.empty()) refuse(start, *found, "has no value");
    made.value = value(line, start, *found);
    return made;
  }

  // The first word of a line, which begins behind it and the blanks then.
  static std::string_view take_word(std::string_view& line) {
    const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
    line = trimmed(line.substr(word.size()), kBlanks);
    return word;
  }

  std::string value(std::string_view line, uint32_t start, std::string_view command) {
    const std::string_view quotes = line.starts_with(kQuotes) ? kQuotes
                                    : line.starts_with('"')   ? kQuotes.substr(0, 1)
                                                              : "";
    if (quotes.empty()) return std::string(line);
    std::string text(line.substr(quotes.size()));
    bool may_end = true;  // a line that came last is not empty
    for (;;) {
      if (may_end) {
        const std::string_view whole = std::string_view(text).substr(0, text.find_last_not_of(kSpace) + 1);
        if (whole.ends_with(quotes)) return std::string(whole.substr(0, whole.size() - quotes.size()));
      }
      if (rest_.empty()) refuse(start, command, str("its value begins with ", quotes, " and does not end with it"));
      const std::string_view next = take_line();
      may_end = !trimmed(next).empty();
      text.append(1, '\n').append(next);
    }
  }

  std::string_view rest_;
  std::string_view name_;
  uint32_t line_ = 0;
  bool has_from_ = false;
};

std::string quoted(const std::string& value) {
  const bool plain = value.find('\n') == std::string::npos && trimmed(value) == value && !value.starts_with('"');
  return plain && !value.empty() ? value : str(kQuotes, value, kQuotes);
}

}  // namespace

std::string_view name_of(Command command) noexcept { return kNames[static_cast<size_t>(command)]; }

Modelfile Modelfile::parse(std::string_view text, std::string_view name) {
  if (text.size() > kMaxBytes) {
    fail_with(ErrorCode::kInvalidArgument, name, ": has ", text.size(), " bytes, more than ", kMaxBytes);
  }
  const std::string utf8 = decoded(text);
  if (utf8.find('\0') != std::string::npos) fail_with(ErrorCode::kInvalidArgument, name, ": is no text");
  return Parser(utf8, name).run();
}

std::string Modelfile::to_text() const {
  std::string text;
  for (const Instruction& instruction : instructions) {
    text += str(name_of(instruction.command), ' ', instruction.name, instruction.name.empty() ? "" : " ",
                quoted(instruction.value), '\n');
  }
  return text;
}

}  // namespace kinglet::store
