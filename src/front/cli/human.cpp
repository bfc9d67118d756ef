#include "front/cli/human.h"

#include <array>
#include <cstdio>
#include <string_view>

#include "core/base/base.h"

namespace kinglet::cli {
namespace {

struct Scaled {
  double value;
  size_t unit;  // how many times it was divided by 1000
};

Scaled scaled(uint64_t n, size_t n_units) {
  Scaled result{static_cast<double>(n), 0};
  while (result.value >= 999.5 && result.unit + 1 < n_units) {
    result.value /= 1000;
    ++result.unit;
  }
  return result;
}

std::string with_digits(double value, int n_digits) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.*f", n_digits, value);
  return text;
}

}  // namespace

std::string human_bytes(uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "KB", "MB", "GB", "TB"};
  const auto [value, unit] = scaled(bytes, kUnits.size());
  return str(with_digits(value, unit == 0 || value >= 9.95 ? 0 : 1), ' ', kUnits[unit]);
}

std::string human_count(uint64_t n) {
  constexpr std::array<std::string_view, 5> kUnits = {"", "K", "M", "B", "T"};
  const auto [value, unit] = scaled(n, kUnits.size());
  return str(with_digits(value, unit == 0 ? 0 : 1), kUnits[unit]);
}

std::string human_seconds(double seconds) {
  if (!(seconds < 360000)) return "";
  const auto whole = static_cast<uint64_t>(seconds);
  if (whole >= 3600) return str(whole / 3600, 'h', whole / 60 % 60, 'm');
  return whole >= 60 ? str(whole / 60, 'm', whole % 60, 's') : str(whole, 's');
}

}  // namespace kinglet::cli
