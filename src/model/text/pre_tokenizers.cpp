// The list of all pre-tokenizers.
//
// Names, patterns and what a name implies: llama.cpp's llama-vocab.cpp, beside which it quotes tokenizer.json; where it
// rewrote a pattern for its own matcher, the original of tokenizer.json stands here. jais-2 is not here: its pattern
// looks at a run of blanks once for each 512 of them, which is no linear time.
#include <array>

#include "model/text/pre_tokenizer.h"
#include "model/text/word_ends.h"

namespace kinglet::text {
namespace {

// Parts of patterns.
#define KINGLET_CONTRACTION R"((?i:'s|'t|'re|'ve|'m|'ll|'d))"
#define KINGLET_SPACES R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"
// Words that begin with capitals, and words of capitals, as GPT-4o and its kin cut them.
#define KINGLET_UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define KINGLET_LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define KINGLET_CASED(ending)                                                                               \
  R"([^\r\n\p{L}\p{N}]?)" KINGLET_UPPER "*" KINGLET_LOWER "+" ending R"(|[^\r\n\p{L}\p{N}]?)" KINGLET_UPPER \
  "+" KINGLET_LOWER "*" ending
// The same, Han kept apart (Kimi).
#define KINGLET_UPPER_NO_HAN R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]])"
#define KINGLET_LOWER_NO_HAN R"([\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]])"
#define KINGLET_CASED_NO_HAN(ending)                                               \
  R"([^\r\n\p{L}\p{N}]?)" KINGLET_UPPER_NO_HAN "*" KINGLET_LOWER_NO_HAN "+" ending \
  R"(|[^\r\n\p{L}\p{N}]?)" KINGLET_UPPER_NO_HAN "+" KINGLET_LOWER_NO_HAN "*" ending
#define KINGLET_REST R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*)" KINGLET_SPACES
// A symbol and the letters behind it, words, symbols (DeepSeek 3 and its kin).
#define KINGLET_SYMBOL_WORDS \
  R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]\^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+)"
#define KINGLET_HAN_KANA R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)"

// Letters of scripts with two cases, as DeepSeek lists them.
#define KINGLET_CASED_SCRIPTS                                                                               \
  R"(A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x{2AF})"    \
  R"(\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1})"      \
  R"(\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5})"       \
  R"(\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77})"                \
  R"(\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D})"                \
  R"(\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE})" \
  R"(\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC})"                \
  R"(\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124})" \
  R"(\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E})" \
  R"(\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D})" \
  R"(\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF})"                \
  R"(\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F})"              \
  R"(\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF})"      \
  R"(\x{1E900}-\x{1E943})"

constexpr std::string_view kOneToThreeNumbers = R"(\p{N}{1,3})";
constexpr std::string_view kLines = R"([^\n]+|[\n]+)";
constexpr std::string_view kAsianOfDeepseek = R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)";
constexpr std::string_view kBloomWords = R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)";

constexpr std::array kGpt2 = {Cut{gpt2_word, {}}};
constexpr std::array kLlama3 = {Cut{llama3_word, {}}};
constexpr std::array kQwen2 = {Cut{qwen2_word, {}}};
constexpr std::array kSmollm = {Cut{each_number, {}}, Cut{gpt2_word, {}}};
constexpr std::array kFalcon = {Cut{falcon_punctuation_run, {}}, Cut{gpt2_word, {}}, Cut{three_digits, {}}};
constexpr std::array kDefault = {Cut{punctuation_run, {}}, Cut{gpt2_word, {}}, Cut{number_run, {}},
                                 Cut{three_digits, {}}};
