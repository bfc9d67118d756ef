#include "home/system/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace kinglet::system {
namespace {

// Builds our values from the library's events; too deep a nesting stops the parse.
class Events final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Events(std::string_view name, std::string_view text, const JsonLimits& limits)
      : name_(name), text_(text), limits_(limits) {}

  bool null() override { return put(Json()); }
  bool boolean(bool value) override { return put(Json(value)); }
  bool number_integer(number_integer_t value) override { return put(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override { return put(Json(value)); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return put(Json(value)); }
  bool string(string_t& value) override { return put(Json(std::move(value))); }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(size_t /*n*/) override { return open(Json(JsonObject{})); }
  bool start_array(size_t /*n*/) override { return open(Json(JsonArray{})); }
  bool key(string_t& value) override {
    keys_.back() = std::move(value);
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool parse_error(size_t position, const std::string& /*token*/, const nlohmann::detail::exception& error) override {
    const std::string_view before = text_.substr(0, std::min(position, text_.size()));
    const auto line = std::ranges::count(before, '\n') + 1;
    const size_t last_line = before.rfind('\n');
    const size_t column = last_line == std::string_view::npos ? before.size() : before.size() - last_line - 1;
    std::string_view why = error.what();
    if (const size_t at = why.find("- "); at != std::string_view::npos) why = why.substr(at + 2);
    if (const size_t at = why.find("syntax error"); at != std::string_view::npos) why = why.substr(at);
    fail_with(ErrorCode::kInvalidArgument, name_, ": line ", line, ", column ", column, ": ", why);
  }

  Json take() { return std::move(root_); }

 private:
  bool put(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().is_object()) {
      open_.back().set(std::move(keys_.back()), std::move(value));
    } else {
      open_.back().push(std::move(value));
    }
    return true;
  }
  bool open(Json container) {
    if (open_.size() >= limits_.max_depth) {
      fail_with(ErrorCode::kInvalidArgument, name_, ": nested deeper than ", limits_.max_depth);
    }
    open_.push_back(std::move(container));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    Json done = std::move(open_.back());
    open_.pop_back();
    keys_.pop_back();
    return put(std::move(done));
  }

  std::string_view name_;
  std::string_view text_;
  JsonLimits limits_;
  Json root_;
  std::vector<Json> open_;
  std::vector<std::string> keys_;
};

void append_quoted(std::string& out, std::string_view text) {
  out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void append_number(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";  // JSON has no other word for it
    return;
  }
  std::array<char, 40> text;
  const auto [end, status] = std::to_chars(text.data(), text.data() + text.size(), number);
  const std::string_view digits(text.data(), static_cast<size_t>(end - text.data()));
  out += digits;
  if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void append_break(std::string& out, int indent, int depth) {
  if (indent < 0) return;
  out += '\n';
  out.append(static_cast<size_t>(indent) * static_cast<size_t>(depth), ' ');
}

void append_json(std::string& out, const Json& value, int indent, int depth) {
  if (value.is_null()) {
    out += "null";
  } else if (value.is_bool()) {
    out += value.as_bool("") ? "true" : "false";
  } else if (value.holds_unsigned()) {
    out += str(value.unsigned_value());
  } else if (value.is_integer()) {
    out += str(value.as_integer(""));
  } else if (value.is_number()) {
    append_number(out, value.as_number(""));
  } else if (value.is_string()) {
    append_quoted(out, value.as_string(""));
  } else if (value.is_array()) {
    const JsonArray& values = value.as_array("");
    out += '[';
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0) out += ',';
      append_break(out, indent, depth + 1);
      append_json(out, values[i], indent, depth + 1);
    }
    if (!values.empty()) append_break(out, indent, depth);
    out += ']';
  } else {
    const JsonObject& members = value.as_object("");
    out += '{';
    for (size_t i = 0; i < members.size(); ++i) {
      if (i > 0) out += ',';
      append_break(out, indent, depth + 1);
      append_quoted(out, members[i].first);
      out += indent < 0 ? ":" : ": ";
      append_json(out, members[i].second, indent, depth + 1);
    }
    if (!members.empty()) append_break(out, indent, depth);
    out += '}';
  }
}

}  // namespace

Json Json::parse(std::string_view text, std::string_view name, const JsonLimits& limits) {
  Events events(name, text, limits);
  // The library reads numbers too large for a double as an error of its own; both kinds come as Error.
  if (!nlohmann::json::sax_parse(text, &events)) fail_with(ErrorCode::kInvalidArgument, name, ": is not JSON");
  return events.take();
}

bool Json::as_bool(std::string_view what) const {
  if (const bool* truth = std::get_if<bool>(&data_)) return *truth;
  wrong_kind(what, "true or false");
}

int64_t Json::as_integer(std::string_view what) const {
  if (const int64_t* number = std::get_if<int64_t>(&data_)) return *number;
  if (const double* number = std::get_if<double>(&data_);
      number != nullptr && *number == std::floor(*number) && std::abs(*number) < 0x1p53) {
    return static_cast<int64_t>(*number);
  }
  wrong_kind(what, "a whole number");
}

double Json::as_number(std::string_view what) const {
  if (const double* number = std::get_if<double>(&data_)) return *number;
  if (const int64_t* number = std::get_if<int64_t>(&data_)) return static_cast<double>(*number);
  if (const uint64_t* number = std::get_if<uint64_t>(&data_)) return static_cast<double>(*number);
  wrong_kind(what, "a number");
}

const std::string& Json::as_string(std::string_view what) const {
  if (const auto* text = std::get_if<std::string>(&data_)) return *text;
  wrong_kind(what, "a string");
}

const JsonArray& Json::as_array(std::string_view what) const {
  if (const auto* values = std::get_if<JsonArray>(&data_)) return *values;
  wrong_kind(what, "an array");
}

const JsonObject& Json::as_object(std::string_view what) const {
  if (const auto* members = std::get_if<JsonObject>(&data_)) return *members;
  wrong_kind(what, "an object");
}

const Json* Json::find(std::string_view key) const noexcept {
  const auto* members = std::get_if<JsonObject>(&data_);
  if (members == nullptr) return nullptr;
  for (auto member = members->rbegin(); member != members->rend(); ++member) {
    if (member->first == key) return &member->second;
  }
  return nullptr;
}

const Json& Json::at(std::string_view key) const {
  if (const Json* value = find(key)) return *value;
  fail_with(ErrorCode::kInvalidArgument, key, ": is missing");
}

Json& Json::set(std::string key, Json value) {
  if (is_null()) data_ = JsonObject{};
  std::get<JsonObject>(data_).emplace_back(std::move(key), std::move(value));
  return *this;
}

Json& Json::push(Json value) {
  if (is_null()) data_ = JsonArray{};
  std::get<JsonArray>(data_).push_back(std::move(value));
  return *this;
}

std::string Json::dump(int indent) const {
  std::string out;
  append_json(out, *this, indent, 0);
  return out;
}

std::string_view Json::kind() const noexcept {
  if (is_null()) return "null";
  if (is_bool()) return "a truth value";
  if (is_number()) return "a number";
  if (is_string()) return "a string";
  return is_array() ? "an array" : "an object";
}

void Json::wrong_kind(std::string_view what, std::string_view expected) const {
  fail_with(ErrorCode::kInvalidArgument, what, ": is ", kind(), ", expected ", expected);
}

std::string json_quoted(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

}  // namespace kinglet::system
