// Ids of calls, which answers of tools name.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace kinglet::chat {

/// Not thread-safe.
class CallIds {
 public:
  /// `style`: what stands in front, and how many letters and digits follow.
  struct Style {
    std::string prefix = "call_";
    size_t n_characters = 24;
  };
  CallIds(Style style, uint64_t seed) : style_(std::move(style)), random_(seed) {}

  std::string next() {
    constexpr std::string_view kCharacters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::string id = style_.prefix;
    for (size_t i = 0; i < style_.n_characters; ++i) id += kCharacters[random_() % kCharacters.size()];
    return id;
  }

 private:
  Style style_;
  std::mt19937_64 random_;
};

}  // namespace kinglet::chat
