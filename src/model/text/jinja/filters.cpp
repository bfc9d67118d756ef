// What may stand behind '|': filters of any value here; those of sequences, texts and numbers are in files of their
// own.
#include <array>

#include "core/base/base.h"
#include "model/text/jinja/json.h"
#include "model/text/jinja/operation.h"
#include "model/text/jinja/printing.h"

namespace kinglet::text::jinja {
namespace {

// An attribute, never an item.
Value attr(const Call& call) {
  const std::string name = call.text(0);
  static_cast<void>(call.need(0));
  if (call.input.is_mapping()) {
    if (auto method = find_method(call.evaluator, call.input, name)) return *method;
    return call.evaluator.missing(call.input, name);
  }
  return call.evaluator.attribute(call.input, name);
}

Value default_of(const Call& call) {
  const bool for_falsy = call.truth(1, false);
  if (!call.input.is_undefined() && (!for_falsy || call.input.truth())) return call.input;
  return call[0] == nullptr ? Value("") : *call[0];
}

// Not in Jinja, but templates of models are written for programs that have it.
Value read_json(const Call& call) {
  call.evaluator.meter().make(16 * call.input_text().string().size());
  return from_json(
      system::Json::parse(call.input_text().string(), "from_json", {.max_depth = Evaluator::kMaxValueDepth / 2}));
}

// As Hugging Face's programs define it: json.dumps without escapes of HTML.
Value tojson(const Call& call) {
  JsonStyle style;
  style.ascii = call.truth(0, false);
  style.sort_keys = call.truth(3, false);
  if (call.has(1)) {
    style.is_indented = true;
    style.item_separator.assign(1, ',');
    if (call[1]->is_string()) {
      style.indent = call[1]->string();
    } else {
      const auto width = static_cast<size_t>(std::max<int64_t>(0, call.integer(1, 0)));
      call.evaluator.meter().make(width);
      style.indent = std::string(width, ' ');
    }
  }
  if (call.has(2)) {
    const Items separators = call.evaluator.iterate(*call[2]);
    if (separators.size() != 2 || !separators[0].is_string() || !separators[1].is_string()) {
      call.evaluator.refuse("tojson: separators must be two texts");
    }
    style.item_separator = separators[0].string();
    style.key_separator = separators[1].string();
  }
  return to_json(call.evaluator.meter(), call.input, style);
}

constexpr std::array kFilters = {
    Operation{"attr", attr, {"name"}},
    Operation{"d", default_of, {"default_value", "boolean"}},
    Operation{"default", default_of, {"default_value", "boolean"}},
    Operation{"from_json", read_json},
    Operation{"tojson", tojson, {"ensure_ascii", "indent", "separators", "sort_keys"}},
};
static_assert(is_sorted_by_name(kFilters));

}  // namespace

const Operation* find_filter(std::string_view name) {
  const Operation* found = find_operation(kFilters, name);
  if (found == nullptr) found = find_list_filter(name);
  if (found == nullptr) found = find_text_filter(name);
  return found == nullptr ? find_number_filter(name) : found;
}

}  // namespace kinglet::text::jinja
