#include "run/chat/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>

#include "core/base/base.h"

namespace kinglet::chat {
namespace {

using system::Json;
using Params = engine::SamplingParams;

float as_float(std::string_view name, const Json& value) { return static_cast<float>(value.as_number(name)); }

uint64_t as_count(std::string_view name, const Json& value, uint64_t limit = INT32_MAX) {
  const int64_t number = value.as_integer(name);
  if (number < 0 || static_cast<uint64_t>(number) > limit) {
    fail_with(ErrorCode::kInvalidArgument, name, ": ", number, " is not between 0 and ", limit);
  }
  return static_cast<uint64_t>(number);
}

// -1 (and below) means "no limit" or "another one each time".
std::optional<uint64_t> as_limit(std::string_view name, const Json& value, uint64_t limit = INT32_MAX) {
  if (value.as_integer(name) < 0) return std::nullopt;
  return as_count(name, value, limit);
}

std::vector<std::string> as_strings(std::string_view name, const Json& value) {
  if (value.is_string()) return {value.as_string(name)};
  std::vector<std::string> texts;
  for (const Json& element : value.as_array(name)) texts.push_back(element.as_string(name));
  return texts;
}

Json limit_json(const std::optional<uint64_t>& limit) { return limit ? Json(*limit) : Json(-1); }

Json strings_json(const std::vector<std::string>& texts) {
  system::JsonArray values;
  for (const std::string& text : texts) values.emplace_back(text);
  return values;
}

// A float in its own shortest form, not in that of the double which holds it.
Json float_json(float number) {
  std::array<char, 32> text;
  const auto [end, status] = std::to_chars(text.data(), text.data() + text.size(), number);
  double shortest = 0;
  std::from_chars(text.data(), end, shortest);
  return shortest;
}

struct Field {
  SettingRow row;
  void (*set)(Settings&, std::string_view name, const Json& value);
  Json (*get)(const Settings&);
};

template <auto kMember>
Field float_field(std::string_view name, std::string_view help) {
  return {{name, help},
          [](Settings& s, std::string_view n, const Json& v) { s.sampling.*kMember = as_float(n, v); },
          [](const Settings& s) { return float_json(s.sampling.*kMember); }};
}

const auto& fields() {
  static const std::array kFields = {
      float_field<&Params::temperature>("temperature", "0: always the likeliest token"),
      Field{{"top_k", "keep so many of the likeliest tokens; 0: all"},
            [](Settings& s, std::string_view n, const Json& v) {
              s.sampling.top_k = static_cast<uint32_t>(as_count(n, v));
            },
            [](const Settings& s) { return Json(s.sampling.top_k); }},
      float_field<&Params::top_p>("top_p", "keep the likeliest tokens that have this probability together; 1: all"),
      float_field<&Params::min_p>("min_p", "keep tokens of at least this share of the likeliest one's probability"),
      float_field<&Params::typical_p>("typical_p", "locally typical sampling; 1: off"),
      float_field<&Params::repetition_penalty>("repeat_penalty", "makes tokens that were there less likely; 1: off"),
      float_field<&Params::frequency_penalty>("frequency_penalty", "subtracted for each time that a token was there"),
      float_field<&Params::presence_penalty>("presence_penalty", "subtracted once for a token that was there"),
      Field{{"mirostat", "2: mirostat version 2 in place of top-k, top-p and the like; 0: off"},
            [](Settings& s, std::string_view n, const Json& v) {
              const uint64_t version = as_count(n, v, 2);
              if (version == 1) fail_with(ErrorCode::kInvalidArgument, n, ": version 1 is not supported, 2 is");
              s.sampling.mirostat = version == 2;
            },
            [](const Settings& s) { return Json(s.sampling.mirostat ? 2 : 0); }},
      float_field<&Params::mirostat_tau>("mirostat_tau", "the surprise that mirostat aims at"),
      float_field<&Params::mirostat_eta>("mirostat_eta", "how fast mirostat adapts"),
      float_field<&Params::xtc_probability>("xtc_probability",
                                            "how often all likely tokens but the last are left out; 0: never"),
      float_field<&Params::xtc_threshold>("xtc_threshold", "from this probability on a token counts as likely for xtc"),
      Field{{"repeat_last_n", "so many of the last tokens count for penalties; -1: all"},
            [](Settings& s, std::string_view n, const Json& v) {
              const auto limit = as_limit(n, v);
              s.sampling.penalty_last_n = limit ? static_cast<int32_t>(*limit) : -1;
            },
            [](const Settings& s) { return Json(s.sampling.penalty_last_n); }},
      Field{{"seed", "the same seed gives the same answer; -1: another one each time"},
            [](Settings& s, std::string_view n, const Json& v) { s.seed = as_limit(n, v, INT64_MAX); },
            [](const Settings& s) { return limit_json(s.seed); }},
      Field{{"num_predict", "most tokens of an answer; -1: as many as the context holds"},
            [](Settings& s, std::string_view n, const Json& v) { s.max_tokens = as_limit(n, v); },
            [](const Settings& s) { return limit_json(s.max_tokens); }},
      Field{{"num_ctx", "tokens of the context, prompt and answer"},
            [](Settings& s, std::string_view n, const Json& v) {
              s.context_len = as_limit(n, v);
              if (s.context_len == 0) s.context_len.reset();
            },
            [](const Settings& s) { return limit_json(s.context_len); }},
      Field{{"stop", "a string that ends the answer; may be given several times"},
            [](Settings& s, std::string_view n, const Json& v) { s.stop = as_strings(n, v); },
            [](const Settings& s) { return strings_json(s.stop); }},
  };
  return kFields;
}

const Field* find_field(std::string_view name) {
  const auto found = std::ranges::find_if(fields(), [&](const Field& field) { return field.row.name == name; });
  return found == fields().end() ? nullptr : &*found;
}

const Field& known_field(std::string_view name) {
  if (const Field* field = find_field(name)) return *field;
  std::string known;
  for (const Field& field : fields()) known += str(known.empty() ? "" : ", ", field.row.name);
  fail_with(ErrorCode::kInvalidArgument, name, ": no such parameter; there are ", known);
}

// What Modelfiles say about how Ollama's runner loads a model. It changes no answer, so it is passed over.
constexpr std::array kOfOtherRunners = {
    std::string_view("num_gpu"),   std::string_view("main_gpu"), std::string_view("num_thread"),
    std::string_view("num_batch"), std::string_view("use_mmap"), std::string_view("use_mlock"),
    std::string_view("low_vram"),  std::string_view("f16_kv"),   std::string_view("vocab_only"),
    std::string_view("numa"),      std::string_view("num_keep"), std::string_view("draft_num_predict"),
};

// A number in decimal, whole where it is.
Json number_of(std::string_view name, std::string_view text) {
  double number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    fail_with(ErrorCode::kInvalidArgument, name, ": ", text, " is not a number");
  }
  int64_t whole = 0;
  const auto [whole_end, whole_status] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (whole_status == std::errc() && whole_end == end) return whole;
  constexpr double kExact = 1e15;
  if (std::trunc(number) == number && std::fabs(number) < kExact) return static_cast<int64_t>(number);
  return number;
}

// general.sampling.* of GGUF.
struct FileKey {
  std::string_view key;
  std::string_view name;
};
constexpr std::array kFileKeys = {
    FileKey{"general.sampling.temp", "temperature"},
    FileKey{"general.sampling.top_p", "top_p"},
    FileKey{"general.sampling.min_p", "min_p"},
    FileKey{"general.sampling.penalty_repeat", "repeat_penalty"},
    FileKey{"general.sampling.xtc_probability", "xtc_probability"},
    FileKey{"general.sampling.xtc_threshold", "xtc_threshold"},
    FileKey{"general.sampling.mirostat_tau", "mirostat_tau"},
    FileKey{"general.sampling.mirostat_eta", "mirostat_eta"},
};

}  // namespace

