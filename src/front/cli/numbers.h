// Numbers as text: the shortest that reads back as the same f32.
#pragma once

#include <array>
#include <charconv>
#include <span>
#include <string>

namespace kinglet::cli {

inline std::string shortest(float value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

/// "[0.1,-2,3e-05]".
inline std::string json_array(std::span<const float> values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ',';
    text += shortest(values[i]);
  }
  return text + ']';
}

}  // namespace kinglet::cli
