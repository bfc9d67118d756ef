// Builds a string from parts without a formatting library: the core has no third-party code.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace kinglet {

void append_part(std::string& out, std::string_view part);
void append_part(std::string& out, char part);
void append_part(std::string& out, double part);
/// A template, so that a pointer to characters does not become a truth value.
template <std::same_as<bool> T>
void append_part(std::string& out, T part) {
  append_part(out, part ? std::string_view("true") : std::string_view("false"));
}

void append_signed(std::string& out, long long part);
void append_unsigned(std::string& out, unsigned long long part);

template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char>)
void append_part(std::string& out, T part) {
  if constexpr (std::is_signed_v<T>) {
    append_signed(out, part);
  } else {
    append_unsigned(out, part);
  }
}

/// The parts, one after the other; numbers in decimal, floating point in the shortest form that reads back.
template <class... Parts>
[[nodiscard]] std::string str(const Parts&... parts) {
  std::string out;
  (append_part(out, parts), ...);
  return out;
}

}  // namespace kinglet
