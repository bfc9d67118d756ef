#include "run/chat/chat_template.h"

#include <ctime>

#include "core/base/base.h"
#include "model/text/jinja/json.h"
#include "run/chat/vocabulary.h"

namespace kinglet::chat {
namespace {

constexpr std::string_view kChatMl =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
    "'\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
constexpr std::string_view kPlain =
    "{% for message in messages %}{{ message['content'] }}{% if not loop.last %}{{ '\\n' }}{% endif %}{% endfor %}";

bool has_chat_ml(const format::Metadata& metadata) {
  const format::Array* tokens = metadata.array("tokenizer.ggml.tokens");
  if (tokens == nullptr || tokens->element != format::ValueType::kString) return false;
  bool start = false;
  bool end = false;
  tokens->for_each_string([&](std::string_view token) {
    start = start || token == "<|im_start|>";
    end = end || token == "<|im_end|>";
  });
  return start && end;
}

// Now as the clock on the wall shows it, in seconds since 1970.
int64_t local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  return static_cast<int64_t>(now) + parts.tm_gmtoff;
}

}  // namespace

ChatTemplate::ChatTemplate(std::string source, std::string name, std::string bos, std::string eos)
    : template_(std::move(source), std::move(name)), bos_(std::move(bos)), eos_(std::move(eos)) {}

ChatTemplate ChatTemplate::of(const format::Metadata& metadata) {
  std::string bos;
  std::string eos;
  if (has_vocabulary(metadata)) {
    const format::Array& tokens = *metadata.array("tokenizer.ggml.tokens");
    const auto spelling = [&](std::string_view key) {
      const auto id = metadata.get<int64_t>(key);
      return id && *id >= 0 && static_cast<uint64_t>(*id) < tokens.size
                 ? std::string(tokens.string(static_cast<uint64_t>(*id)))
                 : "";
    };
    bos = spelling("tokenizer.ggml.bos_token_id");
    eos = spelling("tokenizer.ggml.eos_token_id");
  }
  if (const auto source = metadata.get<std::string_view>("tokenizer.chat_template")) {
    try {
      return {std::string(*source), str(metadata.name(), ": tokenizer.chat_template"), bos, eos};
    } catch (const Error& error) {
      fail(ErrorCode::kUnsupported, error.message());
    }
  }
  ChatTemplate fallback(std::string(has_chat_ml(metadata) ? kChatMl : kPlain), "the template for files without one",
                        bos, eos);
  fallback.is_fallback_ = true;
  return fallback;
}

std::string ChatTemplate::render(const TemplateInput& input) const {
  text::jinja::Dict context;
  context.set("bos_token", bos_);
  context.set("eos_token", eos_);
  context.set("messages", text::jinja::from_json(input.messages));
  if (!input.tools.is_null()) context.set("tools", text::jinja::from_json(input.tools));
  context.set("add_generation_prompt", input.generation_prompt);
  for (const auto& [name, value] : input.variables) context.set(name, text::jinja::from_json(value));
  text::jinja::RenderOptions options;
  options.now = local_time();
  return template_.render(text::jinja::Value::dict(std::move(context)), options);
}

}  // namespace kinglet::chat
