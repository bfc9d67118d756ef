// Reads bytes as a tokenizer.json (behind a 'j'), a tekken.json ('t') or a SentencePiece file ('m'): words that take
// any text, or an error that says so.
#include "core/base/base.h"
#include "fuzz_target.h"
#include "model/format/file_json.h"
#include "model/format/hf_tekken.h"
#include "model/format/hf_tokenizer_json.h"
#include "model/format/sentencepiece_model.h"
#include "run/chat/vocabulary.h"

namespace {

using namespace kinglet;

constexpr uint64_t kMaxTokens = 5000;

format::HfVocabulary vocabulary_of(char kind, std::string_view bytes) {
  if (kind == 'm') return format::read_sentencepiece_model(bytes, "tokenizer.model", kMaxTokens);
  if (kind == 't') {
    return format::reading_json("tekken.json", [&] {
      return format::read_tekken(system::Json::parse(bytes, "tekken.json", {.max_depth = 32}), "tekken.json",
                                 kMaxTokens);
    });
  }
  return format::reading_json("tokenizer.json", [&] {
    return format::read_tokenizer_json(system::Json::parse(bytes, "tokenizer.json", {.max_depth = 32}),
                                       "tokenizer.json", kMaxTokens);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    const format::HfVocabulary made = vocabulary_of(static_cast<char>(data[0]), bytes);
    format::Metadata metadata("fuzz");
    made.write(metadata);
    const auto tokenizer = text::Tokenizer::make(chat::read_vocabulary(metadata));
    for (const std::string_view text :
         {std::string_view("A kinglet  sings, 12 times.\n\xE2\x96\x81\xC3\xA9\xFF"), bytes}) {
      const std::vector<int32_t> ids = tokenizer->encode(text.substr(0, 2000), {.special = true, .bos = true});
      static_cast<void>(tokenizer->decode(ids, true));
    }
  } catch (const Error& error) {
    KINGLET_CHECK(error.code() == ErrorCode::kInvalidFile || error.code() == ErrorCode::kUnsupported,
                  "a damaged file is called one");
  }
  return 0;
}
