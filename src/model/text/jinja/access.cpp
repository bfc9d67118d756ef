// How the evaluator reaches into values: attributes, items, slices, iteration.
#include <algorithm>

#include "core/base/base.h"
#include "model/text/jinja/evaluator.h"
#include "model/text/jinja/letters.h"
#include "model/text/jinja/operation.h"
#include "model/text/jinja/operators.h"
#include "model/text/jinja/printing.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

// Characters of a text, each as a text of its own.
List characters(Meter& meter, const std::string& text) {
  // A text of its own takes a value and a string with its count of owners.
  constexpr size_t kCharacterBytes = sizeof(Value) + sizeof(std::string) + 16;
  meter.look(text.size());
  const size_t n = length(text);
  meter.make(n * kCharacterBytes);
  List result;
  result.reserve(n);
  for (size_t i = 0; i < text.size();) {
    const uint32_t size = code_point_at(text, i).length;
    result.emplace_back(text.substr(i, size));
    i += size;
  }
  return result;
}

// An index as Python counts, from the end where it is negative. Nullopt outside of [0, n).
std::optional<size_t> index_of(int64_t index, size_t n) {
  const auto count = static_cast<int64_t>(n);
  if (index < 0) index += count;
  return index >= 0 && index < count ? std::optional(static_cast<size_t>(index)) : std::nullopt;
}

}  // namespace

Value Evaluator::missing(const Value& object, std::string_view name) {
  std::string hint = str("'", object.type_name(), " object' has no attribute '", name.substr(0, 100), "'");
  meter_.make(hint.size());
  return Value::undefined(std::move(hint));
}

Value Evaluator::attribute(const Value& value, std::string_view name) {
  if (value.is_undefined()) refuse(value.hint());
  if (value.is(Kind::kLoop)) return loop_attribute(value.loop(), name);
  if (auto method = find_method(*this, value, name)) return *method;
  if (value.is_mapping() || value.is(Kind::kNamespace)) {
    if (const Value* member = value.members().find(name)) return *member;
  }
  // groupby's pairs have names.
  if (value.is(Kind::kTuple) && value.label() == kGroupLabel) {
    if (name == "grouper") return value.items()[0];
    if (name == "list") return value.items()[1];
  }
  return missing(value, name);
}

Value Evaluator::item(const Value& value, const Value& key) {
  if (value.is_undefined()) refuse(value.hint());
  if (value.is_mapping()) {
    if (const Value* member = value.members().find(key)) return *member;
  } else if (value.is_indexed() && key.is_integral()) {
    if (const auto i = index_of(key.integer(), value.items().size())) return value.items()[*i];
  } else if (value.is_string() && key.is_integral()) {
    meter_.look(value.string().size());
    if (const auto i = index_of(key.integer(), length(value.string()))) {
      const size_t at = offset_of(value.string(), *i);
      std::string character = value.string().substr(at, code_point_at(value.string(), at).length);
      return text(std::move(character), value.is_markup());
    }
  }
  if (key.is_string()) return attribute(value, key.string());
  return missing(value, key.is_integral() ? str(key.integer()) : std::string(key.type_name()));
}

SliceRange slice_range(Evaluator& evaluator, int64_t length, const Value& begin, const Value& end, const Value& step) {
  const auto bound = [&](const Value& value, int64_t standard) {
    if (value.is_none()) return standard;
    if (!value.is_integral()) evaluator.refuse("slice indices must be integers or None");
    return value.integer();
  };
  const int64_t stride = std::max(bound(step, 1), -INT64_MAX);
  if (stride == 0) evaluator.refuse("slice step cannot be zero");
  // Bounds are places in [low, high], counted from the end where they are negative.
  const int64_t low = stride > 0 ? 0 : -1;
  const int64_t high = stride > 0 ? length : length - 1;
  const auto place = [&](const Value& value, int64_t standard) {
    const int64_t given = bound(value, standard);
    if (value.is_none()) return standard;
    return std::clamp(given < 0 ? std::max(given, -length - 1) + length : given, low, high);
  };
  const int64_t from = place(begin, stride > 0 ? 0 : length - 1);
  const int64_t to = place(end, stride > 0 ? length : -1);
  const int64_t distance = stride > 0 ? to - from : from - to;
  const int64_t pace = stride > 0 ? stride : -stride;
  return {from, stride, distance > 0 ? static_cast<size_t>((distance - 1) / pace + 1) : 0};
}

Value Evaluator::slice(const Value& value, const Value& begin, const Value& end, const Value& step) {
  if (value.is_undefined()) refuse(value.hint());
  if (value.is_indexed()) {
    const List& items = value.items();
    const SliceRange range = slice_range(*this, std::ssize(items), begin, end, step);
    List taken;
    taken.reserve(range.count);
    int64_t at = range.begin;
    for (size_t i = 0; i < range.count; ++i, at += range.step) taken.push_back(items[static_cast<size_t>(at)]);
    return list(std::move(taken), value.is(Kind::kTuple) ? Kind::kTuple : Kind::kList);
  }
  if (!value.is_string()) refuse(str("'", value.type_name(), "' object is not subscriptable"));
  const std::string& from = value.string();
  meter_.look(from.size());
  const SliceRange range = slice_range(*this, static_cast<int64_t>(length(from)), begin, end, step);
  if (range.count == 0) return text("", value.is_markup());
  if (range.step == 1) {
    const size_t first = offset_of(from, static_cast<size_t>(range.begin));
    const size_t size = offset_of(std::string_view(from).substr(first), range.count);
    return text(from.substr(first, size), value.is_markup());
  }
  std::vector<size_t> offsets;
  meter_.make(from.size() * sizeof(size_t));
  offsets.reserve(from.size());
  for (size_t i = 0; i < from.size(); i += code_point_at(from, i).length) offsets.push_back(i);
  std::string taken;
  int64_t at = range.begin;
  for (size_t i = 0; i < range.count; ++i, at += range.step) {
    const size_t offset = offsets[static_cast<size_t>(at)];
    taken.append(from, offset, code_point_at(from, offset).length);
  }
  return text(std::move(taken), value.is_markup());
}

Items Evaluator::iterate(const Value& value) {
  if (value.is_sequence()) {
    meter_.look_at_values(value.items().size());
    return value.read();
  }
  List items;
  if (value.is_string()) {
    items = characters(meter_, value.string());
  } else if (value.is_mapping()) {
    meter_.make(value.members().size() * sizeof(Value));
    for (const auto& [key, member] : value.members().members()) items.push_back(key);
  } else if (!value.is_undefined()) {
    refuse(str("'", value.type_name(), "' object is not iterable"));
  }
  return Items(std::move(items));
}

}  // namespace kinglet::text::jinja
