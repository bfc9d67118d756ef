#include "model/format/hf_components.h"

#include "core/base/base.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

using system::Json;
using system::JsonArray;

constexpr size_t kMaxComponents = 64;  // of one kind

// Appends a component: those of a Sequence one by one, and of a Sequence in it.
void append_components(const Json& json, const std::string& where, std::string_view list_key,
                       std::vector<Component>& all) {
  Component one(json, where);
  if (one.type() != "Sequence") {
    if (all.size() == kMaxComponents)
      fail_with(ErrorCode::kInvalidFile, where, ": is component ", all.size(), ", at most ", kMaxComponents);
    all.push_back(std::move(one));
    return;
  }
  const JsonArray& list = one.at(list_key).as_array(str(where, '.', list_key));
  for (size_t i = 0; i < list.size(); ++i) append_components(list[i], str(where, '[', i, ']'), list_key, all);
}

}  // namespace

Component::Component(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
  if (!json_.is_null()) type_ = json_.at("type").as_string(where_ + ".type");
}

const Json* Component::find(std::string_view key) const noexcept {
  const Json* found = json_.find(key);
  return found != nullptr && found->is_null() ? nullptr : found;
}

const Json& Component::at(std::string_view key) const {
  if (const Json* found = find(key)) return *found;
  fail_with(ErrorCode::kInvalidFile, where_, ": ", type_, ": ", key, " is missing");
}

bool Component::truth_or(std::string_view key, bool fallback) const {
  const Json* found = find(key);
  return found == nullptr ? fallback : found->as_bool(str(where_, '.', key));
}

std::string Component::word_or(std::string_view key, std::string_view fallback) const {
  const Json* found = find(key);
  return found == nullptr ? std::string(fallback) : found->as_string(str(where_, '.', key));
}

Component::Looked Component::looked_for() const {
  const Json& pattern = at("pattern");
  const bool is_pattern = pattern.find("Regex") != nullptr;
  return {pattern.at(is_pattern ? "Regex" : "String").as_string(where_ + ".pattern"), is_pattern};
}

void Component::refuse(std::string_view what) const {
  fail_with(ErrorCode::kUnsupported, where_, ": ", printable(type_), ": ", what);
}

void Component::refuse_type(std::span<const std::string_view> known) const {
  std::string names;
  for (const std::string_view name : known) names += str(names.empty() ? "" : ", ", name);
  fail_with(ErrorCode::kUnsupported, where_, ": ", printable(type_), " is not supported; supported: ", names);
}

std::vector<Component> components(const Json& root, std::string_view key, std::string_view list_key,
                                  const std::string& name) {
  const Json* found = root.find(key);
  std::vector<Component> all;
  if (found != nullptr && !found->is_null()) append_components(*found, str(name, ": ", key), list_key, all);
  return all;
}

}  // namespace kinglet::format
