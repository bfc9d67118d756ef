// Which name of GGUF stands for the cuts of a tokenizer.json. Internal to model/format.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::format {

/// How GPT-2 cuts, and ByteLevel with use_regex.
inline constexpr std::string_view kGpt2Cut =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view kEachNumber = R"(\p{N})";
inline constexpr std::string_view kNumberRun = R"(\p{N}+)";
/// What the package tokenizers takes for punctuation.
inline constexpr std::string_view kPunctuation = R"([\p{P}!-/:-@\[-`\{-~])";
inline constexpr std::string_view kPunctuationRun = R"([\p{P}!-/:-@\[-`\{-~]+)";

/// A name, and what differs here from what it means.
struct NamedCuts {
  std::string_view name;
  bool nfc = false;                        ///< The name implies form C.
  std::vector<std::string> patterns = {};  ///< Empty: the name says it all.
};

/// Cuts are patterns, each cutting the words of the one before. Cuts that no name has become patterns under the name
/// "default".
NamedCuts name_cuts(const std::vector<std::string>& cuts, bool whole_words_first);

}  // namespace kinglet::format