constexpr std::array kQwen35 = {
    Cut{nullptr,
        KINGLET_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*)" KINGLET_SPACES}};
constexpr std::array kDeepseekLlm = {
    Cut{nullptr, R"([\r\n])"},
    Cut{nullptr, R"(\s?[)" KINGLET_CASED_SCRIPTS R"(]+)"},
    Cut{nullptr, R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)"},
    Cut{spaces_at_end, {}},
    Cut{nullptr, kAsianOfDeepseek},
    Cut{number_run, {}}};
constexpr std::array kDeepseekCoder = {Cut{nullptr, R"([\r\n])"}, Cut{nullptr, R"(\s?\p{L}+)"},
                                       Cut{nullptr, R"(\s?\p{P}+)"}, Cut{nullptr, kAsianOfDeepseek},
                                       Cut{each_number, {}}};
constexpr std::array kDeepseek3 = {Cut{nullptr, kOneToThreeNumbers}, Cut{nullptr, KINGLET_HAN_KANA},
                                   Cut{nullptr, KINGLET_SYMBOL_WORDS R"([\r\n]*)" KINGLET_SPACES}};
constexpr std::array kSpark = {Cut{nullptr, kOneToThreeNumbers}, Cut{nullptr, KINGLET_HAN_KANA},
                               Cut{nullptr, KINGLET_SYMBOL_WORDS R"(|[\r\n]|\s+(?!\S)|\s+)"}, Cut{each_number, {}}};
constexpr std::array kYoutu = {
    Cut{nullptr,
        R"([\x{AC00}-\x{D7A3}\x{3131}-\x{318E}]+)"
        R"(|[\x{FF01}\x{2026}\x{201C}\x{201D}\x{2018}\x{2019}\x{2014}\x{FF1A}\x{FF1B}\x{FF0C}\x{3001}-\x{303F})"
        R"(\x{FE30}-\x{FE4F}]+|[\x{3105}-\x{312F}]+|)" KINGLET_HAN_KANA},
    Cut{nullptr, KINGLET_CASED(KINGLET_CONTRACTION "?") R"(|\p{N})" KINGLET_REST}};
constexpr std::array kBloom = {Cut{nullptr, kBloomWords}};
constexpr std::array kViking = {Cut{nullptr, kBloomWords}, Cut{each_number, {}}};
constexpr std::array kTekken = {Cut{nullptr, KINGLET_CASED("") R"(|\p{N})" KINGLET_REST}};
constexpr std::array kGpt4o = {Cut{nullptr, KINGLET_CASED(KINGLET_CONTRACTION "?") R"(|\p{N}{1,3})" KINGLET_REST}};
constexpr std::array kTinyAya = {Cut{digit_run_at_border, {}}, Cut{digits_from_right, {}}, kGpt4o[0]};
constexpr std::array kKimi2 = {
    Cut{nullptr, R"([\p{Han}]+|)" KINGLET_CASED_NO_HAN(KINGLET_CONTRACTION
                                                       "?") R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)" KINGLET_SPACES}};
constexpr std::array kChameleon = {Cut{nullptr, R"(<sentinel:[0-9]+>)"},     Cut{nullptr, R"(IMGIMG[A-I]{1,4}Z)"},
                                   Cut{nullptr, R"([\t\n]|    |  )"},        Cut{each_number, {}},
                                   Cut{nullptr, R"([\p{P}!-/:-@\[-`\{-~])"}, Cut{gpt2_word, {}}};
constexpr std::array kSuperBpe = {Cut{number_run, {}}, Cut{digit_run, {}}, Cut{digits_from_right, {}}};
constexpr std::array kBailing = {
    Cut{nullptr, R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n])"
                 R"(|\s+(?!\S)|\s+)"}};
