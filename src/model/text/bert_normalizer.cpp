#include "model/text/bert_normalizer.h"

#include <algorithm>
#include <array>

namespace kinglet::text {
namespace {

bool is_chinese(uint32_t c) noexcept {
  // The sixth begins at U+2B920, as in Hugging Face's tokenizers.
  constexpr std::array<std::pair<uint32_t, uint32_t>, 8> kBlocks = {{
      {0x4E00, 0x9FFF},
      {0x3400, 0x4DBF},
      {0x20000, 0x2A6DF},
      {0x2A700, 0x2B73F},
      {0x2B740, 0x2B81F},
      {0x2B920, 0x2CEAF},
      {0xF900, 0xFAFF},
      {0x2F800, 0x2FA1F},
  }};
  return std::ranges::any_of(kBlocks, [c](const auto& block) { return c >= block.first && c <= block.second; });
}

// Control, format, surrogate and private characters.
bool is_control(uint32_t c) noexcept {
  constexpr uint32_t kOther = (1U << 26U) | (1U << 27U) | (1U << 28U) | (1U << 29U);
  return c != '\t' && c != '\n' && c != '\r' && ((kOther >> category_of(c)) & 1U) != 0;
}

}  // namespace

std::string bert_normalized(std::string_view text, const BertRules& rules) {
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    i += point.length;
    const uint32_t c = point.value;
    if (rules.clean && (c == 0 || c == 0xFFFD || is_control(c))) continue;
    const bool is_space = (char_class(c) & CharClass::kSpace) != 0;
    const bool is_apart = rules.chinese_apart && is_chinese(c);
    if (is_apart) out.push_back(' ');
    append_utf8(out, rules.clean && is_space ? ' ' : c);
    if (is_apart) out.push_back(' ');
  }
  if (rules.strip_accents) out = without_accents(nfd(out));
  return rules.lowercase ? lowercase(out) : out;
}

}  // namespace kinglet::text
