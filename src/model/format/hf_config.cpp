#include "model/format/hf_config.h"

#include <cmath>

#include "model/format/file_json.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

constexpr size_t kMaxConfigDepth = 32;

uint64_t as_count(const system::Json& json, std::string_view what) {
  const int64_t count = json.as_integer(what);
  if (count < 0) fail_with(ErrorCode::kInvalidArgument, what, ": is ", count, ", expected a count");
  return static_cast<uint64_t>(count);
}

double as_finite(const system::Json& json, std::string_view what) {
  const double number = json.as_number(what);
  if (!std::isfinite(number)) fail_with(ErrorCode::kInvalidArgument, what, ": is not finite");
  return number;
}

const system::Json* find_set(const system::Json& object, std::string_view key) {
  const system::Json* found = object.find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

void read_scaling(const system::Json& scaling, HfRope& rope) {
  const auto number = [&](std::string_view key) -> std::optional<double> {
    const system::Json* found = find_set(scaling, key);
    return found == nullptr ? std::nullopt : std::optional(as_finite(*found, key));
  };
  rope.base = number("rope_theta").value_or(rope.base);
  // "type" is the older word; some files have both.
  const system::Json* type = find_set(scaling, "rope_type");
  if (type == nullptr) type = find_set(scaling, "type");
  if (type != nullptr) rope.type = type->as_string("rope_type");
  rope.factor = number("factor").value_or(1.0);
  if (rope.factor <= 0)
    fail_with(ErrorCode::kInvalidArgument, "factor: is ", rope.factor, ", expected a positive number");
  if (const system::Json* length = find_set(scaling, "original_max_position_embeddings")) {
    rope.original_context_len = as_count(*length, "original_max_position_embeddings");
  }
  rope.beta_fast = number("beta_fast");
  rope.beta_slow = number("beta_slow");
  rope.low_freq_factor = number("low_freq_factor").value_or(rope.low_freq_factor);
  rope.high_freq_factor = number("high_freq_factor").value_or(rope.high_freq_factor);
  if (const system::Json* truncate = find_set(scaling, "truncate")) rope.truncate = truncate->as_bool("truncate");
  rope.partial = number("partial_rotary_factor").value_or(rope.partial);
  rope.llama4_beta = number("llama_4_scaling_beta");
  const auto factors = [&](std::string_view key) {
    std::vector<float> values;
    if (const system::Json* list = find_set(scaling, key)) {
      for (const system::Json& value : list->as_array(key)) values.push_back(static_cast<float>(as_finite(value, key)));
    }
    return values;
  };
  if (const system::Json* list = find_set(scaling, "mrope_section")) {
    for (const system::Json& value : list->as_array("mrope_section")) {
      rope.sections.push_back(static_cast<uint32_t>(std::min<uint64_t>(as_count(value, "mrope_section"), UINT32_MAX)));
    }
    rope.sections.resize(4, 0);
  }
  rope.short_factors = factors("short_factor");
  rope.long_factors = factors("long_factor");
  rope.attention_factor = number("attention_factor");
  const auto mscale = number("mscale");
  const auto mscale_all_dim = number("mscale_all_dim");
  rope.mscale_all_dim = mscale_all_dim;
  if (!rope.attention_factor && mscale.value_or(0) != 0 && mscale_all_dim.value_or(0) != 0) {
    rope.attention_factor = yarn_magnitude(rope.factor, *mscale) / yarn_magnitude(rope.factor, *mscale_all_dim);
  }
}

}  // namespace

double yarn_magnitude(double factor, double weight) {
  return factor <= 1.0 ? 1.0 : 0.1 * weight * std::log(factor) + 1.0;
}

HfConfig HfConfig::parse(std::string_view text, std::string name) {
  return reading_json(name, [&] {
    system::Json root = system::Json::parse(text, name, {.max_depth = kMaxConfigDepth});
    static_cast<void>(root.as_object(name));
    return HfConfig(std::move(root), name);
  });
}

HfConfig::HfConfig(system::Json root, std::string name) : root_(std::move(root)), name_(std::move(name)) {
  const system::Json* text = find_set(root_, "text_config");
  if (text != nullptr && text->is_object()) text_ = text;
}

const system::Json* HfConfig::find(std::string_view key) const noexcept {
  if (text_ != nullptr && key != "architectures") {
    if (const system::Json* found = find_set(*text_, key)) return found;
  }
  return find_set(root_, key);
}

std::optional<uint64_t> HfConfig::find_count(std::string_view key) const {
  const system::Json* found = find(key);
  if (found == nullptr) return std::nullopt;
  return reading_json(name_, [&] { return as_count(*found, key); });
}

uint64_t HfConfig::count_or(std::string_view key, uint64_t fallback) const {
  return find_count(key).value_or(fallback);
}

