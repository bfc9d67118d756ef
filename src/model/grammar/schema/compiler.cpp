#include "model/grammar/schema/compiler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <map>

#include "core/base/base.h"
#include "model/grammar/formats.h"
#include "model/grammar/json_rules.h"
#include "model/grammar/numbers.h"
#include "model/grammar/regex.h"
#include "model/grammar/schema/normal_form.h"
#include "model/text/utf8.h"

namespace kinglet::grammar {
namespace {

using system::Json;

// Longer strings with a pattern are cut to this where the pattern itself sets no end: an automaton has a state for each
// count then.
constexpr uint32_t kMaxCountedLength = 256;
constexpr size_t kMaxRules = 50'000;
// Single automata have their own limits; this is one of all of them together.
constexpr std::chrono::seconds kMaxTime{10};
constexpr size_t kMaxSome = 6;
constexpr size_t kMaxUnique = 10;

// The bytes of the longest text, which are no fewer than its characters; SIZE_MAX where there is none.
size_t longest_of(const Dfa& set) {
  if (!set.is_finite()) return SIZE_MAX;
  // Without circles: all that a round enters lies one byte further.
  std::vector<uint32_t> round = {set.start()};
  size_t n = 0;
  for (;; ++n) {
    std::vector<uint32_t> next;
    for (const uint32_t state : round) {
      for (uint32_t byte = 0; byte < 256; ++byte) {
        if (const uint32_t to = set.next(state, static_cast<uint8_t>(byte)); to != Dfa::kDead) next.push_back(to);
      }
      std::sort(next.begin(), next.end());
      next.erase(std::unique(next.begin(), next.end()), next.end());
    }
    if (next.empty()) return n;
    round = std::move(next);
  }
}

class Compiler {
 public:
  Compiler(const Json& schema, const SchemaOptions& options, std::set<std::string>* to_check)
      : document_(schema),
        validator_(document_, options.checks_formats),
        forms_(document_, validator_, options.checks_formats, to_check),
        json_(builder_, options.whitespace) {}

  Program compile() {
    const uint32_t root = rule_of({{&document_.root(), true}});
    while (!open_.empty()) {
      const auto [goal, rule] = open_.back();
      open_.pop_back();
      write(goal, rule);
    }
    try {
      return builder_.build(root);
    } catch (const Error& error) {
      if (error.message() != "grammar: no text matches it") throw;
      fail(ErrorCode::kInvalidArgument, "schema: no value satisfies it");
    }
  }

 private:
  // The rule of the values that satisfy a goal. It is written later.
  uint32_t rule_of(const Goal& raw) {
    const Goal goal = forms_.normal(raw);
    if (goal.empty()) return json_.value();
    const auto [at, is_new] = rules_.emplace(goal, 0);
    if (!is_new) return at->second;
    if (rules_.size() > kMaxRules)
      fail_with(ErrorCode::kInvalidArgument, "schema: more than ", kMaxRules, " rules (limit of a schema)");
    at->second = builder_.add_rule(document_.pointer_of(*goal.front().schema));
    open_.emplace_back(goal, at->second);
    return at->second;
  }

  void check_time() const {
    if (std::chrono::steady_clock::now() - begin_ > kMaxTime)
      fail_with(ErrorCode::kInvalidArgument, "schema: takes more than ", kMaxTime.count(),
                " s to compile (limit of time)");
  }

  void write(const Goal& goal, uint32_t rule) {
    check_time();
    const auto [start, end] = builder_.ends_of(rule);
    std::vector<Case> cases = forms_.cases_of(goal);
    Scalars scalars;
    for (Case& c : cases) {
      if (c.values) {
        for (const Json* value : *c.values) {
          if (forms_.accepts(goal, *value)) add_value(start, end, *value, scalars);
        }
        continue;
      }
      scalars.kinds |= c.kinds & (Kinds::kNull | Kinds::kTrue | Kinds::kFalse);
      if ((c.kinds & Kinds::kNumber) != 0) add_numbers(c, scalars);
      if ((c.kinds & Kinds::kString) != 0) add_strings(c, start, end, scalars);
      if ((c.kinds & Kinds::kArray) != 0) add_arrays(c, start, end);
      if ((c.kinds & Kinds::kObject) != 0) add_objects(c, start, end);
    }
    add_scalars(scalars, start, end);
  }

