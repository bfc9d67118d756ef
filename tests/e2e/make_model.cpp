// Writes a tiny llama model with random weights and a byte-level vocabulary, for tests that need a file and no meaning.
// usage: make_model OUT.gguf [KEY=VALUE ...]   keys: architecture, context, vocabulary (chat, plain, none), template
// (of the chat vocabulary), eos (id of the end token), type (of matrices), bad (a tensor that holds NaN), says (what it
// writes, whatever is asked, behind a prompt that ends with <|im_start|>: TEXT, or TEXT|||TEXT, the second behind one
// that ends with <|endoftext|>)
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <deque>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/base.h"
#include "model/format/gguf.h"
#include "model/text/utf8.h"

namespace kinglet::tests {
namespace {

constexpr uint64_t kLayers = 2;
constexpr uint64_t kHidden = 64;
constexpr uint64_t kHeads = 4;
constexpr uint64_t kKvHeads = 2;
constexpr uint64_t kHeadDim = 16;
constexpr uint64_t kFfn = 96;

constexpr std::string_view kMerges[] = {"h e", "l l", "he ll", "hell o", "t h", "th e", "\u0120 w", "o r"};
constexpr std::string_view kTemplate =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' "
    "}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

// As GPT-2 spells bytes.
std::string spelling_of(uint32_t byte, uint32_t& next) {
  const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
  std::string text;
  text::append_utf8(text, printable ? byte : next++);
  return text;
}

class Maker {
 public:
  explicit Maker(std::map<std::string, std::string> options) : options_(std::move(options)) {}

  void write(const std::string& path) {
    const std::string architecture = option("architecture", "llama");
    writer_.add_string("general.architecture", architecture);
    writer_.add_string("general.name", "Tiny");
    writer_.add_string("general.license", "apache-2.0");
    const auto key = [&](std::string_view name) { return str(architecture, '.', name); };
    writer_.add_u32(key("context_length"), static_cast<uint32_t>(std::stoul(option("context", "128"))));
    writer_.add_u32(key("embedding_length"), kHidden);
    writer_.add_u32(key("block_count"), kLayers);
    writer_.add_u32(key("feed_forward_length"), kFfn);
    writer_.add_u32(key("attention.head_count"), kHeads);
    writer_.add_u32(key("attention.head_count_kv"), kKvHeads);
    writer_.add_u32(key("rope.dimension_count"), kHeadDim);
    writer_.add_f32(key("attention.layer_norm_rms_epsilon"), 1e-5F);
    writer_.add_f32(key("rope.freq_base"), 10000.0F);
    const uint64_t vocab_size = add_vocabulary();
    add_tensors(vocab_size);
    std::ofstream file(path, std::ios::binary);
    writer_.write([&](std::span<const std::byte> bytes) {
      file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    });
    if (!file.good()) fail_with(ErrorCode::kIo, path, ": cannot be written");
  }

 private:
  std::string option(const std::string& name, const std::string& fallback) const {
    const auto found = options_.find(name);
    return found == options_.end() ? fallback : found->second;
  }

  uint64_t add_vocabulary() {
    const std::string kind = option("vocabulary", "chat");
    if (kind == "none") return 200;
    std::vector<std::string> tokens;
    std::vector<int32_t> types;
    uint32_t next = 0x100;
    for (uint32_t byte = 0; byte < 256; ++byte) tokens.push_back(spelling_of(byte, next));
    for (const std::string_view merge : kMerges) {
      std::string joined(merge);
      joined.erase(joined.find(' '), 1);
      tokens.push_back(joined);
    }
    types.assign(tokens.size(), 1);
    const auto end = static_cast<uint32_t>(tokens.size());
    for (const std::string_view control : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}) {
      tokens.emplace_back(kind == "chat" ? control : str("<control ", tokens.size(), '>'));
      types.push_back(3);
    }
    first_said_ = tokens.size();
    for (const std::vector<std::string>& pieces : said()) {
      for (const std::string& piece : pieces) {
        std::string& token = tokens.emplace_back();
        for (const char c : piece) token += tokens[static_cast<unsigned char>(c)];
        types.push_back(1);
      }
    }
    const std::vector<std::string_view> views(tokens.begin(), tokens.end());
    writer_.add_string("tokenizer.ggml.model", "gpt2");
    writer_.add_string("tokenizer.ggml.pre", "gpt-2");
    writer_.add_strings("tokenizer.ggml.tokens", views);
    writer_.add_array<int32_t>("tokenizer.ggml.token_type", format::ValueType::kI32, types);
    writer_.add_strings("tokenizer.ggml.merges", kMerges);
    writer_.add_u32("tokenizer.ggml.bos_token_id", end);
    const uint32_t usual_end = kind == "chat" ? end + 2 : end;
    writer_.add_u32("tokenizer.ggml.eos_token_id", static_cast<uint32_t>(std::stoul(option("eos", str(usual_end)))));
    writer_.add_bool("tokenizer.ggml.add_bos_token", false);
    if (kind == "chat") writer_.add_string("tokenizer.chat_template", option("template", std::string(kTemplate)));
    return tokens.size();
  }

