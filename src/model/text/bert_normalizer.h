// How BERT reads text: cleaned, Chinese characters apart, without accents, in small letters; then cut into words.
// Internal to model/text.
#pragma once

#include <string>
#include <string_view>

#include "model/text/unicode.h"
#include "model/text/utf8.h"
#include "model/text/vocabulary.h"

namespace kinglet::text {

/// Takes linear time, but for marks in the wrong order, which are sorted.
std::string bert_normalized(std::string_view text, const BertRules& rules);

/// Calls use(word) for each word: what stands between white space, punctuation characters each on their own.
template <class Use>
void for_each_bert_word(std::string_view text, const Use& use) {
  size_t begin = 0;
  const auto end_word = [&](size_t end) {
    if (end > begin) use(text.substr(begin, end - begin));
  };
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    const uint8_t classes = point.valid ? char_class(point.value) : uint8_t{0};
    const bool is_space = (classes & CharClass::kSpace) != 0;
    const bool is_mark =
        (classes & CharClass::kPunctuation) != 0 || (point.value < 0x80 && (classes & CharClass::kSymbol) != 0);
    if (is_space || is_mark) {
      end_word(i);
      begin = i + (is_space ? point.length : 0);
      if (is_mark) end_word(i + point.length);
      begin = i + point.length;
    }
    i += point.length;
  }
  end_word(text.size());
}

}  // namespace kinglet::text
