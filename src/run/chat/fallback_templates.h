// Chat templates for models whose files have none.
#pragma once

#include <string_view>

#include "model/format/metadata.h"

namespace kinglet::chat {

struct FallbackTemplate {
  std::string_view source;
  /// It writes arguments and results of tools as JSON, so they have to be values (tool_values.h).
  bool has_tool_values = false;
};

/// The Jinja template that the control tokens of the vocabulary were made for: ChatML, Gemma, Llama 3, Phi-3, and
/// Mistral's second and third (with tools). Where none is known: the messages' texts, a line break between them, so
/// that the model goes on writing.
FallbackTemplate fallback_template(const format::Metadata& metadata);

}  // namespace kinglet::chat