  // The texts of `says`, each in pieces that become tokens.
  std::vector<std::vector<std::string>> said() const {
    constexpr size_t kPieces = 30;
    std::vector<std::vector<std::string>> texts;
    std::string rest = option("says", "");
    while (!rest.empty()) {
      const size_t end = std::min(rest.find("|||"), rest.size());
      const std::string text = rest.substr(0, end);
      rest.erase(0, end + 3);
      const size_t length = std::max<size_t>(1, (text.size() + kPieces - 1) / kPieces);
      std::vector<std::string>& pieces = texts.emplace_back();
      for (size_t at = 0; at < text.size(); at += length) pieces.push_back(text.substr(at, length));
    }
    return texts;
  }

  // Each token is a direction of its own, which the layers leave as it is, and the output knows what follows it.
  void add_saying_tensors(uint64_t vocab_size) {
    std::vector<float> embeddings(vocab_size * kHidden);
    std::vector<float> output(vocab_size * kHidden);
    const uint64_t controls = first_said_ - 3;  // <|endoftext|>, <|im_start|>, <|im_end|>
    const uint64_t other = kHidden - 1;
    const auto leads = [&](uint64_t direction, uint64_t token) { output[token * kHidden + direction] = 100; };
    for (uint64_t token = 0; token < first_said_; ++token) embeddings[token * kHidden + other] = 1;
    leads(other, controls + 2);
    uint64_t next = 0;
    uint64_t begin = kHidden - 2;
    for (const std::vector<std::string>& pieces : said()) {
      const uint64_t opener = begin == kHidden - 2 ? controls + 1 : controls;
      embeddings[opener * kHidden + other] = 0;
      embeddings[opener * kHidden + begin] = 1;
      uint64_t before = begin--;
      for (size_t i = 0; i < pieces.size(); ++i, ++next) {
        embeddings[(first_said_ + next) * kHidden + next] = 1;
        leads(before, first_said_ + next);
        before = next;
      }
      leads(before, controls + 2);
    }
    put("token_embd.weight", vocab_size, kHidden, embeddings);
    put("output.weight", vocab_size, kHidden, output);
  }

  void add_tensors(uint64_t vocab_size) {
    const bool is_saying = !option("says", "").empty();
    if (is_saying) {
      add_saying_tensors(vocab_size);
    } else {
      add("token_embd.weight", vocab_size, kHidden, 1.0F);
    }
    add("output_norm.weight", 1, kHidden, 0.0F);
    for (uint64_t i = 0; i < kLayers; ++i) {
      const auto name = [&](std::string_view part) { return str("blk.", i, '.', part, ".weight"); };
      add(name("attn_norm"), 1, kHidden, 0.0F);
      add(name("attn_q"), kHeads * kHeadDim, kHidden, 0.3F);
      add(name("attn_k"), kKvHeads * kHeadDim, kHidden, 0.3F);
      add(name("attn_v"), kKvHeads * kHeadDim, kHidden, 0.3F);
      if (is_saying) {
        put(name("attn_output"), kHidden, kHeads * kHeadDim, std::vector<float>(kHidden * kHeads * kHeadDim));
        put(name("ffn_down"), kHidden, kFfn, std::vector<float>(kHidden * kFfn));
      } else {
        add(name("attn_output"), kHidden, kHeads * kHeadDim, 0.3F);
      }
      add(name("ffn_norm"), 1, kHidden, 0.0F);
      add(name("ffn_gate"), kFfn, kHidden, 0.3F);
      add(name("ffn_up"), kFfn, kHidden, 0.3F);
      if (!is_saying) add(name("ffn_down"), kHidden, kFfn, 0.3F);
    }
  }

  // Uniform values around 0 within `spread`; 1 everywhere for a spread of 0 (norms).
  void add(const std::string& name, uint64_t rows, uint64_t cols, float spread) {
    Philox random(++n_tensors_);
    std::vector<float> values(rows * cols);
    for (float& value : values) value = spread == 0 ? 1.0F : spread * (2 * random.next_float() - 1);
    if (name == option("bad", "")) values[values.size() / 2] = NAN;
    put(name, rows, cols, values);
  }

  void put(const std::string& name, uint64_t rows, uint64_t cols, const std::vector<float>& values) {
    const quant::Format& format = *quant::find_by_name(rows == 1 ? "F32" : option("type", "F32"));
    if (format.encode == nullptr) {
      fail_with(ErrorCode::kUnsupported, "the type ", format.name,
                " can be read but not written; types that can be written: ", quant::written_format_names());
    }
    std::vector<std::byte>& bytes = data_.emplace_back(rows * format.row_bytes(cols));
    format.encode(values.data(), nullptr, bytes.data(), values.size());
    const std::vector<uint64_t> dims = rows == 1 ? std::vector<uint64_t>{cols} : std::vector<uint64_t>{cols, rows};
    writer_.add_tensor(name, format, dims, bytes);
  }

  std::map<std::string, std::string> options_;
  format::GgufWriter writer_;
  std::deque<std::vector<std::byte>> data_;
  uint64_t n_tensors_ = 0;
  uint64_t first_said_ = 0;  // the first token of what is said
};

}  // namespace
}  // namespace kinglet::tests

int main(int n_words, char** words) {
  if (n_words < 2) return 2;
  std::map<std::string, std::string> options;
  for (int i = 2; i < n_words; ++i) {
    const std::string word = words[i];
    options[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
  }
  try {
    kinglet::tests::Maker(options).write(words[1]);
  } catch (const kinglet::Error& error) {
    std::fprintf(stderr, "make_model: %s\n", error.what());
    return 1;
  }
  return 0;
}