uint64_t HfConfig::count(std::string_view key) const {
  if (const auto count = find_count(key)) return *count;
  fail_with(ErrorCode::kInvalidFile, name_, ": ", key, ": is missing");
}

double HfConfig::number_or(std::string_view key, double fallback) const {
  const system::Json* found = find(key);
  if (found == nullptr) return fallback;
  return reading_json(name_, [&] { return as_finite(*found, key); });
}

bool HfConfig::truth_or(std::string_view key, bool fallback) const {
  const system::Json* found = find(key);
  if (found == nullptr) return fallback;
  return reading_json(name_, [&] { return found->as_bool(key); });
}

std::string HfConfig::word_or(std::string_view key, std::string_view fallback) const {
  const system::Json* found = find(key);
  if (found == nullptr) return std::string(fallback);
  return reading_json(name_, [&] { return found->as_string(key); });
}

std::vector<uint32_t> HfConfig::ids(std::string_view key) const {
  const system::Json* found = find(key);
  if (found == nullptr) return {};
  return reading_json(name_, [&] {
    std::vector<uint32_t> ids;
    const auto add = [&](const system::Json& json) {
      const uint64_t id = as_count(json, key);
      if (!std::in_range<uint32_t>(id)) fail_with(ErrorCode::kInvalidArgument, key, ": ", id, " is no token id");
      ids.push_back(static_cast<uint32_t>(id));
    };
    if (found->is_array()) {
      for (const system::Json& json : found->as_array(key)) add(json);
    } else {
      add(*found);
    }
    return ids;
  });
}

std::vector<std::string> HfConfig::words(std::string_view key) const {
  const system::Json* found = find(key);
  if (found == nullptr) return {};
  return reading_json(name_, [&] {
    std::vector<std::string> words;
    for (const system::Json& word : found->as_array(key)) words.push_back(word.as_string(key));
    return words;
  });
}

std::vector<double> HfConfig::numbers(std::string_view key) const {
  const system::Json* found = find(key);
  if (found == nullptr) return {};
  return reading_json(name_, [&] {
    std::vector<double> numbers;
    for (const system::Json& number : found->as_array(key)) numbers.push_back(as_finite(number, key));
    return numbers;
  });
}

std::vector<uint64_t> HfConfig::counts(std::string_view key) const {
  const system::Json* found = find(key);
  if (found == nullptr) return {};
  return reading_json(name_, [&] {
    std::vector<uint64_t> counts;
    for (const system::Json& count : found->as_array(key)) counts.push_back(as_count(count, key));
    return counts;
  });
}

std::vector<uint64_t> HfConfig::list_of_counts(std::string_view key) const {
  const system::Json* found = find(key);
  return found != nullptr && found->is_array() ? counts(key) : std::vector<uint64_t>();
}

std::optional<uint64_t> HfConfig::find_count_in(std::string_view key, std::string_view member,
                                                std::string_view name) const {
  const system::Json* outer = find(key);
  const system::Json* inner = outer == nullptr ? nullptr : find_set(*outer, member);
  const system::Json* found = inner == nullptr ? nullptr : find_set(*inner, name);
  if (found == nullptr) return std::nullopt;
  return reading_json(name_, [&] { return as_count(*found, name); });
}

std::string HfConfig::class_name() const {
  const system::Json* found = find("architectures");
  if (found == nullptr) fail_with(ErrorCode::kInvalidFile, name_, ": architectures: is missing");
  return reading_json(name_, [&] {
    const system::JsonArray& names = found->as_array("architectures");
    if (names.empty()) fail_with(ErrorCode::kInvalidArgument, "architectures: is empty");
    return names[0].as_string("architectures");
  });
}

HfRope HfConfig::rope(std::string_view layer_type) const {
  HfRope rope;
  rope.base = number_or("rope_theta", rope.base);
  rope.partial = number_or("partial_rotary_factor", rope.partial);
  for (const std::string_view key : {"rope_scaling", "rope_parameters"}) {
    const system::Json* scaling = find(key);
    if (scaling == nullptr) continue;
    reading_json(name_, [&] {
      static_cast<void>(scaling->as_object(key));
      const system::Json* of_type = find_set(*scaling, layer_type);
      read_scaling(of_type != nullptr && of_type->is_object() ? *of_type : *scaling, rope);
      if (!(rope.partial > 0.0) || rope.partial > 1.0)
        fail_with(ErrorCode::kInvalidArgument, "partial_rotary_factor: is ", rope.partial, ", expected above 0 to 1");
    });
  }
  return rope;
}

void HfConfig::refuse_setting(std::string_view key, std::string_view what,
                              std::span<const std::string_view> known) const {
  std::string names;
  for (const std::string_view name : known) names += str(names.empty() ? "; supported: " : ", ", name);
  fail_with(ErrorCode::kUnsupported, name_, ": ", key, " is ", printable(what), ", which is not supported", names);
}

}  // namespace kinglet::format