constexpr std::array kSeedCoder = {
    Cut{nullptr, KINGLET_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+)" KINGLET_SPACES}};
constexpr std::array kUfakzeka = {
    Cut{nullptr, R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)" KINGLET_SPACES}};
constexpr std::array kAfmoe = {
    Cut{digit_run, {}}, Cut{digits_from_right, {}},
    Cut{nullptr, R"([\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{8C48}-\x{FAFF}\x{3040}-\x{309F}\x{30A0}-\x{30FF})"
                 R"(\x{FF65}-\x{FF9F}\x{2F00}-\x{2FDF}\x{E40}-\x{E7F}\x{E80}-\x{EFF}\x{1780}-\x{17FF})"
                 R"(\x{1000}-\x{109F}\x{AA60}-\x{AA7F}\x{A9E0}-\x{A9FF}\x{AC00}-\x{D7AF}\x{1100}-\x{11FF}]+)"},
    Cut{nullptr, KINGLET_SYMBOL_WORDS R"([\r\n]*)" KINGLET_SPACES}};
constexpr std::array kLaguna = {Cut{nullptr, kLines}, Cut{qwen2_word, {}}};
constexpr std::array kExaoneMoe = {Cut{nullptr, KINGLET_CONTRACTION
                                       R"(|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N})"
                                       R"(| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)"}};
constexpr std::array kGemma4 = {Cut{nullptr, kLines}};
constexpr std::array kMiniCpm5 = {Cut{nullptr, kOneToThreeNumbers}, Cut{llama3_word, {}}};

constexpr PreTokenizerTraits kNfc = {.nfc = true};
constexpr PreTokenizerTraits kWhole = {.whole_words_first = true};
constexpr PreTokenizerTraits kLlama3Way = {.whole_words_first = true, .begins_with_bos = true};
constexpr PreTokenizerTraits kByCharacter = {.by_character = true};

constexpr PreTokenizer kAll[] = {
    {"default", kDefault, {}},
    {"llama-bpe", kLlama3, kLlama3Way},
    {"llama3", kLlama3, kLlama3Way},
    {"llama-v3", kLlama3, kLlama3Way},
    {"falcon3", kLlama3, kLlama3Way},
    {"falcon-h1", kLlama3, kLlama3Way},
    {"pixtral", kLlama3, kLlama3Way},
    {"midm-2.0", kLlama3, kLlama3Way},
    {"lfm2", kLlama3, kLlama3Way},
    {"jina-v5-nano", kLlama3, kLlama3Way},
    {"dbrx", kLlama3, {}},
    {"smaug-bpe", kLlama3, {}},
    {"chatglm-bpe", kLlama3, {}},
    {"glm4", kLlama3, kWhole},
    {"glm5", kLlama3, kWhole},
    {"minicpm5", kMiniCpm5, kWhole},
    {"deepseek-llm", kDeepseekLlm, {}},
    {"deepseek-coder", kDeepseekCoder, {}},
    {"deepseek-v3", kDeepseek3, {}},
    {"hunyuan-dense", kDeepseek3, {}},
    {"joyai-llm", kDeepseek3, {}},
    {"hy_v4", kDeepseek3, {}},
    {"spark2_5", kSpark, {}},
    {"youtu", kYoutu, kWhole},
    {"falcon", kFalcon, {}},
    {"starcoder", kSmollm, {}},
    {"refact", kSmollm, {}},
    {"command-r", kSmollm, {}},
    {"smollm", kSmollm, {}},
    {"codeshell", kSmollm, {}},
    {"exaone", kSmollm, {}},
    {"minerva-7b", kSmollm, {}},
    {"mellum2", kSmollm, {}},
    {"gpt-2", kGpt2, {}},
    {"phi-2", kGpt2, {}},
    {"jina-es", kGpt2, {}},
    {"jina-de", kGpt2, {}},
    {"gigachat", kGpt2, {}},
    {"jina-v2-es", kGpt2, {}},
    {"jina-v2-de", kGpt2, {}},
    {"a.x-4.0", kGpt2, {}},
    {"mellum", kGpt2, {}},
    {"jina-v1-en", kGpt2, {}},
    {"jina-v2-code", kGpt2, {}},
    {"roberta-bpe", kGpt2, {}},
    {"jais", kGpt2, {}},
    {"trillion", kGpt2, {}},
    {"granite-docling", kGpt2, {}},
    {"exaone4", kGpt2, {}},
    {"mpt", kGpt2, kNfc},
    {"olmo", kGpt2, kNfc},
    {"modern-bert", kGpt2, kNfc},
    {"qwen2", kQwen2, kNfc},
    {"deepseek-r1-qwen", kQwen2, kNfc},
    {"megrez", kQwen2, kNfc},
    {"kormo", kQwen2, kNfc},
    {"f2llmv2", kQwen2, kNfc},
    {"stablelm2", kQwen2, {}},
    {"hunyuan", kQwen2, {}},
    {"solar-open", kQwen2, {}},
    {"grok-2", kQwen2, {}},
    // Its vectors say that text is taken as it is.
    {"qwen35", kQwen35, {}},
    {"poro-chat", kBloom, {}},
    {"bloom", kBloom, {}},
    {"gpt3-finnish", kBloom, {}},
    {"viking", kViking, {}},
    {"tekken", kTekken, kLlama3Way},
    {"chameleon", kChameleon, {.begins_with_bos = true}},
    {"gpt-4o", kGpt4o, {}},
    {"llama4", kGpt4o, {}},
    {"kanana2", kGpt4o, {}},
    {"talkie", kGpt4o, {}},
    {"minimax-m2", kGpt4o, {}},
    {"granite-embed-multi-97m", kGpt4o, kWhole},
    {"tiny_aya", kTinyAya, {}},
    {"cohere2moe", kTinyAya, {}},
    {"kimi-k2", kKimi2, {}},
    {"superbpe", kSuperBpe, {}},
    {"bailingmoe", kBailing, {}},
    {"bailingmoe2", kBailing, {}},
    {"llada-moe", kBailing, {}},
    {"seed-coder", kSeedCoder, {}},
    {"ufakzeka", kUfakzeka, {}},
    {"afmoe", kAfmoe, {}},
    {"laguna", kLaguna, {}},
    {"exaone-moe", kExaoneMoe, {}},
    {"gemma4", kGemma4, kByCharacter},
    {"sarvam-moe", kGemma4, kByCharacter},
    {"granite-embed-multi-311m", kGemma4, kByCharacter},
};

}  // namespace

std::span<const PreTokenizer> pre_tokenizers() { return kAll; }

}  // namespace kinglet::text
