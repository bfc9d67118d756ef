// Dicts of templates.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "model/text/jinja/value.h"

namespace kinglet::text::jinja {

/// Members in the order of their insertion. Keys are texts, numbers, truth values or none; 1, 1.0 and true are one key.
class Dict {
 public:
  using Member = std::pair<Value, Value>;

  [[nodiscard]] static bool may_be_key(const Value& value) noexcept;

  /// Null where there is none, and for what cannot be a key.
  [[nodiscard]] const Value* find(const Value& key) const;
  [[nodiscard]] const Value* find(std::string_view key) const;
  /// Adds a member, or replaces the value of the one with this key. The key may be one.
  void set(Value key, Value value);

  [[nodiscard]] const std::vector<Member>& members() const noexcept { return members_; }
  [[nodiscard]] size_t size() const noexcept { return members_.size(); }
  [[nodiscard]] int depth() const noexcept { return depth_; }

 private:
  // A key in a form that has an order: numbers by value, texts by bytes (views of the key, which is shared and stays).
  struct Key {
    enum class Group : uint8_t { kNone, kInt, kFloat, kText };
    Group group = Group::kNone;
    int64_t integer = 0;
    double number = 0;
    std::string_view text = {};
    std::strong_ordering operator<=>(const Key& other) const noexcept;
    bool operator==(const Key& other) const noexcept { return (*this <=> other) == 0; }
  };
  static std::optional<Key> key_of(const Value& value) noexcept;
  [[nodiscard]] const Member* find(const Key& key) const;

  std::vector<Member> members_;
  std::map<Key, size_t> index_;  // only where there are many members
  int depth_ = 1;
};

}  // namespace kinglet::text::jinja