  // What the cases of a rule say of values that are no arrays or objects.
  struct Scalars {
    uint8_t kinds = 0;
    std::vector<std::string> texts;  // of single values
    std::optional<Dfa> numbers;
    bool all_numbers = false;
    bool all_integers = false;
    std::optional<Dfa> strings;  // between the quotes
    bool all_strings = false;
  };

  void add_scalars(const Scalars& scalars, uint32_t start, uint32_t end) {
    std::vector<std::string> texts = scalars.texts;
    if ((scalars.kinds & Kinds::kNull) != 0) texts.emplace_back("null");
    if ((scalars.kinds & Kinds::kTrue) != 0) texts.emplace_back("true");
    if ((scalars.kinds & Kinds::kFalse) != 0) texts.emplace_back("false");
    if (!texts.empty()) builder_.add_call(start, builder_.add_lexeme(Dfa::of_texts(texts)), end);
    if (scalars.all_numbers) {
      builder_.add_call(start, json_.number(), end);
    } else {
      if (scalars.all_integers) builder_.add_call(start, builder_.add_lexeme(json_integers()), end);
      if (scalars.numbers && !scalars.numbers->is_empty())
        builder_.add_call(start, builder_.add_lexeme(*scalars.numbers), end);
    }
    if (scalars.all_strings) {
      builder_.add_call(start, json_.string(), end);
    } else if (scalars.strings && !scalars.strings->is_empty()) {
      builder_.add_call(start, builder_.add_lexeme(quoted(*scalars.strings)), end);
    }
  }

  static Dfa quoted(const Dfa& contents) {
    Nfa nfa;
    const uint32_t start = nfa.add_state();
    const uint32_t behind = nfa.add_state();
    nfa.add_dfa(nfa.add_text(start, "\""), contents, behind);
    return nfa.determinized(start, nfa.add_text(behind, "\""));
  }

  void add_value(uint32_t start, uint32_t end, const Json& value, Scalars& scalars) {
    if (value.is_array() || value.is_object()) {
      builder_.add_epsilon(add_literal(start, value), end);
    } else {
      scalars.texts.push_back(text_of(value));
    }
  }
  static std::string text_of(const Json& value) {
    if (value.is_number()) return plain_decimal(value);
    return value.is_string() ? str("\"", plain_string_content(value.as_string("value")), "\"") : value.dump();
  }
  // A value as it is, with the white space that may stand in it.
  uint32_t add_literal(uint32_t at, const Json& value) {
    if (value.is_array()) {
      at = json_.add_sign(at, "[");
      bool is_first = true;
      for (const Json& item : value.as_array("value")) {
        if (!is_first) at = json_.add_sign(at, ",");
        is_first = false;
        at = json_.add_space(add_literal(at, item));
      }
      return builder_.add_text(at, "]");
    }
    if (value.is_object()) {
      at = json_.add_sign(at, "{");
      bool is_first = true;
      for (const auto& [name, member] : value.as_object("value")) {
        if (!is_first) at = json_.add_sign(at, ",");
        is_first = false;
        at = json_.add_space(add_literal(add_colon(builder_.add_text(at, text_of(Json(name)))), member));
      }
      return builder_.add_text(at, "}");
    }
    return builder_.add_text(at, text_of(value));
  }
  uint32_t add_colon(uint32_t at) { return json_.add_sign(json_.add_space(at), ":"); }

