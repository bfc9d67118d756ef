#include "front/cli/arguments.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>

#include "core/base/base.h"
#include "front/cli/did_you_mean.h"
#include "home/store/near_names.h"

namespace kinglet::cli {
namespace {

double parse_number(std::string_view name, std::string_view text) {
  double number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    fail_with(ErrorCode::kInvalidArgument, name, ": ", text, " is not a number");
  }
  return number;
}

// "-j,--json" as people read it.
std::string spaced(std::string_view names) {
  std::string text;
  for (const char c : names) text += c == ',' ? std::string(", ") : std::string(1, c);
  return text;
}

ArgumentRow option_row(std::string_view names, std::string_view value, std::string_view help) {
  return {.names = spaced(names), .value = std::string(value), .help = std::string(help)};
}

std::string unspaced(std::string_view names) {
  std::string text(names);
  std::erase(text, ' ');
  return text;
}

[[noreturn]] void refuse_extra(std::string_view command, const std::string& word,
                               const std::vector<ArgumentRow>& rows) {
  if (!word.starts_with('-') || word.size() < 2) {
    fail_with(ErrorCode::kInvalidArgument, command, ": there is no place for the argument ", word);
  }
  const std::string name = word.substr(0, word.find('='));
  std::vector<std::string> known;
  for (const ArgumentRow& row : rows) {
    if (!row.is_argument) known.push_back(long_name(row));
  }
  fail_with(ErrorCode::kInvalidArgument, name, ": no such option of `kinglet ", command, '`',
            did_you_mean(store::nearest(name, known)));
}

}  // namespace

uint64_t parse_count(std::string_view name, std::string_view text) {
  uint64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc() || end != text.data() + text.size()) {
    fail_with(ErrorCode::kInvalidArgument, name, ": ", text.empty() ? "nothing" : text, " is not a whole number");
  }
  return number;
}

std::string long_name(const ArgumentRow& row) {
  const size_t at = row.names.find("--");
  return at == std::string::npos ? row.names : row.names.substr(at, row.names.find(',', at) - at);
}

ArgumentRow& Arguments::add(ArgumentRow row, Take take) {
  rows_.push_back(std::move(row));
  takes_.push_back(std::move(take));
  return rows_.back();
}

ArgumentRow& Arguments::flag(std::string_view names, bool& into, std::string_view help) {
  return add(option_row(names, "", help), [&into](auto, const auto&) { into = true; });
}

ArgumentRow& Arguments::option(std::string_view names, std::string_view value, std::string& into,
                               std::string_view help) {
  return add(option_row(names, value, help), [&into](auto, const std::string& text) { into = text; });
}

ArgumentRow& Arguments::option(std::string_view names, std::string_view value, std::optional<std::string>& into,
                               std::string_view help) {
  return add(option_row(names, value, help), [&into](auto, const std::string& text) { into = text; });
}

ArgumentRow& Arguments::option(std::string_view names, std::string_view value, std::vector<std::string>& into,
                               std::string_view help) {
  ArgumentRow row = option_row(names, value, help);
  row.repeats = true;
  return add(std::move(row), [&into](auto, const std::string& text) { into.push_back(text); });
}

ArgumentRow& Arguments::option(std::string_view names, std::string_view value, uint64_t& into, std::string_view help) {
  return add(option_row(names, value, help),
             [&into](std::string_view name, const std::string& text) { into = parse_count(name, text); });
}

ArgumentRow& Arguments::option(std::string_view names, std::string_view value, std::optional<uint64_t>& into,
                               std::string_view help) {
  return add(option_row(names, value, help),
             [&into](std::string_view name, const std::string& text) { into = parse_count(name, text); });
}

ArgumentRow& Arguments::option(std::string_view names, std::string_view value, std::optional<double>& into,
                               std::string_view help) {
  return add(option_row(names, value, help),
             [&into](std::string_view name, const std::string& text) { into = parse_number(name, text); });
}

ArgumentRow& Arguments::option(std::string_view names, std::string_view value, std::vector<uint64_t>& into,
                               std::string_view help) {
  return add(option_row(names, value, help), [&into](std::string_view name, const std::string& text) {
    into.clear();
    for (size_t at = 0; at <= text.size();) {
      const size_t comma = std::min(text.find(',', at), text.size());
      into.push_back(parse_count(name, std::string_view(text).substr(at, comma - at)));
      at = comma + 1;
    }
  });
}

