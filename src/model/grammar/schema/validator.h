// Whether a value satisfies a JSON Schema. Internal to model/grammar; schema.h is for others.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "model/grammar/dfa.h"
#include "model/grammar/schema/document.h"

namespace kinglet::grammar {

/// Checks all keywords of drafts 4 to 2020-12 but references out of the document. Not thread-safe: it remembers
/// patterns.
class Validator {
 public:
  /// Values and schemas that nest deeper end in Error{kInvalidArgument}.
  static constexpr int kMaxDepth = 2'000;

  explicit Validator(const SchemaDocument& document, bool checks_formats) noexcept
      : document_(document), checks_formats_(checks_formats) {}

  /// Throws Error{kUnsupported} for what it cannot check (named).
  [[nodiscard]] bool accepts(const system::Json& schema, const system::Json& value);
  /// Where the last value that was not accepted broke which keyword: "/a/0: #/properties/a/items/type".
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  [[nodiscard]] bool matches(const std::string& pattern, std::string_view text);

 private:
  // What of a value was looked at by the schemas that apply to it.
  struct Evaluated {
    std::set<std::string, std::less<>> names;
    std::set<size_t> items;
    void add(const Evaluated& other) {
      names.insert(other.names.begin(), other.names.end());
      items.insert(other.items.begin(), other.items.end());
    }
  };
  using Value = system::Json;
  bool check(const Value& schema, const Value& value, Evaluated& evaluated, const std::string& at);
  bool check_keywords(const Value& schema, const Value& value, Evaluated& evaluated, const std::string& at);
  bool check_type(const Value& type, const Value& value) const;
  bool check_number(const Value& schema, const Value& value, const std::string& at);
  bool check_string(const Value& schema, const Value& value, const std::string& at);
  bool check_array(const Value& schema, const Value& value, Evaluated& evaluated, const std::string& at);
  bool check_object(const Value& schema, const Value& value, Evaluated& evaluated, const std::string& at);
  bool check_branches(const Value& schema, const Value& value, Evaluated& evaluated, const std::string& at);
  bool check_unevaluated(const Value& schema, const Value& value, Evaluated& evaluated, const std::string& at);
  bool broken(const Value& schema, std::string_view keyword, const std::string& at);

  const SchemaDocument& document_;
  bool checks_formats_;
  int depth_ = 0;
  std::string failure_;
  std::map<std::string, std::unique_ptr<const Dfa>, std::less<>> patterns_;
};

/// The count that a keyword gives, which may be written as a float; nothing where it is absent or no count.
std::optional<uint32_t> count_of(const system::Json& schema, std::string_view keyword);
/// Characters of a text.
size_t n_characters(std::string_view text);

}  // namespace kinglet::grammar