  void add_numbers(const Case& c, Scalars& scalars) {
    const bool is_plain = !c.range.least && !c.range.most && c.multiples.empty() && c.other_numbers.empty();
    if (is_plain && (c.kinds & Kinds::kNumber) == Kinds::kNumber) {
      scalars.all_numbers = true;
      return;
    }
    if (is_plain && (c.kinds & Kinds::kBroken) == 0) {
      scalars.all_integers = true;
      return;
    }
    Dfa set = c.range.least || c.range.most ? numbers_within(c.range) : decimals();
    if ((c.kinds & Kinds::kBroken) == 0) set = Dfa::intersection(set, integers());
    if ((c.kinds & Kinds::kWhole) == 0) set = Dfa::difference(set, whole_decimals());
    for (const auto& [divisor, is_one] : c.multiples) {
      const Dfa multiples = multiples_of(divisor);
      set = is_one ? Dfa::intersection(set, multiples) : Dfa::difference(set, multiples);
    }
    for (const std::string& other : c.other_numbers) set = Dfa::difference(set, texts_of_number(other));
    // 9.99999999999999999 is below 10 until it is read.
    if (Dfa exact = Dfa::intersection(set, exact_decimals()); !exact.is_empty()) set = std::move(exact);
    scalars.numbers = scalars.numbers ? Dfa::union_of(*scalars.numbers, set) : set;
  }

  void add_strings(const Case& c, uint32_t start, uint32_t end, Scalars& scalars) {
    const bool has_length = c.min_length > 0 || c.max_length != Case::kNoLimit;
    const bool has_format = std::any_of(c.formats.begin(), c.formats.end(), [](const Case::Sign& format) {
      return texts_of_format(format.text, Spelling::kJsonString) != nullptr;
    });
    const bool is_plain = c.patterns.empty() && !has_format && c.other_strings.empty();
    if (is_plain && !has_length) {
      scalars.all_strings = true;
      return;
    }
    if (is_plain) {
      // Any characters between two lengths are counted, not spelled out as states.
      const auto strings = json_strings();
      Lexeme lexeme{strings, strings->next(strings->start(), '"'), c.min_length, c.max_length};
      if (uint64_t{lexeme.last_count()} * strings->size() > UINT32_MAX / 4) {
        fail_with(ErrorCode::kInvalidArgument, "schema: a string of ", lexeme.last_count(),
                  " characters (limit of states)");
      }
      builder_.add_call(start, builder_.add_lexeme(std::move(lexeme)), end);
      return;
    }
    const Dfa set = strings_of(c);
    scalars.strings = scalars.strings ? Dfa::union_of(*scalars.strings, set) : set;
  }

  // Between the quotes.
  Dfa strings_of(const Case& c) const {
    check_time();
    Dfa set = all_texts(Spelling::kJsonString);
    for (const Case::Sign& pattern : c.patterns) {
      const Dfa own = texts_matching(pattern.text, Spelling::kJsonString);
      set = pattern.is_positive ? Dfa::intersection(set, own) : Dfa::difference(set, own);
    }
    for (const Case::Sign& format : c.formats) {
      const Dfa* own = texts_of_format(format.text, Spelling::kJsonString);
      if (own == nullptr) continue;
      set = format.is_positive ? Dfa::intersection(set, *own) : Dfa::difference(set, *own);
    }
    if (!c.other_strings.empty()) {
      std::vector<std::string> texts;
      for (const std::string& other : c.other_strings) texts.push_back(plain_string_content(other));
      set = Dfa::difference(set, Dfa::of_texts(texts));
    }
    if (c.min_length == 0 && (c.max_length == Case::kNoLimit || longest_of(set) <= c.max_length)) return set;
    if (c.min_length > kMaxCountedLength) {
      fail_with(ErrorCode::kInvalidArgument, "schema: minLength ", c.min_length, " beside a pattern, the limit is ",
                kMaxCountedLength);
    }
    const uint32_t most = c.max_length == Case::kNoLimit ? Case::kNoLimit : std::min(c.max_length, kMaxCountedLength);
    return Dfa::intersection(set, texts_of_length(c.min_length, most, Spelling::kJsonString));
  }

  // ---- Arrays: states by how many items there are and how often each `contains` was met. ----------------------------

