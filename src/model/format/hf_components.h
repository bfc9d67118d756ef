// Components of a tokenizer.json: normalizers, pre-tokenizers, decoders and post-processors alike. Internal to
// model/format.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "home/system/json.h"

namespace kinglet::format {

/// SentencePiece's sign for a space, U+2581.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

/// A component of a tokenizer: an object with a type, or null. A view of the JSON value.
class Component {
 public:
  /// `where` names the file and the place in it, for messages.
  Component(const system::Json& json, std::string where);

  [[nodiscard]] const std::string& type() const noexcept { return type_; }
  [[nodiscard]] const std::string& where() const noexcept { return where_; }
  /// Null for a member that is absent or null.
  [[nodiscard]] const system::Json* find(std::string_view key) const noexcept;
  /// Throws Error{kInvalidFile} where find gives none.
  [[nodiscard]] const system::Json& at(std::string_view key) const;
  [[nodiscard]] bool truth_or(std::string_view key, bool fallback) const;
  [[nodiscard]] std::string word_or(std::string_view key, std::string_view fallback) const;
  [[nodiscard]] const std::string& word(std::string_view key) const { return at(key).as_string(str(where_, '.', key)); }
  /// The text or the expression that a Split or a Replace looks for.
  struct Looked {
    std::string text;
    bool is_pattern;
  };
  [[nodiscard]] Looked looked_for() const;

  /// Throws Error{kUnsupported} that names the component.
  [[noreturn]] void refuse(std::string_view what) const;
  /// The same for one of a type that is not known, with those that are.
  [[noreturn]] void refuse_type(std::span<const std::string_view> known) const;

 private:
  const system::Json& json_;
  std::string where_;
  std::string type_;
};

/// All that a key says, in order, those of a Sequence (`list_key`) one by one; none for null. `name` is the file's.
/// Throws Error{kInvalidFile}.
std::vector<Component> components(const system::Json& root, std::string_view key, std::string_view list_key,
                                  const std::string& name);

}  // namespace kinglet::format
