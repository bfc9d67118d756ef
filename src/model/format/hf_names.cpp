// Families by class, and tensor names from one spelling to the other.
#include <algorithm>
#include <array>
#include <charconv>

#include "model/format/hf_family.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

// The numbers that stand for the stars of a pattern.
using Numbers = std::array<std::string_view, 2>;

bool is_number(std::string_view text) {
  const bool is_plain = !text.empty() && (text.size() == 1 || text[0] != '0');
  return is_plain && text.size() <= 9 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Whether `name` is `pattern` with a number (or a star that stayed one) in place of each `*`.
bool match(std::string_view pattern, std::string_view name, Numbers& numbers, size_t n_seen = 0) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return name == pattern;
  if (n_seen == numbers.size() || !name.starts_with(pattern.substr(0, star))) return false;
  size_t end = star;
  while (end < name.size() && name[end] != '.' && name[end] != '_') ++end;
  const std::string_view number = name.substr(star, end - star);
  if (!is_number(number) && number != "*") return false;
  numbers[n_seen] = number;
  return match(pattern.substr(star + 1), name.substr(end), numbers, n_seen + 1);
}

std::string filled(std::string_view pattern, const Numbers& numbers) {
  std::string name;
  size_t n_seen = 0;
  for (const char c : pattern) {
    if (c == '*' && n_seen < numbers.size() && !numbers[n_seen].empty()) {
      name += numbers[n_seen++];
    } else {
      name += c;
    }
  }
  return name;
}

std::optional<MappedName> mapped_by_rules(const HfFamily& family, std::string_view name) {
  for (const TensorRule& rule : family.tensors) {
    Numbers numbers;
    if (!match(rule.hf, name, numbers)) continue;
    MappedName mapped{&rule, filled(rule.gguf, numbers), std::nullopt};
    const auto n_hf = static_cast<size_t>(std::ranges::count(rule.hf, '*'));
    if (!rule.gguf.empty() && n_hf > static_cast<size_t>(std::ranges::count(rule.gguf, '*'))) {
      const std::string_view number = numbers[n_hf - 1];
      size_t expert_idx = 0;
      std::from_chars(number.data(), number.data() + number.size(), expert_idx);
      mapped.expert_idx = expert_idx;
    }
    return mapped;
  }
  return std::nullopt;
}

}  // namespace

const HfFamily* find_hf_family(HfFamilies families, std::string_view class_name) {
  const auto found = std::ranges::find_if(families, [&](const HfFamily& family) {
    return family.called.empty() && std::ranges::find(family.classes, class_name) != family.classes.end();
  });
  return found == families.end() ? nullptr : &*found;
}

const HfFamily& family_of(HfFamilies families, const HfConfig& config) {
  const std::string name = config.class_name();
  if (const HfFamily* family = find_hf_family(families, name)) return *family;
  // A decoder saved without its head, as models of sentence-transformers are.
  constexpr std::string_view kHeadless = "Model";
  if (name.ends_with(kHeadless)) {
    const std::string whole = str(name.substr(0, name.size() - kHeadless.size()), "ForCausalLM");
    if (const HfFamily* family = find_hf_family(families, whole)) return *family;
  }
  std::string known;
  for (const HfFamily& family : families) {
    if (!family.called.empty()) continue;
    for (const std::string_view of_family : family.classes) known += str(known.empty() ? "" : ", ", of_family);
  }
  fail_with(ErrorCode::kUnsupported, config.name(), ": architecture ", printable(name),
            " is not supported; supported: ", known);
}

std::string_view without_prefix(const HfFamily& family, std::string_view hf_name) {
  for (const std::string_view prefix : family.prefixes) {
    if (hf_name.starts_with(prefix)) return hf_name.substr(prefix.size());
  }
  return hf_name;
}

std::optional<MappedName> to_gguf_name(const HfFamily& family, std::string_view hf_name) {
  const std::string_view name = without_prefix(family, hf_name);
  auto mapped = mapped_by_rules(family, name);
  // A decoder saved without its head has names without the part that tells the two apart.
  return mapped ? mapped : mapped_by_rules(family, str("model.", name));
}

std::optional<MappedName> to_hf_name(const HfFamily& family, std::string_view gguf_name) {
  for (const TensorRule& rule : family.tensors) {
    Numbers numbers;
    if (match(rule.gguf, gguf_name, numbers)) return MappedName{&rule, filled(rule.hf, numbers), std::nullopt};
  }
  return std::nullopt;
}

}  // namespace kinglet::format
