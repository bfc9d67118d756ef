// A JSON Schema with its references. Internal to model/grammar.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "home/system/json.h"

namespace kinglet::grammar {

/// Which rules a schema follows, by its $schema; 2020-12 where it says nothing.
enum class Draft : uint8_t { k4, k6, k7, k2019, k2020 };

/// Knows where each part of a schema lies and what its references mean. Constant once made.
class SchemaDocument {
 public:
  /// The schema outlives it. Throws Error{kInvalidArgument} for a schema that is neither an object nor a boolean, or of
  /// more than kMaxParts values (limit of a schema).
  explicit SchemaDocument(const system::Json& schema);

  static constexpr size_t kMaxParts = 2'000'000;

  [[nodiscard]] const system::Json& root() const noexcept { return root_; }
  [[nodiscard]] Draft draft() const noexcept { return draft_; }
  /// The JSON pointer of a part: "#/properties/a".
  [[nodiscard]] std::string pointer_of(const system::Json& part) const;
  /// What `reference`, which stands in `from`, means. Throws Error{kUnsupported} for what is not in this document,
  /// named.
  [[nodiscard]] const system::Json& resolve(const system::Json& from, std::string_view reference) const;

 private:
  struct Place {
    const system::Json* parent;
    std::string key;
    const std::string* base;  // of the resource that it belongs to
  };
  enum class Role : uint8_t { kSchema, kNamedSchemas, kData };
  static Role role_of(std::string_view keyword, const system::Json& value);
  void index(const system::Json& part, const system::Json* parent, std::string key, const std::string* base, Role role);

  const system::Json& root_;
  Draft draft_ = Draft::k2020;
  std::unordered_map<const system::Json*, Place> places_;
  std::map<std::string, const system::Json*, std::less<>> resources_;  // by URI without fragment
  std::map<std::string, const system::Json*, std::less<>> anchors_;    // by URI with the fragment
};

/// Whether two values are equal as JSON Schema says: 1 and 1.0 are, members have no order.
bool equal_values(const system::Json& a, const system::Json& b);

}  // namespace kinglet::grammar
