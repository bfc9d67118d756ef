// What the fuzz targets of grammars share: an input in two parts, and masks compared with bytes taken one by one.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/base.h"
#include "fuzz_target.h"
#include "model/grammar/matcher.h"

namespace kinglet::grammar {

/// What stands before the first zero byte, and behind it.
inline std::pair<std::string, std::string> split_input(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(bytes.find('\0'), size);
  return {std::string(bytes.substr(0, end)), std::string(bytes.substr(std::min(end + 1, size)))};
}

inline std::shared_ptr<const TokenTrie> fuzz_trie() {
  static const std::shared_ptr<const TokenTrie> trie = [] {
    std::vector<std::string> bytes;
    for (int byte = 0; byte < 256; ++byte) bytes.emplace_back(1, static_cast<char>(byte));
    for (const char* piece : {"\": ", "\", \"", "{\"", "\"}", "ab", "abc", "tru", "12", " \n", "\xC3\xA9", "[1", "]]"})
      bytes.emplace_back(piece);
    return std::make_shared<const TokenTrie>(TokenBytes{bytes});
  }();
  return trie;
}

/// Whether the grammar takes the text. Checks on the way that a mask allows a token if and only if its bytes are taken.
inline bool check_masks(const Grammar& grammar, std::string_view text) {
  Matcher matcher(grammar, fuzz_trie());
  for (const char byte : text.substr(0, 256)) {
    const auto mask = matcher.mask();
    const std::vector<uint32_t> copy(mask.begin(), mask.end());
    for (size_t token = 0; token < fuzz_trie()->vocab_size(); ++token) {
      const bool is_set = (copy[token / 32] >> (token % 32) & 1U) != 0;
      Matcher tried = matcher;
      KINGLET_CHECK(tried.accept(static_cast<int32_t>(token)) == is_set, "a mask is what is accepted");
    }
    if (!matcher.accept(static_cast<uint8_t>(byte))) return false;
  }
  return text.size() <= 256 && matcher.can_end();
}

}  // namespace kinglet::grammar
