// Chat templates: Jinja as Hugging Face's programs set it up. docs/templates.md says what is supported.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "model/text/jinja/value.h"

namespace kinglet::text::jinja {

/// A template is a program from an untrusted file: these bound what it can cost.
struct RenderOptions {
  size_t max_steps = 5'000'000;             ///< Expressions and statements.
  size_t max_spent = size_t{256} << 20;     ///< Bytes and elements made on the way, all together.
  size_t max_output = size_t{32} << 20;     ///< Bytes of the result.
  int max_depth = 200;                      ///< Calls of macros, nesting of expressions.
  int64_t now = 0;                          ///< Seconds since 1970 for strftime_now, as local time has it (offset added).
};

/// Parsed once, rendered often. Constant; thread-safe.
class Template {
 public:
  /// Throws Error{kInvalidArgument} "NAME: line N: ..." for what is no template.
  Template(std::string source, std::string name);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  /// `context`: a dict of the names that the template sees. Throws Error{kInvalidArgument} where the template raises an
  /// error or goes over a limit.
  [[nodiscard]] std::string render(const Value& context, const RenderOptions& options = {}) const;

  [[nodiscard]] const std::string& source() const noexcept { return source_; }

 private:
  struct Tree;
  std::string source_;
  std::string name_;
  std::unique_ptr<const Tree> tree_;
};

}  // namespace kinglet::text::jinja
