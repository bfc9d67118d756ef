// Chat templates: Jinja as Hugging Face's programs set it up (sandboxed, trim_blocks, lstrip_blocks, loop controls).
//
// A template is a program out of a model file and is trusted no further than that: it has no access to anything but its
// context, and limits bound what it costs. docs/templates.md says what is supported.
//
// A chat template sees these names:
//   messages               list of dicts: role, content, and what a role brings (tool_calls, reasoning_content, ...)
//   tools                  list of dicts, or absent
//   add_generation_prompt  whether the text ends with the beginning of an answer
//   bos_token, eos_token   texts; other special tokens by their names
//   and any further variables of the caller (enable_thinking, documents, ...): they are all members of the context.
// The engine itself adds raise_exception(why), strftime_now(format), namespace(), dict(), range() and joiner().
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "model/text/jinja/dict.h"

namespace kinglet::text::jinja {

/// What a rendering may cost. It ends with an Error that names the limit when it costs more.
struct RenderOptions {
  size_t max_steps = 5'000'000;          ///< Expressions and statements; work on texts counts, 32 bytes a step.
  size_t max_made = size_t{128} << 20;   ///< Bytes of all values made on the way.
  size_t max_output = size_t{32} << 20;  ///< Bytes of the result.
  int max_depth = 400;                   ///< Statements and expressions within each other, macros' calls included.
  int64_t now = 0;                       ///< Seconds since 1970 for strftime_now, as local time has it (offset added).
};

/// Parsed once, rendered often. Constant; all functions are thread-safe.
class Template {
 public:
  static constexpr size_t kMaxSource = size_t{1} << 20;  ///< Bytes. Published templates have up to 17,000.

  /// Throws Error{kInvalidArgument} "NAME: line N: ..." for what is no template.
  Template(std::string source, std::string name);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  /// `context`: a dict of the names that the template sees. Throws Error{kInvalidArgument} "NAME: line N: ..." where
  /// the template raises an error or passes a limit.
  [[nodiscard]] std::string render(const Value& context, const RenderOptions& options = {}) const;

  [[nodiscard]] const std::string& source() const noexcept { return source_; }

 private:
  struct Tree;
  std::string source_;
  std::string name_;
  std::unique_ptr<const Tree> tree_;
};

}  // namespace kinglet::text::jinja
