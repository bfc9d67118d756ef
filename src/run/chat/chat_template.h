// What turns messages into the text that a model was trained on.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "home/system/json.h"
#include "model/format/metadata.h"
#include "model/text/go/template.h"
#include "model/text/jinja/template.h"

namespace kinglet::chat {

/// Messages as HTTP and files have them: an array of {"role", "content", ...}; tools, an array, or null: then templates
/// see none of this name.
struct TemplateInput {
  system::Json messages;
  system::Json tools;
  bool generation_prompt = true;                                ///< End with the beginning of the answer.
  std::vector<std::pair<std::string, system::Json>> variables;  ///< More names that the template sees; these win.
};

enum class TemplateLanguage : uint8_t { kJinja, kGo };

/// Parsed once. Constant; thread-safe.
class ChatTemplate {
 public:
  /// A Jinja template sees `bos` and `eos` under bos_token and eos_token. Throws Error{kInvalidArgument}.
  ChatTemplate(TemplateLanguage language, std::string source, std::string name, std::string bos = {},
               std::string eos = {});

  /// The template of a model: the one that the store has for it (a Modelfile's TEMPLATE: `stored`, in Go's language or
  /// Jinja; empty: none), else its file's (tokenizer.chat_template, Jinja). For a model without one: what its
  /// vocabulary was made for (fallback_templates.h). Throws Error{kUnsupported} for a template that cannot be parsed.
  static ChatTemplate of(const format::Metadata& metadata, const std::string& stored = {});

  /// Throws Error{kInvalidArgument} where the template refuses the messages.
  [[nodiscard]] std::string render(const TemplateInput& input) const;

  [[nodiscard]] const std::string& source() const noexcept;
  /// The model had none.
  [[nodiscard]] bool is_fallback() const noexcept { return is_fallback_; }

 private:
  using Template = std::variant<text::jinja::Template, text::go::Template>;
  static Template parsed(TemplateLanguage language, std::string source, std::string name);

  Template template_;
  std::string bos_;
  std::string eos_;
  bool is_fallback_ = false;
  bool has_tool_values_ = false;
};

/// The language of a template that does not say it: Jinja where there are statements of Jinja's, or where it is no
/// template of Go's and one of Jinja's.
TemplateLanguage language_of(const std::string& source);

}  // namespace kinglet::chat
