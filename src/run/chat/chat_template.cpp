#include "run/chat/chat_template.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "core/base/base.h"
#include "model/text/go/conversation.h"
#include "model/text/jinja/json.h"
#include "run/chat/fallback_templates.h"
#include "run/chat/tool_values.h"
#include "run/chat/vocabulary.h"

namespace kinglet::chat {
namespace {

// Now as the clock on the wall shows it, in seconds since 1970.
int64_t local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  return static_cast<int64_t>(now) + parts.tm_gmtoff;
}

// Whether a statement of Jinja's begins somewhere: {% and a keyword.
bool has_jinja_statement(std::string_view source) {
  constexpr std::array<std::string_view, 9> kKeywords = {"for",  "if",     "set",           "macro", "generation",
                                                         "with", "filter", "endgeneration", "raw"};
  for (size_t at = source.find("{%"); at != std::string_view::npos; at = source.find("{%", at + 2)) {
    std::string_view rest = source.substr(at + 2);
    if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
    if (std::ranges::any_of(kKeywords, [&](std::string_view keyword) { return rest.starts_with(keyword); }))
      return true;
  }
  return false;
}

template <class Template>
bool is_template(const std::string& source) {
  try {
    Template(source, "template");
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

TemplateLanguage language_of(const std::string& source) {
  const bool is_jinja = has_jinja_statement(source) ||
                        (!is_template<text::go::Template>(source) && is_template<text::jinja::Template>(source));
  return is_jinja ? TemplateLanguage::kJinja : TemplateLanguage::kGo;
}

ChatTemplate::Template ChatTemplate::parsed(TemplateLanguage language, std::string source, std::string name) {
  if (language == TemplateLanguage::kGo) return text::go::Template(std::move(source), std::move(name));
  return text::jinja::Template(std::move(source), std::move(name));
}

ChatTemplate::ChatTemplate(TemplateLanguage language, std::string source, std::string name, std::string bos,
                           std::string eos)
    : template_(parsed(language, std::move(source), std::move(name))), bos_(std::move(bos)), eos_(std::move(eos)) {}

const std::string& ChatTemplate::source() const noexcept {
  if (const auto* go = std::get_if<text::go::Template>(&template_)) return go->source();
  return std::get_if<text::jinja::Template>(&template_)->source();
}

ChatTemplate ChatTemplate::of(const format::Metadata& metadata, const std::string& stored) {
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
  const auto own = metadata.get<std::string_view>("tokenizer.chat_template");
  try {
    if (!stored.empty()) return {language_of(stored), stored, "the model's TEMPLATE", bos, eos};
    if (own) {
      return {TemplateLanguage::kJinja, std::string(*own), str(metadata.name(), ": tokenizer.chat_template"), bos, eos};
    }
  } catch (const Error& error) {
    fail(ErrorCode::kUnsupported, error.message());
  }
  const FallbackTemplate known = fallback_template(metadata);
  ChatTemplate fallback(TemplateLanguage::kJinja, std::string(known.source), "the template for files without one", bos,
                        eos);
  fallback.is_fallback_ = true;
  fallback.has_tool_values_ = known.has_tool_values;
  return fallback;
}

std::string ChatTemplate::render(const TemplateInput& input) const {
  text::jinja::RenderOptions options;
  options.now = local_time();
  if (const auto* go = std::get_if<text::go::Template>(&template_)) {
    return text::go::render(*go, {input.messages, input.tools, input.variables, input.generation_prompt}, options);
  }
  text::jinja::Dict context;
  context.set("bos_token", bos_);
  context.set("eos_token", eos_);
  context.set("messages", text::jinja::from_json(has_tool_values_ ? with_tool_values(input.messages) : input.messages));
  if (!input.tools.is_null()) context.set("tools", text::jinja::from_json(input.tools));
  context.set("add_generation_prompt", input.generation_prompt);
  for (const auto& [name, value] : input.variables) context.set(name, text::jinja::from_json(value));
  return std::get<text::jinja::Template>(template_).render(text::jinja::Value::dict(std::move(context)), options);
}

}  // namespace kinglet::chat
