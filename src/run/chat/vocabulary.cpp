#include "run/chat/vocabulary.h"

#include "model/text/pre_tokenizer.h"

namespace kinglet::chat {
namespace {

using format::Array;
using format::Metadata;

// An array of numbers with as many entries as there are tokens; null where the key is absent.
const Array* numbers(const Metadata& metadata, std::string_view key, size_t n_tokens) {
  const Array* array = metadata.number_array(key);
  if (array != nullptr && array->size != n_tokens)
    metadata.refuse(key, str("has ", array->size, " entries for ", n_tokens, " tokens"));
  return array;
}

std::optional<int32_t> token_id(const Metadata& metadata, std::string_view key, size_t n_tokens) {
  const auto id = metadata.get<int64_t>(key);
  // Files write the largest u32 where there is no such token.
  if (!id || *id == UINT32_MAX || *id == -1) return std::nullopt;
  if (*id < 0 || static_cast<uint64_t>(*id) >= n_tokens)
    metadata.refuse(key, str("is ", *id, " of ", n_tokens, " tokens"));
  return static_cast<int32_t>(*id);
}

text::TokenType token_type(const Metadata& metadata, int64_t number) {
  if (number < 0 || number > 6)
    metadata.refuse("tokenizer.ggml.token_type", str("holds ", number, ", expected 0 to 6"));
  return number == 0 ? text::TokenType::kNormal : static_cast<text::TokenType>(number);
}

// BERT's texts stand between two tokens, under names of their own; what files leave out is as in BERT itself.
void read_bert(const Metadata& metadata, size_t n_tokens, text::VocabularySpec& spec) {
  const auto id_or = [&](std::string_view key, int32_t usual) -> std::optional<int32_t> {
    if (const auto id = token_id(metadata, key, n_tokens)) return id;
    return static_cast<size_t>(usual) < n_tokens ? std::optional(usual) : std::nullopt;
  };
  spec.bos = spec.bos ? spec.bos : id_or("tokenizer.ggml.cls_token_id", 101);
  spec.eos = id_or("tokenizer.ggml.seperator_token_id", 102);  // spelled so in GGUF
  spec.unknown = spec.unknown ? spec.unknown : id_or("tokenizer.ggml.unknown_token_id", 100);
  spec.add_bos = spec.add_eos = true;
  spec.bert.lowercase = metadata.get<bool>("tokenizer.ggml.normalizer.lowercase").value_or(true);
  spec.bert.strip_accents = metadata.get<bool>("tokenizer.ggml.normalizer.strip_accents").value_or(spec.bert.lowercase);
}

// How SentencePiece changes text first.
void read_normalization(const Metadata& metadata, text::VocabularySpec& spec) {
  spec.remove_extra_whitespaces = metadata.get<bool>("tokenizer.ggml.remove_extra_whitespaces").value_or(false);
  if (const Array* map = metadata.number_array("tokenizer.ggml.precompiled_charsmap")) {
    if (map->element != format::ValueType::kU8 && map->element != format::ValueType::kI8)
      metadata.refuse("tokenizer.ggml.precompiled_charsmap", "is no array of bytes");
    spec.charsmap = {reinterpret_cast<const char*>(map->bytes.data()), map->bytes.size()};
  }
}

// What files leave out is as in T5 itself.
void read_unigram(const Metadata& metadata, size_t n_tokens, text::VocabularySpec& spec) {
  const auto id_or = [&](int32_t usual) {
    return static_cast<size_t>(usual) < n_tokens ? std::optional(usual) : std::nullopt;
  };
  if (!spec.eos) spec.eos = id_or(1);
  if (!spec.unknown) spec.unknown = id_or(2);
  spec.add_eos = metadata.get<bool>("tokenizer.ggml.add_eos_token").value_or(true);
  spec.add_space_prefix = metadata.get<bool>("tokenizer.ggml.add_space_prefix").value_or(true);
}

}  // namespace

bool has_vocabulary(const Metadata& metadata) {
  const auto model = metadata.get<std::string_view>("tokenizer.ggml.model");
  return model && *model != "none" && metadata.find("tokenizer.ggml.tokens") != nullptr;
}

text::VocabularySpec read_vocabulary(const Metadata& metadata) {
  if (!has_vocabulary(metadata)) {
    fail_with(ErrorCode::kUnsupported, metadata.name(), ": has no vocabulary; give token ids instead of text");
  }
  text::VocabularySpec spec;
  spec.model = metadata.require<std::string_view>("tokenizer.ggml.model");
  spec.pre = metadata.get<std::string_view>("tokenizer.ggml.pre").value_or("default");
  const Array* tokens = metadata.string_array("tokenizer.ggml.tokens");
  const auto n = static_cast<size_t>(tokens->size);
  spec.tokens.reserve(n);
  tokens->for_each_string([&](std::string_view token) { spec.tokens.push_back(token); });
  if (const Array* scores = numbers(metadata, "tokenizer.ggml.scores", n)) {
    spec.scores.reserve(n);
    for (size_t i = 0; i < n; ++i) spec.scores.push_back(static_cast<float>(scores->number(i)));
  }
  if (const Array* types = numbers(metadata, "tokenizer.ggml.token_type", n)) {
    spec.types.reserve(n);
    for (size_t i = 0; i < n; ++i) spec.types.push_back(token_type(metadata, types->integer(i)));
  }
  if (const Array* merges = metadata.string_array("tokenizer.ggml.merges")) {
    spec.merges.reserve(static_cast<size_t>(merges->size));
    merges->for_each_string([&](std::string_view merge) { spec.merges.push_back(merge); });
  }
  const auto words = [&](std::string_view key) {
    std::vector<std::string_view> all;
    if (const Array* array = metadata.string_array(key))
      array->for_each_string([&](std::string_view word) { all.push_back(word); });
    return all;
  };
  spec.patterns = words("tokenizer.kinglet.patterns");
  spec.whole_words_first = metadata.get<bool>("tokenizer.kinglet.whole_words_first").value_or(false);
  if (metadata.find("tokenizer.kinglet.normalizers") != nullptr)
    spec.normalizers = words("tokenizer.kinglet.normalizers");
  const auto ids = [&](std::string_view key) {
    std::vector<int32_t> all;
    const Array* array = metadata.number_array(key);
    for (uint64_t i = 0; array != nullptr && i < array->size; ++i) {
      const int64_t id = array->integer(i);
      if (id < 0 || static_cast<uint64_t>(id) >= n) metadata.refuse(key, str("holds ", id, " of ", n, " tokens"));
      all.push_back(static_cast<int32_t>(id));
    }
    return all;
  };
  spec.strips_left = ids("tokenizer.kinglet.strips_left");
  spec.strips_right = ids("tokenizer.kinglet.strips_right");
  spec.single_words = ids("tokenizer.kinglet.single_words");
  const bool is_sentencepiece = spec.model == "llama";
  spec.bos = token_id(metadata, "tokenizer.ggml.bos_token_id", n);
  spec.eos = token_id(metadata, "tokenizer.ggml.eos_token_id", n);
  spec.unknown = token_id(metadata, "tokenizer.ggml.unknown_token_id", n);
  // What files leave out: SentencePiece models begin with bos, and so do those of some pre-tokenizers.
  const text::PreTokenizer* pre = spec.model == "gpt2" ? text::find_pre_tokenizer(spec.pre) : nullptr;
  const bool begins_with_bos = is_sentencepiece || (pre != nullptr && pre->traits.begins_with_bos);
  spec.add_bos = metadata.get<bool>("tokenizer.ggml.add_bos_token").value_or(begins_with_bos);
  spec.add_eos = metadata.get<bool>("tokenizer.ggml.add_eos_token").value_or(false);
  spec.add_space_prefix = metadata.get<bool>("tokenizer.ggml.add_space_prefix").value_or(is_sentencepiece);
  if (spec.model == "t5") read_unigram(metadata, n, spec);
  if (spec.model == "t5" || is_sentencepiece) read_normalization(metadata, spec);
  if (spec.model == "gemma4") spec.add_bos = true;  // as the peer overrides it, since early files say false
  if (spec.model == "bert") read_bert(metadata, n, spec);
  return spec;
}

void fail_without_words(const format::ModelFile& file) {
  const bool is_gguf = file.kind().starts_with("GGUF");
  fail_with(ErrorCode::kUnsupported, file.path(), ": has no ",
            is_gguf ? "vocabulary" : "tokenizer.json or tokenizer.model",
            "; give token ids instead of text: kinglet run MODEL --raw --prompt-ids, kinglet embed MODEL --ids");
}

std::unique_ptr<const text::Tokenizer> make_tokenizer(const format::ModelFile& file) {
  if (!has_vocabulary(file.metadata())) fail_without_words(file);
  return text::Tokenizer::make(read_vocabulary(file.metadata()));
}

}  // namespace kinglet::chat
