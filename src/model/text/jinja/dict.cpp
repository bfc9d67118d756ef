#include "model/text/jinja/dict.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kinglet::text::jinja {
namespace {

// Dicts up to this size are searched from the front.
constexpr size_t kIndexed = 16;

}  // namespace

std::strong_ordering Dict::Key::operator<=>(const Key& other) const noexcept {
  if (group != other.group) return group <=> other.group;
  if (group == Group::kInt) return integer <=> other.integer;
  if (group == Group::kText) return text <=> other.text;
  return std::bit_cast<int64_t>(number) <=> std::bit_cast<int64_t>(other.number);
}

std::optional<Dict::Key> Dict::key_of(const Value& value) noexcept {
  Key key;
  if (value.is_string()) {
    key.group = Key::Group::kText;
    key.text = value.string();
  } else if (value.is_integral()) {
    key.group = Key::Group::kInt;
    key.integer = value.integer();
  } else if (value.is(Value::Kind::kFloat)) {
    const double number = value.number();
    const bool is_whole = number == std::floor(number) && std::abs(number) < 9e18;
    key.group = is_whole ? Key::Group::kInt : Key::Group::kFloat;
    if (is_whole) {
      key.integer = static_cast<int64_t>(number);
    } else {
      key.number = number;
    }
  } else if (!value.is_none()) {
    return std::nullopt;
  }
  return key;
}

bool Dict::may_be_key(const Value& value) noexcept { return key_of(value).has_value(); }

const Dict::Member* Dict::find(const Key& key) const {
  if (!index_.empty()) {
    const auto place = index_.find(key);
    return place == index_.end() ? nullptr : &members_[place->second];
  }
  const auto member = std::ranges::find_if(members_, [&](const Member& each) { return key_of(each.first) == key; });
  return member == members_.end() ? nullptr : &*member;
}

const Value* Dict::find(const Value& key) const {
  const std::optional<Key> wanted = key_of(key);
  const Member* member = wanted ? find(*wanted) : nullptr;
  return member == nullptr ? nullptr : &member->second;
}

const Value* Dict::find(std::string_view key) const {
  Key wanted;
  wanted.group = Key::Group::kText;
  wanted.text = key;
  const Member* member = find(wanted);
  return member == nullptr ? nullptr : &member->second;
}

void Dict::set(Value key, Value value) {
  const std::optional<Key> wanted = key_of(key);
  if (!wanted) return;
  depth_ = std::max(depth_, value.depth() + 1);
  if (const Member* member = find(*wanted)) {
    members_[static_cast<size_t>(member - members_.data())].second = std::move(value);
    return;
  }
  members_.emplace_back(std::move(key), std::move(value));
  if (!index_.empty()) {
    index_.emplace(*key_of(members_.back().first), members_.size() - 1);
  } else if (members_.size() > kIndexed) {
    for (size_t i = 0; i < members_.size(); ++i) index_.emplace(*key_of(members_[i].first), i);
  }
}

}  // namespace kinglet::text::jinja