ArgumentRow& Arguments::argument(std::string_view name, std::string& into, std::string_view help) {
  ArgumentRow row{.names = std::string(name), .value = "", .help = std::string(help), .is_argument = true};
  row.is_required = true;
  return add(std::move(row), [&into](auto, const std::string& text) { into = text; });
}

ArgumentRow& Arguments::optional_argument(std::string_view name, std::optional<std::string>& into,
                                          std::string_view help) {
  ArgumentRow row{.names = std::string(name), .value = "", .help = std::string(help), .is_argument = true};
  return add(std::move(row), [&into](auto, const std::string& text) { into = text; });
}

ArgumentRow& Arguments::rest(std::string_view name, std::vector<std::string>& into, std::string_view help) {
  ArgumentRow row{.names = std::string(name), .value = "", .help = std::string(help), .is_argument = true};
  row.repeats = true;
  return add(std::move(row), [&into](auto, const std::string& text) { into.push_back(text); });
}

std::string Arguments::usage() const {
  std::string text;
  for (const ArgumentRow& row : rows_) {
    if (!row.is_argument) continue;
    const std::string name = row.names + (row.repeats ? "..." : "");
    text += str(text.empty() ? "" : " ", row.is_required ? name : str('[', name, ']'));
  }
  return text;
}

// An option in the place of a value is no value: it was forgotten.
void Arguments::check_values(std::span<const std::string> words) const {
  const auto find = [&](std::string_view word) {
    return std::ranges::find_if(rows_, [&](const ArgumentRow& row) {
      return !row.is_argument && str(',', unspaced(row.names), ',').find(str(',', word, ',')) != std::string::npos;
    });
  };
  for (size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    const auto row = find(words[i]);
    if (row == rows_.end() || row->value.empty() || i + 1 == words.size()) continue;
    const std::string& value = words[++i];
    if (value == "--" || find(std::string_view(value).substr(0, value.find('='))) != rows_.end()) {
      fail_with(ErrorCode::kInvalidArgument, words[i - 1], ": needs a value, and ", value, " is an option; ",
                long_name(*row), '=', value, " takes it as text");
    }
  }
}

void Arguments::take(size_t row_idx, const std::string& text) {
  const ArgumentRow& row = rows_[row_idx];
  const std::string name = row.is_argument ? row.names : long_name(row);
  if (!row.choices.empty() && std::ranges::find(row.choices, text) == row.choices.end()) {
    std::string all;
    for (const std::string& choice : row.choices) all += str(all.empty() ? "" : ", ", choice);
    fail_with(ErrorCode::kInvalidArgument, name, ": ", text, " is not one of ", all);
  }
  takes_[row_idx](name, text);
}

void Arguments::parse(std::span<const std::string> words, std::string_view command) {
  check_values(words);
  CLI::App app;
  app.set_help_flag();  // --help is a row like others
  app.allow_extras();
  std::vector<CLI::Option*> options;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const ArgumentRow& row = rows_[i];
    if (row.is_argument && !row.repeats) {
      const auto take_one = [this, i](const std::string& text) { take(i, text); };
      options.push_back(app.add_option_function<std::string>(row.names, take_one));
    } else if (row.is_argument || !row.value.empty()) {
      const auto take_all = [this, i](const std::vector<std::string>& texts) {
        for (const std::string& text : texts) take(i, text);
      };
      CLI::Option* option = app.add_option_function<std::vector<std::string>>(unspaced(row.names), take_all);
      option->expected(row.is_argument ? -1 : 1);
      if (!row.is_argument) option->allow_extra_args(false);  // one value a time, what follows is something else
      row.repeats ? option->take_all() : option->take_last();
      options.push_back(option);
    } else {
      options.push_back(app.add_flag_callback(unspaced(row.names), [this, i] { take(i, ""); }));
    }
  }
  std::vector<std::string> reversed(words.rbegin(), words.rend());  // as the library wants them
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    std::string what = error.what();
    const size_t colon = what.find(": ");
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ArgumentMismatch) && colon != std::string::npos) {
      fail_with(ErrorCode::kInvalidArgument, what.substr(0, colon), ": needs a value");
    }
    fail(ErrorCode::kInvalidArgument, what);
  }
  std::vector<std::string> extras = app.remaining();
  std::erase(extras, "--");  // the mark behind which nothing is an option
  if (!extras.empty()) refuse_extra(command, extras.front(), rows_);
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].is_required && options[i]->count() == 0) {
      fail_with(ErrorCode::kInvalidArgument, command, ": ", rows_[i].names, " is missing; usage: kinglet ", command,
                ' ', usage());
    }
  }
}

}  // namespace kinglet::cli