  void add_arrays(const Case& c, uint32_t start, uint32_t end) {
    size_t n_prefix = 0;
    for (const Case::Items& items : c.items) n_prefix = std::max(n_prefix, items.prefix.size());
    for (const Case::Contains& contains : c.contains) n_prefix = std::max<size_t>(n_prefix, contains.first);
    if (c.unique != nullptr && c.max_items > 1 && add_unique_arrays(c, n_prefix, start, end)) return;

    struct Place {
      uint32_t n;  // items so far; the last number stands for more, where there is no limit
      std::vector<uint32_t> counts;
      auto operator<=>(const Place&) const = default;
    };
    const bool has_limit = c.max_items != Case::kNoLimit;
    const uint32_t last = has_limit ? c.max_items : std::max(static_cast<uint32_t>(n_prefix), c.min_items);
    std::map<Place, uint32_t> before;  // an item stands next
    std::map<Place, uint32_t> behind;  // an item stood last
    std::vector<Place> work;
    const auto state_before = [&](const Place& place) {
      const auto [at, is_new] = before.emplace(place, 0);
      if (is_new) {
        at->second = builder_.add_state();
        work.push_back(place);
      }
      return at->second;
    };
    const auto may_close = [&](const Place& place) {
      for (size_t k = 0; k < c.contains.size(); ++k) {
        if (place.counts[k] < c.contains[k].least) return false;
      }
      return place.n >= c.min_items;
    };
    const auto state_behind = [&](const Place& place) {
      const auto [at, is_new] = behind.emplace(place, 0);
      if (!is_new) return at->second;
      at->second = builder_.add_state();
      const uint32_t state = at->second;
      if (may_close(place)) builder_.add_epsilon(builder_.add_text(state, "]"), end);
      if (!has_limit || place.n < c.max_items) builder_.add_epsilon(json_.add_sign(state, ","), state_before(place));
      return state;
    };
    const uint32_t open = json_.add_sign(start, "[");
    const Place none{0, std::vector<uint32_t>(c.contains.size(), 0)};
    if (may_close(none)) builder_.add_epsilon(builder_.add_text(open, "]"), end);
    if (c.max_items == 0) return;
    builder_.add_epsilon(open, state_before(none));
    while (!work.empty()) {
      const Place place = work.back();
      work.pop_back();
      const uint32_t from = before.at(place);
      const Goal goal = NormalForms::goal_of_item(c, place.n);
      const uint32_t n_next = std::min(place.n + 1, last);
      // Each `contains` is met by this item or, where it has an upper limit, surely not.
      for (uint32_t met = 0; met < (1U << c.contains.size()); ++met) {
        Place next{n_next, place.counts};
        Goal all = goal;
        bool possible = true;
        for (size_t k = 0; k < c.contains.size(); ++k) {
          const Case::Contains& contains = c.contains[k];
          const bool is_met = (met >> k & 1U) != 0;
          const bool counts = place.n >= contains.first;
          const bool has_most = contains.most != Case::kNoLimit;
          if (is_met) {
            possible = possible && counts && (has_most || place.counts[k] < contains.least);
            all = joined(all, contains.goal);
            next.counts[k] = place.counts[k] + 1;
            possible = possible && next.counts[k] <= contains.most;
          } else if (has_most && counts) {
            Goal denied;
            if (contains.goal.size() != 1) fail(ErrorCode::kInternal, "schema: contains of several schemas");
            denied.push_back({contains.goal[0].schema, !contains.goal[0].is_positive});
            all = joined(all, denied);
          }
        }
        if (!possible) continue;
        builder_.add_epsilon(json_.add_space(builder_.add_call(from, rule_of(all))), state_behind(next));
      }
    }
  }

