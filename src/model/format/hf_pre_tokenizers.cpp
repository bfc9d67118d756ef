#include "model/format/hf_pre_tokenizers.h"

#include <algorithm>
#include <array>

#include "core/base/base.h"

namespace kinglet::format {
namespace {

#define KINGLET_CONTRACTION R"((?i:'s|'t|'re|'ve|'m|'ll|'d))"
#define KINGLET_SPACES R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"
#define KINGLET_UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define KINGLET_LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"

constexpr std::string_view kLlama3 =
    KINGLET_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)" KINGLET_SPACES;
constexpr std::string_view kQwen2 =
    KINGLET_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)" KINGLET_SPACES;
constexpr std::string_view kQwen35 =
    KINGLET_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*)" KINGLET_SPACES;
constexpr std::string_view kTekken =
    R"([^\r\n\p{L}\p{N}]?)" KINGLET_UPPER "*" KINGLET_LOWER R"(+|[^\r\n\p{L}\p{N}]?)" KINGLET_UPPER "+" KINGLET_LOWER
    R"(*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*)" KINGLET_SPACES;
constexpr std::string_view kGpt4o = R"([^\r\n\p{L}\p{N}]?)" KINGLET_UPPER "*" KINGLET_LOWER "+" KINGLET_CONTRACTION
                                    R"(?|[^\r\n\p{L}\p{N}]?)" KINGLET_UPPER "+" KINGLET_LOWER "*" KINGLET_CONTRACTION
                                    R"(?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*)" KINGLET_SPACES;
// GPT-4's. Its possessive quantifiers stand before what they cannot match, so greedy ones do the same.
constexpr std::string_view kGpt4 =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kGpt4Greedy =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kOneToThree = R"(\p{N}{1,3})";
constexpr std::string_view kHanKana = "[\xE4\xB8\x80-\xE9\xBE\xA5\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-\xE3\x83\xBF]+";
constexpr std::string_view kDeepseek3Words =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*)" KINGLET_SPACES;

struct Row {
  std::string_view name;
  std::array<std::string_view, 4> cuts;
  bool whole_words_first = false;
  bool nfc = false;
  std::string_view runs_as = {};  // a pattern in place of the name's, which differ in rare texts
};

// The first name of those that mean the same. Source: what llama.cpp quotes of each tokenizer.json beside its names.
constexpr std::array kRows = {
    Row{"llama-bpe", {kLlama3}, true},
    Row{"smaug-bpe", {kLlama3}},
    Row{"qwen2", {kQwen2}, false, true},
    Row{"qwen35", {kQwen35}},
    Row{"gpt-2", {kGpt2Cut}},
    Row{"smollm", {kEachNumber, kGpt2Cut}},
    Row{"falcon", {kPunctuationRun, kGpt2Cut, kNumberRun, "[0-9][0-9][0-9]"}},
    Row{"tekken", {kTekken}, true},
    Row{"gpt-4o", {kGpt4o}},
    Row{"dbrx", {kGpt4}, false, false, kGpt4Greedy},
    Row{"dbrx", {kGpt4Greedy}, false, false, kGpt4Greedy},
    Row{"deepseek-v3", {kOneToThree, kHanKana, kDeepseek3Words}},
};

bool has_cuts(const Row& row, const std::vector<std::string>& cuts) {
  if (cuts.size() > row.cuts.size()) return false;
  for (size_t i = 0; i < row.cuts.size(); ++i) {
    if (row.cuts[i] != (i < cuts.size() ? std::string_view(cuts[i]) : std::string_view())) return false;
  }
  return true;
}

}  // namespace

NamedCuts name_cuts(const std::vector<std::string>& cuts, bool whole_words_first) {
  for (const Row& row : kRows) {
    if (!has_cuts(row, cuts)) continue;
    if (!row.runs_as.empty()) return {row.name, row.nfc, {std::string(row.runs_as)}};
    if (row.whole_words_first == whole_words_first) return {row.name, row.nfc, {}};
  }
  return {"default", false, cuts};
}

}  // namespace kinglet::format
