// The list of all families, and names from one spelling to the other.
#include <algorithm>
#include <array>

#include "model/format/hf_family.h"
#include "model/format/hf_llama.h"

namespace kinglet::format {
namespace {

// The layer's number where `name` is `pattern` with digits in place of its `*`; an empty view where there is no `*`.
std::optional<std::string_view> match(std::string_view pattern, std::string_view name) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return name == pattern ? std::optional(std::string_view()) : std::nullopt;
  const std::string_view after = pattern.substr(star + 1);
  if (name.size() <= pattern.size() - 1 || !name.starts_with(pattern.substr(0, star)) || !name.ends_with(after))
    return std::nullopt;
  const std::string_view number = name.substr(star, name.size() - (pattern.size() - 1));
  const bool is_number = std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
  const bool is_plain = number.size() == 1 || number[0] != '0';
  return is_number && is_plain && number.size() <= 9 ? std::optional(number) : std::nullopt;
}

std::string filled(std::string_view pattern, std::string_view number) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return std::string(pattern);
  return str(pattern.substr(0, star), number, pattern.substr(star + 1));
}

std::optional<MappedName> mapped(const HfFamily& family, std::string_view name, std::string_view TensorRule::* from,
                                 std::string_view TensorRule::* to) {
  for (const TensorRule& rule : family.tensors) {
    if (const auto number = match(rule.*from, name)) return MappedName{&rule, filled(rule.*to, *number)};
  }
  return std::nullopt;
}

}  // namespace

std::span<const HfFamily> hf_families() {
  static const std::array kAll = {
      hf_llama(),
  };
  return kAll;
}

const HfFamily* find_hf_family(std::string_view class_name) {
  const auto all = hf_families();
  const auto found = std::ranges::find(all, class_name, &HfFamily::class_name);
  return found == all.end() ? nullptr : &*found;
}

std::optional<MappedName> to_gguf_name(const HfFamily& family, std::string_view hf_name) {
  return mapped(family, hf_name, &TensorRule::hf, &TensorRule::gguf);
}

std::optional<MappedName> to_hf_name(const HfFamily& family, std::string_view gguf_name) {
  return mapped(family, gguf_name, &TensorRule::gguf, &TensorRule::hf);
}

void fill_generation(const HfConfig& config, const HfConfig* generation, Metadata& metadata) {
  const auto ids = [&](std::string_view key) {
    if (generation != nullptr && generation->has(key)) return generation->ids(key);
    return config.ids(key);
  };
  const auto set_first = [&](std::string_view key, std::string_view hf_key) {
    const std::vector<uint32_t> found = ids(hf_key);
    if (!found.empty()) metadata.set(key, found[0]);
    return found;
  };
  set_first("tokenizer.ggml.bos_token_id", "bos_token_id");
  set_first("tokenizer.ggml.padding_token_id", "pad_token_id");
  const std::vector<uint32_t> ends = set_first("tokenizer.ggml.eos_token_id", "eos_token_id");
  // GGUF has one such id; a list is a key of ours.
  if (ends.size() > 1) metadata.set_array("kinglet.eos_token_ids", std::span<const uint32_t>(ends));
  if (generation == nullptr) return;
  const auto number = [&](std::string_view key, std::string_view hf_key) {
    if (generation->find(hf_key) != nullptr) metadata.set(key, static_cast<float>(generation->number_or(hf_key, 0)));
  };
  if (const auto top_k = generation->find_count("top_k"); top_k && std::in_range<int32_t>(*top_k)) {
    metadata.set("general.sampling.top_k", static_cast<int32_t>(*top_k));
  }
  number("general.sampling.top_p", "top_p");
  number("general.sampling.min_p", "min_p");
  number("general.sampling.temp", "temperature");
  number("general.sampling.penalty_repeat", "repetition_penalty");
}

}  // namespace kinglet::format