  // Arrays of different values of a short list. False where the items are of another kind.
  bool add_unique_arrays(const Case& c, size_t n_prefix, uint32_t start, uint32_t end) {
    std::vector<std::string> texts;
    const Goal goal = forms_.normal(NormalForms::goal_of_item(c, 0));
    const bool is_listed = n_prefix == 0 && c.contains.empty() && list_scalars(goal, texts);
    if (!is_listed || texts.size() > kMaxUnique) {
      forms_.pass_over(*c.unique, "uniqueItems", "of items that are not of a short list, it");
      return false;
    }
    const size_t n_sets = size_t{1} << texts.size();
    std::vector<uint32_t> behind(n_sets);
    std::vector<uint32_t> before(n_sets);
    const auto may_close = [&](size_t set) { return static_cast<uint32_t>(std::popcount(set)) >= c.min_items; };
    for (size_t set = 0; set < n_sets; ++set) behind[set] = builder_.add_state();
    behind[0] = json_.add_sign(start, "[");
    for (size_t set = 0; set < n_sets; ++set) {
      if (may_close(set)) builder_.add_epsilon(builder_.add_text(behind[set], "]"), end);
      if (static_cast<uint32_t>(std::popcount(set)) >= c.max_items || set + 1 == n_sets) continue;
      before[set] = set == 0 ? behind[0] : json_.add_sign(behind[set], ",");
      for (size_t i = 0; i < texts.size(); ++i) {
        if ((set >> i & 1U) != 0) continue;
        builder_.add_epsilon(json_.add_space(builder_.add_text(before[set], texts[i])), behind[set | size_t{1} << i]);
      }
    }
    return true;
  }

  bool list_scalars(const Goal& goal, std::vector<std::string>& texts) {
    if (goal.empty()) return false;
    for (const Case& c : forms_.cases_of(goal)) {
      if (c.values) {
        for (const Json* value : *c.values) {
          if (value->is_array() || value->is_object()) return false;
          if (forms_.accepts(goal, *value)) texts.push_back(text_of(*value));
        }
        continue;
      }
      if ((c.kinds & ~(Kinds::kNull | Kinds::kTrue | Kinds::kFalse)) != 0) return false;
      if ((c.kinds & Kinds::kNull) != 0) texts.emplace_back("null");
      if ((c.kinds & Kinds::kTrue) != 0) texts.emplace_back("true");
      if ((c.kinds & Kinds::kFalse) != 0) texts.emplace_back("false");
    }
    std::sort(texts.begin(), texts.end());
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
    return true;
  }

  // ---- Objects: named members in the order of the schema, then the others. ------------------------------------------

  // Names of one kind, between their quotes, and what their values must satisfy.
  struct Class {
    Dfa names;
    Goal goal;
    uint32_t some;  // which `some` they may satisfy, as bits
    bool is_any;    // all names that there are
  };

  static std::vector<std::string> ordered_names(const Case& c) {
    std::vector<std::string> names;
    const auto add = [&](const std::string& name) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    };
    for (const Case::Members& members : c.members) {
      for (const auto& [name, goal] : members.names) add(name);
    }
    for (const std::string& name : c.required) add(name);
    for (const std::string& name : c.forbidden) add(name);
    return names;
  }

  // The names that a goal accepts, between their quotes.
  Dfa names_of(const Goal& goal) {
    Dfa all;
    const Goal normal = forms_.normal(goal);
    if (normal.empty()) return all_texts(Spelling::kJsonString);
    for (const Case& c : forms_.cases_of(normal)) {
      if (c.values) {
        std::vector<std::string> texts;
        for (const Json* value : *c.values) {
          if (value->is_string() && forms_.accepts(normal, *value))
            texts.push_back(plain_string_content(value->as_string("name")));
        }
        if (!texts.empty()) all = Dfa::union_of(all, Dfa::of_texts(texts));
      } else if ((c.kinds & Kinds::kString) != 0) {
        all = Dfa::union_of(all, strings_of(c));
      }
    }
    return all;
  }

  static Dfa texts_of(const std::vector<std::string>& names) {
    std::vector<std::string> texts;
    for (const std::string& name : names) texts.push_back(plain_string_content(name));
    return Dfa::of_texts(texts);
  }

