#include "home/system/toml.h"

#include <toml++/toml.h>

#include <sstream>
#include <string>

namespace kinglet::system {
namespace {

Json json_of(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    Json made = JsonObject{};
    for (const auto& [key, value] : *table) made.set(std::string(key.str()), json_of(value));
    return made;
  }
  if (const auto* array = node.as_array()) {
    Json made = JsonArray{};
    for (const toml::node& value : *array) made.push(json_of(value));
    return made;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* truth = node.as_boolean()) return truth->get();
  std::ostringstream text;
  node.visit([&text](const auto& value) {
    if constexpr (toml::is_value<decltype(value)>) text << value.get();
  });
  return text.str();
}

}  // namespace

Json parse_toml(std::string_view text, std::string_view name) {
  try {
    return json_of(toml::parse(text));
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    fail_with(ErrorCode::kInvalidArgument, name, ": line ", at.line, ", column ", at.column, ": ",
              std::string_view(error.description()));
  }
}

}  // namespace kinglet::system
