// Filters of sequences and dicts.
#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/base.h"
#include "model/text/jinja/letters.h"
#include "model/text/jinja/operation.h"
#include "model/text/jinja/operators.h"
#include "model/text/jinja/printing.h"
#include "model/text/sorting.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

// What a filter's `attribute` says: "a.b.0" is an item of an item of an item; numbers are indices. Empty: the value
// itself.
class Path {
 public:
  Path(const Call& call, const Value* attribute) : call_(call) {
    if (attribute == nullptr || attribute->is_none()) return;
    if (!attribute->is_string()) {
      keys_.push_back(*attribute);
      return;
    }
    std::string_view rest = attribute->string();
    for (bool more = true; more;) {
      const size_t dot = rest.find('.');
      const std::string_view part = rest.substr(0, dot);
      int64_t index = 0;
      const auto [end, status] = std::from_chars(part.data(), part.data() + part.size(), index);
      const bool is_index = status == std::errc() && end == part.data() + part.size() && index >= 0;
      keys_.push_back(is_index ? Value(index) : Value(part));
      more = dot != std::string_view::npos;
      rest.remove_prefix(more ? dot + 1 : rest.size());
    }
  }

  [[nodiscard]] Value of(const Value& value, const Value* standard = nullptr) const {
    Value found = value;
    for (const Value& key : keys_) {
      call_.evaluator.meter().step();
      found = call_.evaluator.item(found, key);
      if (found.is_undefined() && standard != nullptr) found = *standard;
    }
    return found;
  }

 private:
  const Call& call_;
  List keys_;
};

std::string text_of(const Call& call, const Value& value) { return as_text(call.evaluator.meter(), value).string(); }

Value generator(const Call& call, List values) { return call.evaluator.list(std::move(values), Kind::kGenerator); }

// Sorting and its kin look at text without regard to case unless asked.
Value comparable(const Call& call, Value value, bool case_sensitive) {
  return value.is_string() && !case_sensitive ? call.evaluator.text(lower(value.string())) : std::move(value);
}

struct Keyed {
  Value key;
  Value value;
};

// Values with what they are compared by, sorted. `attribute`: paths with commas between them, or null.
std::vector<Keyed> sorted(const Call& call, const Items& values, const Value* attribute, bool case_sensitive,
                          bool reverse) {
  std::vector<Path> paths;
  const bool has_several =
      attribute != nullptr && attribute->is_string() && attribute->string().find(',') != std::string::npos;
  if (has_several) {
    for (std::string_view rest = attribute->string(); !rest.empty();) {
      const std::string_view part = rest.substr(0, rest.find(','));
      const Value path(part);
      paths.emplace_back(call, &path);
      rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    }
  } else {
    paths.emplace_back(call, attribute);
  }
  std::vector<Keyed> keyed;
  call.evaluator.meter().make(values.size() * sizeof(Keyed));
  keyed.reserve(values.size());
  for (const Value& value : values) {
    List keys;
    for (const Path& path : paths) keys.push_back(comparable(call, path.of(value), case_sensitive));
    keyed.push_back({has_several ? call.evaluator.list(std::move(keys)) : keys[0], value});
  }
  merge_sort(keyed, [&](const Keyed& a, const Keyed& b) {
    return reverse ? compare(call.evaluator, Operator::kLess, b.key, a.key)
                   : compare(call.evaluator, Operator::kLess, a.key, b.key);
  });
  return keyed;
}

Value values_of(const Call& call, std::vector<Keyed> keyed) {
  List values;
  for (Keyed& each : keyed) values.push_back(std::move(each.value));
  return call.evaluator.list(std::move(values));
}

Value sort(const Call& call) {
  return values_of(
      call, sorted(call, call.evaluator.iterate(call.input), call[2], call.truth(1, false), call.truth(0, false)));
}

Value dictsort(const Call& call) {
  if (!call.input.is_mapping()) call.evaluator.refuse(str("dictsort wants a dict, not ", call.input.type_name()));
  const std::string by = call.text(1, "key");
  if (by != "key" && by != "value") call.evaluator.refuse("You can only sort by either \"key\" or \"value\"");
  List pairs;
  for (const auto& [key, value] : call.input.members().members())
    pairs.push_back(call.evaluator.list({key, value}, Kind::kTuple));
  const Value index(int64_t{by == "value"});
  return values_of(call, sorted(call, Items(std::move(pairs)), &index, call.truth(0, false), call.truth(2, false)));
}