  std::vector<Class> classes_of(const Case& c, const std::vector<std::string>& names) {
    struct Part {
      Dfa set;
      std::set<std::string> matched;  // patterns
      uint32_t some = 0;
    };
    const bool is_any = names.empty() && c.names.empty();
    Dfa rest = all_texts(Spelling::kJsonString);
    for (const Goal& goal : c.names) rest = Dfa::intersection(rest, names_of(goal));
    if (!names.empty()) rest = Dfa::difference(rest, texts_of(names));
    std::vector<Part> parts;
    parts.push_back({rest, {}, 0});
    const auto split = [&](const Dfa& set, const auto& mark) {
      check_time();
      std::vector<Part> made;
      for (Part& part : parts) {
        Part inner{Dfa::intersection(part.set, set), part.matched, part.some};
        Part outer{Dfa::difference(part.set, set), part.matched, part.some};
        mark(inner);
        if (!inner.set.is_empty()) made.push_back(std::move(inner));
        if (!outer.set.is_empty()) made.push_back(std::move(outer));
      }
      parts = std::move(made);
      if (parts.size() > 64)
        fail(ErrorCode::kInvalidArgument, "schema: patternProperties split names into more than 64 kinds (limit)");
    };
    std::set<std::string> patterns;
    for (const Case::Members& members : c.members) {
      for (const auto& [pattern, goal] : members.patterns) patterns.insert(pattern);
    }
    for (const std::string& pattern : patterns) {
      split(texts_matching(pattern, Spelling::kJsonString), [&](Part& part) { part.matched.insert(pattern); });
    }
    for (size_t k = 0; k < c.some.size(); ++k) split(domain_of(c.some[k]), [&](Part& part) { part.some |= 1U << k; });

    std::vector<Class> classes;
    for (Part& part : parts) {
      Goal goal;
      for (const Case::Members& members : c.members) {
        bool is_met = false;
        for (const auto& [pattern, inner] : members.patterns) {
          if (!part.matched.contains(pattern)) continue;
          is_met = true;
          goal = joined(goal, inner);
        }
        if (!is_met) goal = joined(goal, members.rest);
      }
      goal = forms_.normal(goal);
      if (goal.size() == 1 && goal[0].schema->is_bool()) continue;
      classes.push_back({std::move(part.set), std::move(goal), part.some, is_any && parts.size() == 1});
    }
    return classes;
  }

  Dfa domain_of(const Case::Some& some) {
    Dfa set = names_of(some.name);
    if (some.pattern) set = Dfa::intersection(set, texts_matching(*some.pattern, Spelling::kJsonString));
    if (!some.other_than.empty()) set = Dfa::difference(set, texts_of(some.other_than));
    for (const std::string& pattern : some.other_patterns)
      set = Dfa::difference(set, texts_matching(pattern, Spelling::kJsonString));
    return set;
  }

