#include "model/text/jinja/strftime.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "core/base/str.h"

namespace kinglet::text::jinja {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};

struct Time {
  std::chrono::year_month_day date;
  std::chrono::sys_days day;
  int64_t seconds;  // since midnight

  [[nodiscard]] int64_t year() const { return static_cast<int>(date.year()); }
  [[nodiscard]] unsigned month() const { return static_cast<unsigned>(date.month()); }
  [[nodiscard]] int64_t hour() const { return seconds / 3600; }
  [[nodiscard]] int64_t half_day_hour() const { return hour() % 12 == 0 ? 12 : hour() % 12; }
  [[nodiscard]] int64_t weekday() const { return std::chrono::weekday(day).c_encoding(); }  // 0: Sunday
  [[nodiscard]] int64_t iso_weekday() const { return std::chrono::weekday(day).iso_encoding(); }
  [[nodiscard]] int64_t day_of_year() const {  // from 0
    return (day - std::chrono::sys_days(date.year() / std::chrono::January / 1)).count();
  }
  // The Thursday of this ISO week, whose year is the week's.
  [[nodiscard]] Time thursday() const {
    const std::chrono::sys_days other = day + std::chrono::days(4 - iso_weekday());
    return {std::chrono::year_month_day(other), other, seconds};
  }
};

std::string padded(int64_t number, size_t width, char flag, char fill = '0') {
  std::string digits = str(number);
  if (flag == '-') return digits;
  if (flag == '_') fill = ' ';
  if (flag == '0') fill = '0';
  return digits.size() < width ? std::string(width - digits.size(), fill) + digits : digits;
}

std::string part(const Time& time, char directive, char flag) {
  switch (directive) {
    case 'a':
      return std::string(kDays[static_cast<size_t>(time.weekday())].substr(0, 3));
    case 'A':
      return std::string(kDays[static_cast<size_t>(time.weekday())]);
    case 'b':
    case 'h':
      return std::string(kMonths[time.month() - 1].substr(0, 3));
    case 'B':
      return std::string(kMonths[time.month() - 1]);
    case 'c':
      return str(part(time, 'a', 0), ' ', part(time, 'b', 0), ' ', part(time, 'e', 0), ' ', part(time, 'T', 0), ' ',
                 part(time, 'Y', 0));
    case 'C':
      return padded(time.year() / 100, 2, flag);
    case 'd':
      return padded(static_cast<unsigned>(time.date.day()), 2, flag);
    case 'D':
    case 'x':
      return str(part(time, 'm', 0), '/', part(time, 'd', 0), '/', part(time, 'y', 0));
    case 'e':
      return padded(static_cast<unsigned>(time.date.day()), 2, flag, ' ');
    case 'f':
      return "000000";
    case 'F':
      return str(part(time, 'Y', 0), '-', part(time, 'm', 0), '-', part(time, 'd', 0));
    case 'g':
      return padded(time.thursday().year() % 100, 2, flag);
    case 'G':
      return padded(time.thursday().year(), 4, flag);
    case 'H':
      return padded(time.hour(), 2, flag);
    case 'I':
      return padded(time.half_day_hour(), 2, flag);
    case 'j':
      return padded(time.day_of_year() + 1, 3, flag);
    case 'k':
      return padded(time.hour(), 2, flag, ' ');
    case 'l':
      return padded(time.half_day_hour(), 2, flag, ' ');
    case 'm':
      return padded(time.month(), 2, flag);
    case 'M':
      return padded(time.seconds / 60 % 60, 2, flag);
    case 'n':
      return "\n";
    case 'p':
      return time.hour() < 12 ? "AM" : "PM";
    case 'P':
      return time.hour() < 12 ? "am" : "pm";
    case 'r':
      return str(part(time, 'I', 0), ':', part(time, 'M', 0), ':', part(time, 'S', 0), ' ', part(time, 'p', 0));
    case 'R':
      return str(part(time, 'H', 0), ':', part(time, 'M', 0));
    case 'S':
      return padded(time.seconds % 60, 2, flag);
    case 't':
      return "\t";
    case 'T':
    case 'X':
      return str(part(time, 'R', 0), ':', part(time, 'S', 0));
    case 'u':
      return str(time.iso_weekday());
    case 'U':
      return padded((time.day_of_year() + 7 - time.weekday()) / 7, 2, flag);
    case 'V':
      return padded(time.thursday().day_of_year() / 7 + 1, 2, flag);
    case 'w':
      return str(time.weekday());
    case 'W':
      return padded((time.day_of_year() + 8 - time.iso_weekday()) / 7, 2, flag);
    case 'y':
      return padded(time.year() % 100, 2, flag);
    case 'Y':
      return padded(time.year(), 0, flag);
    case 'z':
    case 'Z':
      return "";  // the time has no zone
    case '%':
      return "%";
    default:
      return {'%', directive};
  }
}

}  // namespace

std::string format_time(std::string_view format, int64_t seconds) {
  // Years that a calendar has; a clock out of them tells nothing.
  constexpr int64_t kLast = 253'402'300'799;  // the end of the year 9999
  const std::chrono::sys_seconds instant(std::chrono::seconds(std::clamp<int64_t>(seconds, 0, kLast)));
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const Time time{std::chrono::year_month_day(day), day, (instant - day).count()};
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 >= format.size()) {
      out += format[i];
      continue;
    }
    ++i;
    constexpr std::string_view kFlags = "-_0^#";
    char flag = '\0';
    if (kFlags.find(format[i]) != std::string_view::npos && i + 1 < format.size()) flag = format[i++];
    std::string text = part(time, format[i], flag);
    if (flag == '^')
      std::ranges::transform(text, text.begin(),
                             [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    out += text;
  }
  return out;
}

}  // namespace kinglet::text::jinja
