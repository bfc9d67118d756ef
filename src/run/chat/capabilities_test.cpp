// What models can be asked for, by their template, vocabulary and architecture.
#include "run/chat/capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/format/gguf.h"
#include "model/models/tiny_model.h"

namespace kinglet::chat {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A file of this family with a vocabulary of letters and control tokens, and a template.
class File {
 public:
  explicit File(std::string_view family, const std::string& chat_template = {},
                const std::vector<std::string_view>& controls = {}, const models::TinyOptions& options = {})
      : bytes_(models::tiny_gguf(*models::find_architecture(family), options)) {
    const auto plain = format::read_gguf(bytes_, "tiny");
    std::vector<std::string> letters;
    for (char c = 'a'; c <= 'z'; ++c) letters.emplace_back(1, c);
    std::vector<std::string_view> tokens(letters.begin(), letters.end());
    std::vector<int32_t> types(tokens.size(), 1);
    tokens.insert(tokens.end(), controls.begin(), controls.end());
    types.resize(tokens.size(), 3);
    format::Metadata words("tiny");
    words.set("tokenizer.ggml.model", "gpt2");
    words.set_strings("tokenizer.ggml.tokens", tokens);
    words.set_array("tokenizer.ggml.token_type", std::span<const int32_t>(types));
    if (!chat_template.empty()) words.set("tokenizer.chat_template", std::string_view(chat_template));
    format::GgufWriter writer;
    writer.add_values(plain->metadata());
    writer.add_values(words);
    for (const format::TensorEntry& tensor : plain->tensors()) {
      writer.add_tensor(tensor.name, *tensor.format, std::span(tensor.dims).first(tensor.n_dims),
                        {tensor.data, tensor.size_bytes});
    }
    writer.write([&](std::span<const std::byte> piece) { all_.insert(all_.end(), piece.begin(), piece.end()); });
    file_ = format::read_gguf(all_, "tiny");
  }
  [[nodiscard]] std::vector<std::string_view> can(const std::string& stored_template = {}) const {
    return capabilities_of(*file_, stored_template).names();
  }

 private:
  std::vector<std::byte> bytes_;
  std::vector<std::byte> all_;
  std::shared_ptr<const format::ModelFile> file_;
};

TEST(Capabilities, OfTemplates) {
  EXPECT_THAT(File("llama", "{{ messages[0].content }}").can(), ElementsAre("completion"));
  EXPECT_THAT(File("llama", "{% for t in tools %}{{ t.function.name }}{% endfor %}{{ messages[0].content }}").can(),
              ElementsAre("completion", "tools"));
  EXPECT_THAT(File("llama", "{# tools #}{{ messages[0].content }}").can(), ElementsAre("completion"))
      << "a word alone tells nobody of tools";
  EXPECT_THAT(File("llama", "{{ messages[0].content }}{% if enable_thinking %}<think>{% endif %}").can(),
              ElementsAre("completion", "thinking"));
  EXPECT_THAT(File("llama", "{% if %}").can(), ElementsAre("completion")) << "one that cannot be parsed";
}

TEST(Capabilities, TheStoredTemplateWins) {
  const File file("llama", "{% for t in tools %}{{ t.function.name }}{% endfor %}{{ messages[0].content }}");
  EXPECT_THAT(file.can("{{ .Prompt }}"), ElementsAre("completion"));
  EXPECT_THAT(file.can("{{ range .Tools }}{{ . }}{{ end }}{{ range .Messages }}{{ .Thinking }}{{ .Content }}{{ end }}"),
              ElementsAre("completion", "tools", "thinking"));
}

TEST(Capabilities, OfVocabularies) {
  EXPECT_THAT(File("qwen2", "{{ messages[0].content }}", {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"}).can(),
              ElementsAre("completion", "insert"));
}

TEST(Capabilities, OfArchitectures) {
  EXPECT_THAT(File("bert").can(), ElementsAre("embedding"));
  models::TinyOptions pooled;
  pooled.counts = {{"pooling_type", 3}};
  EXPECT_THAT(File("qwen3", "", {}, pooled).can(), ElementsAre("embedding")) << "a decoder that is made for vectors";
}

TEST(Capabilities, OfNothingKnown) {
  format::GgufWriter writer;
  format::Metadata metadata("x");
  metadata.set("general.architecture", "unheard-of");
  writer.add_values(metadata);
  std::vector<std::byte> bytes;
  writer.write([&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
  EXPECT_THAT(capabilities_of(*format::read_gguf(bytes, "x")).names(), IsEmpty());
}

}  // namespace
}  // namespace kinglet::chat