  void add_objects(const Case& c, uint32_t start, uint32_t end) {
    if (c.some.size() > kMaxSome) {
      fail_with(ErrorCode::kInvalidArgument, "schema: more than ", kMaxSome,
                " negated members at one place (limit of alternatives)");
    }
    struct Named {
      std::string name;
      Goal goal;
      bool is_required;
      uint32_t some;
    };
    const std::vector<std::string> all_names = ordered_names(c);
    std::vector<Named> named;
    std::vector<Dfa> domains;
    for (const Case::Some& some : c.some) domains.push_back(domain_of(some));
    for (const std::string& name : all_names) {
      const bool is_required = std::find(c.required.begin(), c.required.end(), name) != c.required.end();
      const std::optional<Goal> goal = forms_.goal_of_member(c, name);
      if (!goal && is_required) return;
      if (!goal) continue;
      uint32_t some = 0;
      for (size_t k = 0; k < domains.size(); ++k) {
        if (domains[k].contains(plain_string_content(name))) some |= 1U << k;
      }
      named.push_back({name, *goal, is_required, some});
    }
    const std::vector<Class> classes = classes_of(c, all_names);
    // A free name may be written twice, so of the members beyond those that are required only one is surely another.
    if (c.min_members > c.required.size() + 1 && !classes.empty())
      forms_.pass_over(*c.least_asked, "minProperties", "a least number of members with free names");

    const uint32_t all_some = (1U << c.some.size()) - 1;
    const bool has_limit = c.max_members != Case::kNoLimit;
    const uint32_t last_count = has_limit ? c.max_members : c.min_members;
    struct Place {
      uint32_t i;      // named members before this one are behind us
      uint32_t count;  // members so far, as far as that matters
      uint32_t some;
      auto operator<=>(const Place&) const = default;
    };
    std::map<Place, uint32_t> before;
    std::map<Place, uint32_t> behind;
    std::map<std::tuple<uint32_t, uint32_t, uint32_t>, uint32_t> members;  // the state before a named member
    std::vector<Place> work;
    const auto state_before = [&](const Place& place) {
      const auto [at, is_new] = before.emplace(place, 0);
      if (is_new) {
        at->second = builder_.add_state();
        work.push_back(place);
      }
      return at->second;
    };
    const auto may_close = [&](const Place& place) {
      for (size_t i = place.i; i < named.size(); ++i) {
        if (named[i].is_required) return false;
      }
      return place.count >= c.min_members && place.some == all_some;
    };
    const auto may_go_on = [&](const Place& place) { return !has_limit || place.count < c.max_members; };
    const auto state_behind = [&](const Place& place) {
      const auto [at, is_new] = behind.emplace(place, 0);
      if (!is_new) return at->second;
      at->second = builder_.add_state();
      const uint32_t state = at->second;
      if (may_close(place)) builder_.add_epsilon(builder_.add_text(state, "}"), end);
      if (may_go_on(place)) builder_.add_epsilon(json_.add_sign(state, ","), state_before(place));
      return state;
    };
    // From behind a name and its colon: each way to satisfy some of what is still open.
    const auto add_values = [&](uint32_t from, const Goal& goal, uint32_t may_satisfy, const Place& place, uint32_t i) {
      const uint32_t open = may_satisfy & ~place.some;
      for (uint32_t satisfied = open;; satisfied = (satisfied - 1) & open) {
        Goal all = goal;
        for (size_t k = 0; k < c.some.size(); ++k) {
          if ((satisfied >> k & 1U) != 0) all = joined(all, c.some[k].value);
        }
        const Place next{i, std::min(place.count + 1, last_count), place.some | satisfied};
        builder_.add_epsilon(json_.add_space(builder_.add_call(from, rule_of(all))), state_behind(next));
        if (satisfied == 0) break;
      }
    };
    const uint32_t open = json_.add_sign(start, "{");
    const Place none{0, 0, 0};
    if (may_close(none)) builder_.add_epsilon(builder_.add_text(open, "}"), end);
    if (c.max_members == 0) return;
    builder_.add_epsilon(open, state_before(none));
    while (!work.empty()) {
      const Place place = work.back();
      work.pop_back();
      const uint32_t from = before.at(place);
      if (place.i < named.size()) {
        const Named& member = named[place.i];
        const auto [at, is_new] = members.emplace(std::tuple(place.i, place.count, place.some), 0);
        if (is_new) {
          at->second = builder_.add_state();
          const uint32_t behind_name = builder_.add_text(at->second, text_of(Json(member.name)));
          add_values(add_colon(behind_name), member.goal, member.some, place, place.i + 1);
        }
        builder_.add_epsilon(from, members.at({place.i, place.count, place.some}));
        if (!member.is_required) builder_.add_epsilon(from, state_before({place.i + 1, place.count, place.some}));
        continue;
      }
      for (const Class& one : classes) {
        const uint32_t names = one.is_any ? json_.string() : name_lexeme(one.names);
        add_values(add_colon(builder_.add_call(from, names)), one.goal, one.some, place, place.i);
      }
    }
  }

  uint32_t name_lexeme(const Dfa& names) {
    const auto [at, is_new] = name_lexemes_.emplace(names.fingerprint(), 0);
    if (is_new) at->second = builder_.add_lexeme(quoted(names));
    return at->second;
  }

  SchemaDocument document_;
  Validator validator_;
  NormalForms forms_;
  ProgramBuilder builder_;
  JsonRules json_;
  std::map<Goal, uint32_t> rules_;
  std::vector<std::pair<Goal, uint32_t>> open_;
  std::map<uint64_t, uint32_t> name_lexemes_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace

Program compile_schema(const Json& schema, const SchemaOptions& options, std::set<std::string>* to_check) {
  return Compiler(schema, options, to_check).compile();
}

}  // namespace kinglet::grammar
