#include "home/store/quant_tag.h"

#include <algorithm>

namespace kinglet::store {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

// "Q4_K_M", "IQ2_XS", "TQ1_0", "BF16": what llama.cpp calls its file types.
bool is_quant(std::string_view word) {
  for (const std::string_view plain : {"F16", "F32", "BF16", "FP16", "FP32", "MXFP4"}) {
    if (word == plain) return true;
  }
  for (const std::string_view start : {"Q", "IQ", "TQ"}) {
    if (word.starts_with(start) && word.size() > start.size() + 1 && is_digit(word[start.size()]) &&
        word[start.size() + 1] == '_') {
      return true;
    }
  }
  return false;
}

// "-00001-of-00003" at the end, with five digits each.
constexpr size_t kSplitBytes = 15;
bool is_split_suffix(std::string_view text) {
  constexpr std::string_view kForm = "-00000-of-00000";
  return std::ranges::equal(text, kForm, [](char c, char form) { return form == '0' ? is_digit(c) : c == form; });
}

}  // namespace

FileWords read_file_words(std::string_view file_name) {
  FileWords words;
  std::string_view stem = file_name;
  for (const std::string_view ending : {".gguf", ".whl"}) {
    if (stem.size() > ending.size() && stem.ends_with(ending)) stem.remove_suffix(ending.size());
  }
  if (stem.size() > kSplitBytes && is_split_suffix(stem.substr(stem.size() - kSplitBytes))) {
    words.is_first_part = stem.substr(stem.size() - kSplitBytes, 6) == "-00001";
    stem.remove_suffix(kSplitBytes);
  }
  words.name = stem;
  const size_t cut = stem.find_last_of("-.");
  if (cut == std::string_view::npos || cut == 0) return words;
  const std::string last = upper(stem.substr(cut + 1));
  if (!is_quant(last)) return words;
  words.quant = last;
  words.name = stem.substr(0, cut);
  return words;
}

}  // namespace kinglet::store
