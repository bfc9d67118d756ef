#include "run/chat/capabilities.h"

#include <algorithm>
#include <array>
#include <optional>

#include "model/models/models.h"
#include "run/chat/chat_template.h"
#include "run/chat/infill.h"
#include "run/chat/vocabulary.h"

namespace kinglet::chat {
namespace {

// How templates speak of thoughts: the marks around them, the field that messages have for them, the switches.
constexpr std::array<std::string_view, 7> kThoughts = {
    "<think>", "enable_thinking", "reasoning_content", ".Thinking", "<|channel|>analysis", "[THINK]", "thinking_budget",
};

// Whether a tool that is offered is named in the prompt: a template may know the word and never write it.
bool tells_of_tools(const ChatTemplate& chat) {
  constexpr std::string_view kName = "kinglet_probe";
  using system::Json;
  using system::JsonArray;
  using system::JsonObject;
  TemplateInput input;
  input.messages = JsonArray{JsonObject{{"role", "user"}, {"content", "Hello"}}};
  const Json parameters = JsonObject{{"type", "object"}, {"properties", JsonObject{}}, {"required", JsonArray{}}};
  input.tools = JsonArray{JsonObject{
      {"type", "function"},
      {"function", JsonObject{{"name", kName}, {"description", "Probes."}, {"parameters", parameters}}},
  }};
  try {
    return chat.render(input).find(kName) != std::string::npos;
  } catch (const Error&) {
    return false;  // it refuses these messages
  }
}

std::optional<ChatTemplate> template_of(const format::Metadata& metadata, const std::string& stored) {
  try {
    return ChatTemplate::of(metadata, stored);
  } catch (const Error&) {
    return std::nullopt;  // cannot be parsed: there is no chat with it
  }
}

void add_words(const format::Metadata& metadata, const std::string& stored_template, Capabilities& found) {
  if (!has_vocabulary(metadata)) return;
  if (const auto chat = template_of(metadata, stored_template)) {
    found.tools = tells_of_tools(*chat);
    found.thinking = std::ranges::any_of(
        kThoughts, [&](std::string_view mark) { return chat->source().find(mark) != std::string::npos; });
  }
  found.insert = find_infill_tokens(metadata).has_value();
}

}  // namespace

std::vector<std::string_view> Capabilities::names() const {
  std::vector<std::string_view> names;
  const auto add = [&](bool has, std::string_view name) {
    if (has) names.push_back(name);
  };
  add(completion, "completion");
  add(tools, "tools");
  add(insert, "insert");
  add(thinking, "thinking");
  add(embedding, "embedding");
  add(rerank, "rerank");
  add(classification, "classification");
  add(token_classification, "classification of tokens");
  return names;
}

Capabilities capabilities_of(const format::ModelFile& file, const std::string& stored_template) {
  Capabilities found;
  const format::Metadata& metadata = file.metadata();
  const auto architecture = metadata.get<std::string_view>("general.architecture");
  const models::Architecture* known = architecture ? models::find_architecture(*architecture) : nullptr;
  if (known == nullptr) return found;
  const auto pooling = metadata.get<uint32_t>(str(*architecture, ".pooling_type"));
  if (const format::TensorEntry* scores = file.find("cls.output.weight")) {
    const bool is_reranker = scores->n_rows() == 1 || metadata.find("tokenizer.chat_template.rerank") != nullptr;
    (pooling == 0U ? found.token_classification : is_reranker ? found.rerank : found.classification) = true;
    return found;
  }
  found.embedding = known->blocks.head == nullptr || pooling.has_value();
  found.completion = !found.embedding;
  if (found.completion) add_words(metadata, stored_template, found);
  return found;
}

}  // namespace kinglet::chat
