// What turns messages into the text that a model was trained on.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "home/system/json.h"
#include "model/format/metadata.h"
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

/// Parsed once. Constant; thread-safe.
class ChatTemplate {
 public:
  /// A Jinja template. `bos` and `eos` are what it sees under bos_token and eos_token. Throws Error{kInvalidArgument}.
  ChatTemplate(std::string source, std::string name, std::string bos, std::string eos);

  /// The template of a model file (tokenizer.chat_template). For a file without one: ChatML where its vocabulary has
  /// <|im_start|> and <|im_end|>, else the messages' texts, a line break between them, so that the model goes on
  /// writing. Throws Error{kUnsupported} for a template that cannot be parsed.
  static ChatTemplate of(const format::Metadata& metadata);

  /// Throws Error{kInvalidArgument} where the template refuses the messages.
  [[nodiscard]] std::string render(const TemplateInput& input) const;

  [[nodiscard]] const std::string& source() const noexcept { return template_.source(); }
  /// The file had none.
  [[nodiscard]] bool is_fallback() const noexcept { return is_fallback_; }

 private:
  text::jinja::Template template_;
  std::string bos_;
  std::string eos_;
  bool is_fallback_ = false;
};

}  // namespace kinglet::chat