Settings::Settings() {
  sampling.temperature = 0.8F;
  sampling.top_k = 40;
  sampling.top_p = 0.9F;
}

void Settings::take(const format::Metadata& metadata) {
  for (const FileKey& file_key : kFileKeys) {
    if (const auto number = metadata.get<float>(file_key.key)) set(file_key.name, float_json(*number));
  }
  if (const auto n = metadata.get<int32_t>("general.sampling.penalty_last_n")) set("repeat_last_n", Json(*n));
  if (const auto version = metadata.get<int32_t>("general.sampling.mirostat")) sampling.mirostat = *version == 2;
  if (const auto top_k = metadata.get<int32_t>("general.sampling.top_k")) set("top_k", Json(std::max(*top_k, 0)));
}

std::vector<std::string> Settings::take(const Json& parameters) {
  std::vector<std::string> unknown;
  if (parameters.is_null()) return unknown;
  for (const auto& [name, value] : parameters.as_object("parameters")) {
    if (find_field(name) != nullptr) {
      set(name, value);
    } else if (std::ranges::find(kOfOtherRunners, name) == kOfOtherRunners.end()) {
      unknown.push_back(name);
    }
  }
  return unknown;
}

void Settings::set(std::string_view name, const Json& value) { known_field(name).set(*this, name, value); }

void Settings::set_text(std::string_view name, std::string_view text) {
  if (name == "stop") {
    stop.emplace_back(text);
    return;
  }
  known_field(name);
  set(name, number_of(name, text));
}

Json Settings::value_of(std::string_view name, std::string_view text) {
  if (name == "stop") return text;
  if (std::ranges::find(kOfOtherRunners, name) != kOfOtherRunners.end()) {
    if (text == "true" || text == "false") return text == "true";
    return number_of(name, text);
  }
  known_field(name);
  const Json value = number_of(name, text);
  Settings().set(name, value);
  return value;
}

Json Settings::changed() const {
  const Settings defaults;
  Json changed = system::JsonObject{};
  for (const Field& field : fields()) {
    Json value = field.get(*this);
    if (value.dump() != field.get(defaults).dump()) changed.set(std::string(field.row.name), std::move(value));
  }
  return changed;
}

std::span<const SettingRow> setting_rows() {
  static const std::vector<SettingRow> kRows = [] {
    std::vector<SettingRow> rows;
    for (const Field& field : fields()) rows.push_back(field.row);
    return rows;
  }();
  return kRows;
}

}  // namespace kinglet::chat
