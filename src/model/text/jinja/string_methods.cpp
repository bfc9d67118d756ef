// Methods of Python's str; those that cut it into pieces are in string_pieces.cpp.
#include <algorithm>
#include <array>

#include "core/base/base.h"
#include "model/text/jinja/formatting.h"
#include "model/text/jinja/letters.h"
#include "model/text/jinja/operation.h"
#include "model/text/jinja/operators.h"
#include "model/text/jinja/string_pieces.h"
#include "model/text/unicode.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

// What a method of a text gives is a text of the same kind: methods of markup give markup.
Value result(const Call& call, std::string text) {
  return call.evaluator.text(std::move(text), call.input.is_markup());
}

const std::string& input(const Call& call) { return call.input.string(); }

// ---- searching ----

// text[begin:end] by the arguments from i on, as bytes: where it begins, and what it is.
struct Stretch {
  size_t offset;
  std::string_view text;
  bool exists;  ///< No: it would begin behind the end of the text, where not even an empty text is found.
};
Stretch stretch(const Call& call, size_t i) {
  const std::string_view text = input(call);
  if (!call.has(i) && !call.has(i + 1)) return {0, text, true};
  const auto n = static_cast<int64_t>(length(text));
  const Value begin = call.has(i) ? *call[i] : Value(nullptr);
  const SliceRange range =
      slice_range(call.evaluator, n, begin, call.has(i + 1) ? *call[i + 1] : Value(nullptr), nullptr);
  const size_t offset = offset_of(text, static_cast<size_t>(range.begin));
  const size_t size = offset_of(text.substr(offset), range.count);
  return {offset, text.substr(offset, size), !begin.is_integral() || begin.integer() <= n};
}

// The place of argument 0, in characters; -1 where there is none.
template <bool kLast>
int64_t place(const Call& call) {
  const std::string& part = call.string(0);
  const Stretch where = stretch(call, 1);
  charge_search(call.evaluator.meter(), where.text.size(), part.size());
  const size_t at = !where.exists ? std::string_view::npos : kLast ? where.text.rfind(part) : where.text.find(part);
  if (at == std::string_view::npos) return -1;
  return static_cast<int64_t>(length(std::string_view(input(call)).substr(0, where.offset + at)));
}

template <bool kLast>
Value find(const Call& call) {
  return place<kLast>(call);
}

template <bool kLast>
Value index(const Call& call) {
  const int64_t at = place<kLast>(call);
  if (at < 0) call.evaluator.refuse("substring not found");
  return at;
}

Value count(const Call& call) {
  const std::string& part = call.string(0);
  const Stretch where = stretch(call, 1);
  if (!where.exists) return int64_t{0};
  if (part.empty()) return static_cast<int64_t>(length(where.text) + 1);
  charge_search(call.evaluator.meter(), where.text.size(), part.size());
  int64_t n = 0;
  for (size_t at = 0; (at = where.text.find(part, at)) != std::string_view::npos; at += part.size()) ++n;
  return n;
}

// A text, or a tuple of which one has to fit.
template <bool kStart>
Value begins_or_ends(const Call& call) {
  const Value& affix = call.need(0);
  const Stretch where = stretch(call, 1);
  const auto fits = [&](const Value& option) {
    if (!option.is_string())
      call.evaluator.refuse(str("startswith and endswith want str or a tuple of str, not ", option.type_name()));
    return where.exists && (kStart ? where.text.starts_with(option.string()) : where.text.ends_with(option.string()));
  };
  if (!affix.is(Value::Kind::kTuple)) return fits(affix);
  call.evaluator.meter().look_at_values(affix.items().size());
  return std::ranges::any_of(affix.items(), fits);
}

// ---- changing ----

template <bool kLeft, bool kRight>
Value strip(const Call& call) {
  if (!call.has(0)) return result(call, std::string(stripped(input(call), "", kLeft, kRight)));
  const std::string& set = call.string(0);
  call.evaluator.meter().look(input(call).size() * (1 + set.size() / 16));
  return result(call,
                std::string(set.empty() ? std::string_view(input(call)) : stripped(input(call), set, kLeft, kRight)));
}

Value replace(const Call& call) {
  const std::string& from = call.string(0);
  const bool escapes = call.input.is_markup() && !call.need(1).is_markup();
  const std::string to = escapes ? escaped(call.string(1)) : call.string(1);
  int64_t left = call.integer(2, -1);
  const std::string_view text = input(call);
  charge_search(call.evaluator.meter(), text.size(), from.size());
  std::string out;
  size_t begin = 0;
  for (; left != 0; left -= left > 0 ? 1 : 0) {
    const size_t at = text.find(from, begin);
    if (at == std::string_view::npos) break;
    call.evaluator.meter().make(to.size() + 1);
    out.append(text.substr(begin, at - begin)).append(to);
    begin = at + from.size();
    if (!from.empty()) continue;
    // Between all characters, before the first and behind the last.
    if (at >= text.size()) break;
    const uint32_t n = code_point_at(text, at).length;
    out.append(text.substr(at, n));
    begin = at + n;
  }
  out.append(text.substr(begin));
  return result(call, std::move(out));
}

Value join(const Call& call) {
  std::string out;
  bool is_first = true;
  for (const Value& part : call.evaluator.iterate(call.need(0))) {
    if (!part.is_string()) call.evaluator.refuse(str("join(): expected str instance, ", part.type_name(), " found"));
    call.evaluator.meter().make(kEscapedGrowth * part.string().size() + input(call).size());
    if (!std::exchange(is_first, false)) out += input(call);
    out += call.input.is_markup() && !part.is_markup() ? escaped(part.string()) : part.string();
  }
  return result(call, std::move(out));
}