Value groupby(const Call& call) {
  const Value* standard = call.has(1) ? call[1] : nullptr;
  const bool case_sensitive = call.truth(2, false);
  const Path path(call, &call.need(0));
  const auto key_of = [&](const Value& value) { return path.of(value, standard); };
  const Items values = call.evaluator.iterate(call.input);
  std::vector<Keyed> keyed;
  call.evaluator.meter().make(values.size() * sizeof(Keyed));
  keyed.reserve(values.size());
  for (const Value& value : values) keyed.push_back({comparable(call, key_of(value), case_sensitive), value});
  merge_sort(keyed,
             [&](const Keyed& a, const Keyed& b) { return compare(call.evaluator, Operator::kLess, a.key, b.key); });
  List groups;
  for (size_t i = 0; i < keyed.size();) {
    List members;
    const size_t first = i;
    for (; i < keyed.size() && equal(call.evaluator.meter(), keyed[first].key, keyed[i].key); ++i)
      members.push_back(keyed[i].value);
    Value name = key_of(keyed[first].value);
    groups.push_back(call.evaluator.list({std::move(name), call.evaluator.list(std::move(members))}, Kind::kTuple,
                                         std::string(kGroupLabel)));
  }
  return call.evaluator.list(std::move(groups));
}

template <bool kMax>
Value extreme(const Call& call) {
  const Items values = call.evaluator.iterate(call.input);
  if (values.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  const Path path(call, call[1]);
  const auto key_of = [&](const Value& value) { return comparable(call, path.of(value), call.truth(0, false)); };
  Value best = values[0];
  Value best_key = key_of(best);
  for (size_t i = 1; i < values.size(); ++i) {
    Value key = key_of(values[i]);
    if (!compare(call.evaluator, kMax ? Operator::kGreater : Operator::kLess, key, best_key)) continue;
    best = values[i];
    best_key = std::move(key);
  }
  return best;
}

Value unique(const Call& call) {
  const Path path(call, call[1]);
  Dict seen;
  List result;
  for (const Value& value : call.evaluator.iterate(call.input)) {
    Value key = comparable(call, path.of(value), call.truth(0, false));
    if (!Dict::may_be_key(key)) call.evaluator.refuse(str("unhashable type: '", key.type_name(), "'"));
    call.evaluator.meter().make(2 * sizeof(Dict::Member));
    if (seen.find(key) != nullptr) continue;
    seen.set(std::move(key), nullptr);
    result.push_back(value);
  }
  return generator(call, std::move(result));
}

Value length_of(const Call& call) {
  const Value& value = call.input;
  if (value.is_undefined()) return int64_t{0};
  if (value.is_string()) return static_cast<int64_t>(length(value.string()));
  if (value.is_mapping()) return static_cast<int64_t>(value.members().size());
  if (value.is_sequence() && !value.is(Kind::kGenerator)) return static_cast<int64_t>(value.items().size());
  call.evaluator.refuse(str("object of type '", value.type_name(), "' has no len()"));
}

Value first(const Call& call) {
  const Items values = call.evaluator.iterate(call.input);
  return values.empty() ? Value::undefined("No first item, sequence was empty.") : values[0];
}

Value last(const Call& call) {
  if (call.input.is(Kind::kGenerator)) call.evaluator.refuse("'generator' object is not reversible");
  const Items values = call.evaluator.iterate(call.input);
  return values.empty() ? Value::undefined("No last item, sequence was empty.") : values[values.size() - 1];
}

Value list(const Call& call) {
  const Items values = call.evaluator.iterate(call.input);
  call.evaluator.meter().make(values.size() * sizeof(Value));
  return call.evaluator.list(List(values.begin(), values.end()));
}

Value reverse(const Call& call) {
  if (call.input.is_string()) return call.evaluator.slice(call.input, nullptr, nullptr, int64_t{-1});
  const Items values = call.evaluator.iterate(call.input);
  call.evaluator.meter().make(values.size() * sizeof(Value));
  List reversed(std::reverse_iterator(values.end()), std::reverse_iterator(values.begin()));
  // As in Python, what can only be read once becomes a list.
  return call.input.is(Kind::kGenerator) ? call.evaluator.list(std::move(reversed))
                                         : generator(call, std::move(reversed));
}

Value items(const Call& call) {
  if (call.input.is_undefined()) return generator(call, {});
  if (!call.input.is_mapping()) call.evaluator.refuse("Can only get item pairs from a mapping.");
  List pairs;
  for (const auto& [key, value] : call.input.members().members())
    pairs.push_back(call.evaluator.list({key, value}, Kind::kTuple));
  return generator(call, std::move(pairs));
}

// select and its kin: kAttribute looks at an attribute (the first argument), kKeeps says what stays.
template <bool kAttribute, bool kKeeps>
Value select(const Call& call) {
  const List& given = call.arguments.positional;
  const size_t test = kAttribute ? 1 : 0;
  if (given.size() < test) call.evaluator.refuse("Missing parameter for attribute name");
  const Path path(call, kAttribute ? &given[0] : nullptr);
  Arguments of_test;
  call.evaluator.meter().make(given.size() * sizeof(Value));
  of_test.named = call.arguments.named;
  for (size_t i = test + 1; i < given.size(); ++i) of_test.positional.push_back(given[i]);
  List chosen;
  // What is empty or none has nothing to choose from.
  if (!call.input.truth()) return generator(call, {});
  for (const Value& value : call.evaluator.iterate(call.input)) {
    const Value looked_at = path.of(value);
    const bool passes = given.size() > test ? call.evaluator.apply_test(text_of(call, given[test]), looked_at, of_test)
                                            : looked_at.truth();
    if (passes == kKeeps) chosen.push_back(value);
  }
  return generator(call, std::move(chosen));
}

Value map(const Call& call) {
  const List& given = call.arguments.positional;
  call.evaluator.meter().make(given.size() * sizeof(Value));
  Arguments rest;
  const Value* attribute = nullptr;
  const Value* standard = nullptr;
  for (const auto& [name, value] : call.arguments.named) {
    if (given.empty() && name == "attribute") {
      attribute = &value;
    } else if (given.empty() && name == "default") {
      standard = value.is_none() ? nullptr : &value;
    } else if (given.empty()) {
      call.evaluator.refuse(str("Unexpected keyword argument '", name.substr(0, 100), "'"));
    } else {
      rest.named.emplace_back(name, value);
    }
  }
  if (given.empty() && attribute == nullptr) call.evaluator.refuse("map requires a filter argument");
  for (size_t i = 1; i < given.size(); ++i) rest.positional.push_back(given[i]);
  if (!call.input.truth()) return generator(call, {});
  const Path path(call, attribute);
  List mapped;
  for (const Value& value : call.evaluator.iterate(call.input)) {
    mapped.push_back(given.empty() ? path.of(value, standard)
                                   : call.evaluator.apply_filter(text_of(call, given[0]), value, rest));
  }
  return generator(call, std::move(mapped));
}

Value sum(const Call& call) {
  const Path path(call, call[0]);
  Value total = call[1] == nullptr ? Value(int64_t{0}) : *call[1];
  for (const Value& value : call.evaluator.iterate(call.input))
    total = binary(call.evaluator, Operator::kAdd, total, path.of(value));
  return total;
}

size_t positive(const Call& call, size_t i) {
  static_cast<void>(call.need(i));
  const int64_t n = call.integer(i, 0);
  if (n < 1) call.evaluator.refuse("batch and slice want a positive number");
  return static_cast<size_t>(n);
}

// Batches of so many.
Value batch(const Call& call) {
  const size_t size = positive(call, 0);
  const Items values = call.evaluator.iterate(call.input);
  List batches;
  for (size_t begin = 0; begin < values.size(); begin += size) {
    const size_t n = std::min(size, values.size() - begin);
    const auto from = values.begin() + static_cast<std::ptrdiff_t>(begin);
    List piece(from, from + static_cast<std::ptrdiff_t>(n));
    if (call.has(1) && n < size) {
      call.evaluator.meter().make(size > SIZE_MAX / sizeof(Value) ? SIZE_MAX : size * sizeof(Value));
      piece.resize(size, *call[1]);
    }
    batches.push_back(call.evaluator.list(std::move(piece)));
    if (size > values.size()) break;  // begin + size could pass the largest number
  }
  return generator(call, std::move(batches));
}

// So many columns.
Value slice(const Call& call) {
  const size_t n = positive(call, 0);
  const Items values = call.evaluator.iterate(call.input);
  call.evaluator.meter().make(n > SIZE_MAX / sizeof(Sequence) ? SIZE_MAX : n * sizeof(Sequence));
  const size_t size = values.size() / n;
  const size_t n_larger = values.size() % n;
  List columns;
  auto from = values.begin();
  for (size_t i = 0; i < n; ++i) {
    const auto to = from + static_cast<std::ptrdiff_t>(size + (i < n_larger ? 1 : 0));
    List column(from, to);
    if (call.has(1) && i >= n_larger) column.push_back(*call[1]);
    columns.push_back(call.evaluator.list(std::move(column)));
    from = to;
  }
  return generator(call, std::move(columns));
}

constexpr std::array kListFilters = {
    Operation{"batch", batch, {"linecount", "fill_with"}},
    Operation{"count", length_of},
    Operation{"dictsort", dictsort, {"case_sensitive", "by", "reverse"}},
    Operation{"first", first},
    Operation{"groupby", groupby, {"attribute", "default", "case_sensitive"}},
    Operation{"items", items},
    Operation{"last", last},
    Operation{"length", length_of},
    Operation{"list", list},
    Operation{.name = "map", .run = map, .is_open = true},
    Operation{"max", extreme<true>, {"case_sensitive", "attribute"}},
    Operation{"min", extreme<false>, {"case_sensitive", "attribute"}},
    Operation{.name = "reject", .run = select<false, false>, .is_open = true},
    Operation{.name = "rejectattr", .run = select<true, false>, .is_open = true},
    Operation{"reverse", reverse},
    Operation{.name = "select", .run = select<false, true>, .is_open = true},
    Operation{.name = "selectattr", .run = select<true, true>, .is_open = true},
    Operation{"slice", slice, {"slices", "fill_with"}},
    Operation{"sort", sort, {"reverse", "case_sensitive", "attribute"}},
    Operation{"sum", sum, {"attribute", "start"}},
    Operation{"unique", unique, {"case_sensitive", "attribute"}},
};
static_assert(is_sorted_by_name(kListFilters));

}  // namespace

const Operation* find_list_filter(std::string_view name) { return find_operation(kListFilters, name); }

}  // namespace kinglet::text::jinja
