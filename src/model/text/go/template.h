// Go's text/template as Ollama uses it for the TEMPLATE of a model.
//
// A template is a program that comes with a model and is trusted no further than that: it has no access to anything but
// its data, and the limits of RenderOptions bound what it costs. Values have no methods. docs/templates.md says what is
// supported; conversation.h says what chat templates see.
// Source: documentation of Go's packages text/template and fmt; compared with Go's own by tests/golden/text/go.jsonl.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "model/text/go/value.h"
#include "model/text/jinja/template.h"

namespace kinglet::text::go {

using jinja::RenderOptions;

/// Parsed once, rendered often. Constant; all functions are thread-safe.
class Template {
 public:
  static constexpr size_t kMaxSource = size_t{1} << 20;  ///< Bytes.

  /// Throws Error{kInvalidArgument} "NAME: line L, column C: ..." for what is no template.
  Template(std::string source, std::string name);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  /// Whether a field of this name (in small letters) stands anywhere in it.
  [[nodiscard]] bool mentions(std::string_view name) const;

  /// `data` is what the template sees as "." and "$". Throws Error{kInvalidArgument} "NAME: line L, column C: ..."
  /// where the template raises an error or passes a limit.
  [[nodiscard]] std::string render(const Value& data, const RenderOptions& options = {}) const;
  /// The same up to the first action that prints .Response, and with it: the answer goes on there.
  [[nodiscard]] std::string render_to_response(const Value& data, const RenderOptions& options = {}) const;

  [[nodiscard]] const std::string& source() const noexcept { return source_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  struct Parsed;
  std::string source_;
  std::string name_;
  std::unique_ptr<const Parsed> parsed_;
};

}  // namespace kinglet::text::go