Value format(const Call& call) { return format_braces(call.evaluator, call.input, call.arguments); }

template <std::string (*change)(std::string_view)>
Value changed(const Call& call) {
  return result(call, change(input(call)));
}

template <bool kPrefix>
Value remove_affix(const Call& call) {
  std::string_view text = input(call);
  const std::string& affix = call.string(0);
  if (kPrefix ? text.starts_with(affix) : text.ends_with(affix))
    text = kPrefix ? text.substr(affix.size()) : text.substr(0, text.size() - affix.size());
  return result(call, std::string(text));
}

// Filled to a width, text at the left, the right or the middle of it.
enum class Side : uint8_t { kLeft, kRight, kMiddle };
template <Side kSide>
Value justify(const Call& call) {
  const int64_t width = call.integer(0, 0);
  static_cast<void>(call.need(0));
  const std::string fill = call.text(1, " ");
  if (length(fill) != 1) call.evaluator.refuse("The fill character must be exactly one character long");
  const auto n = static_cast<int64_t>(length(input(call)));
  if (width <= n) return call.input;
  const auto missing = static_cast<size_t>(width - n);
  call.evaluator.meter().make(missing > SIZE_MAX / 4 ? SIZE_MAX : missing * fill.size());
  // Python's center: where the halves differ, the larger one is left if the width is odd.
  const size_t half = missing / 2 + (missing & static_cast<size_t>(width) & 1U);
  const size_t left = kSide == Side::kLeft ? 0 : kSide == Side::kRight ? missing : half;
  std::string out;
  for (size_t i = 0; i < left; ++i) out += fill;
  out += input(call);
  for (size_t i = left; i < missing; ++i) out += fill;
  return result(call, std::move(out));
}

Value zfill(const Call& call) {
  const std::string_view text = input(call);
  const int64_t width = call.integer(0, 0);
  const auto n = static_cast<int64_t>(length(text));
  if (width <= n) return call.input;
  call.evaluator.meter().make(static_cast<size_t>(width - n));
  const size_t sign = text.starts_with('+') || text.starts_with('-') ? 1 : 0;
  return result(call, str(text.substr(0, sign), std::string(static_cast<size_t>(width - n), '0'), text.substr(sign)));
}

// ---- asking ----

// Whether there are characters, all of which pass.
template <class Test>
bool all_of(std::string_view text, const Test& test) {
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    if (!test(point.value)) return false;
    i += point.length;
  }
  return !text.empty();
}

template <uint8_t kClasses>
Value are_all(const Call& call) {
  return all_of(input(call), [](uint32_t c) { return (char_class(c) & kClasses) != 0; });
}
template <bool (*test)(uint32_t) noexcept>
Value all_pass(const Call& call) {
  return all_of(input(call), test);
}
template <bool (*test)(std::string_view)>
Value passes(const Call& call) {
  return test(input(call));
}

Value is_ascii(const Call& call) {
  return std::ranges::all_of(input(call), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

constexpr std::array kStringMethods = {
    Operation{"capitalize", changed<capitalized>},
    Operation{"center", justify<Side::kMiddle>, {"width", "fillchar"}},
    Operation{"count", count, {"sub", "start", "end"}},
    Operation{"endswith", begins_or_ends<false>, {"suffix", "start", "end"}},
    Operation{"find", find<false>, {"sub", "start", "end"}},
    Operation{.name = "format", .run = format, .is_open = true},
    Operation{"index", index<false>, {"sub", "start", "end"}},
    Operation{"isalnum", are_all<CharClass::kLetter | CharClass::kNumber>},
    Operation{"isalpha", are_all<CharClass::kLetter>},
    Operation{"isascii", is_ascii},
    Operation{"isdecimal", all_pass<is_decimal>},
    Operation{"isdigit", all_pass<is_digit>},
    Operation{"islower", passes<is_lower>},
    Operation{"isnumeric", are_all<CharClass::kNumber>},
    Operation{"isspace", all_pass<is_blank>},
    Operation{"istitle", passes<is_titled>},
    Operation{"isupper", passes<is_upper>},
    Operation{"join", join, {"iterable"}},
    Operation{"ljust", justify<Side::kLeft>, {"width", "fillchar"}},
    Operation{"lower", changed<lower>},
    Operation{"lstrip", strip<true, false>, {"chars"}},
    Operation{"partition", partition, {"sep"}},
    Operation{"removeprefix", remove_affix<true>, {"prefix"}},
    Operation{"removesuffix", remove_affix<false>, {"suffix"}},
    Operation{"replace", replace, {"old", "new", "count"}},
    Operation{"rfind", find<true>, {"sub", "start", "end"}},
    Operation{"rindex", index<true>, {"sub", "start", "end"}},
    Operation{"rjust", justify<Side::kRight>, {"width", "fillchar"}},
    Operation{"rpartition", rpartition, {"sep"}},
    Operation{"rsplit", rsplit, {"sep", "maxsplit"}},
    Operation{"rstrip", strip<false, true>, {"chars"}},
    Operation{"split", split, {"sep", "maxsplit"}},
    Operation{"splitlines", splitlines, {"keepends"}},
    Operation{"startswith", begins_or_ends<true>, {"prefix", "start", "end"}},
    Operation{"strip", strip<true, true>, {"chars"}},
    Operation{"swapcase", changed<swapped_case>},
    Operation{"title", changed<titled>},
    Operation{"upper", changed<upper>},
    Operation{"zfill", zfill, {"width"}},
};
static_assert(is_sorted_by_name(kStringMethods));

}  // namespace

const Operation* find_string_method(std::string_view name) { return find_operation(kStringMethods, name); }

}  // namespace kinglet::text::jinja
