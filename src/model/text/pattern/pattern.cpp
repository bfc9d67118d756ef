#include "model/text/pattern/pattern.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/base/base.h"
#include "model/text/utf8.h"

namespace kinglet::text {
namespace {

struct Node {
  enum class Kind : uint8_t { kSet, kAhead, kNotAhead, kSequence, kChoice, kRepeat };
  static constexpr uint32_t kNoLimit = UINT32_MAX;
  Kind kind = Kind::kSequence;
  CharSet set = {};
  std::vector<Node> parts = {};
  uint32_t least = 1;
  uint32_t most = 1;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  Node choice() {
    Node node{.kind = Node::Kind::kChoice};
    do {
      node.parts.push_back(sequence());
    } while (take("|"));
    return node;
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  bool take(std::string_view what) {
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }
  void expect(std::string_view what) { KINGLET_CHECK(take(what), "a pattern that is understood"); }

  Node sequence() {
    Node node{.kind = Node::Kind::kSequence};
    while (!rest_.empty() && rest_[0] != '|' && rest_[0] != ')') node.parts.push_back(repeated());
    return node;
  }

  uint32_t number() {
    uint32_t value = 0;
    const auto [end, status] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    KINGLET_CHECK(status == std::errc(), "a number in a pattern");
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return value;
  }

  Node repeated() {
    Node node{.kind = Node::Kind::kRepeat};
    node.parts.push_back(atom());
    if (take("?")) {
      node.least = 0;
    } else if (take("*")) {
      node.least = 0;
      node.most = Node::kNoLimit;
    } else if (take("+")) {
      node.most = Node::kNoLimit;
    } else if (take("{")) {
      node.least = node.most = number();
      if (take(",")) node.most = number();
      expect("}");
    } else {
      Node plain = std::move(node.parts[0]);
      return plain;
    }
    return node;
  }

  Node group() {
    Node node = choice();
    expect(")");
    return node;
  }

  Node atom() {
    if (take("(?:")) return group();
    if (take("(?i:")) {
      ++any_case_;
      Node node = group();
      --any_case_;
      return node;
    }
    const bool ahead = take("(?=");
    if (ahead || take("(?!")) {
      Node node{.kind = ahead ? Node::Kind::kAhead : Node::Kind::kNotAhead, .set = set()};
      expect(")");
      return node;
    }
    if (take("(")) return group();
    return {.kind = Node::Kind::kSet, .set = set()};
  }

  // A character, an escape or [...].
  CharSet set() {
    CharSet found;
    if (!take("[")) {
      add_one(found);
      return found;
    }
    found.negated = take("^");
    while (!take("]")) {
      if (take("&&")) {
        found.within.push_back(set());
      } else {
        add_one(found);
      }
    }
    return found;
  }

  // A class, or a character, or a range.
  void add_one(CharSet& found) {
    if (take("\\s")) {
      found.space = true;
    } else if (take("\\S")) {
      found.space = found.negated = true;
    } else if (take("\\d")) {
      found.categories |= categories_named("Nd");
    } else if (take("\\p{Han}")) {
      add_han(found);
    } else if (take("\\p{")) {
      const size_t end = rest_.find('}');
      const uint32_t categories = categories_named(rest_.substr(0, end));
      KINGLET_CHECK(categories != 0, "a category in a pattern");
      found.categories |= categories;
      rest_.remove_prefix(end + 1);
    } else {
      const uint32_t first = character();
      uint32_t last = first;
      if (rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
        take("-");
        last = character();
      }
      found.ranges.emplace_back(first, last);
      if (any_case_ > 0 && first == last && first >= 'a' && first <= 'z') {
        found.ranges.emplace_back(first - 32, first - 32);
        if (first == 's') found.ranges.emplace_back(0x17F, 0x17F);  // folds to s
      }
    }
  }

  uint32_t character() {
    if (take("\\x{")) {
      uint32_t value = 0;
      const auto [end, status] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value, 16);
      KINGLET_CHECK(status == std::errc(), "a character in a pattern");
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      expect("}");
      return value;
    }
    if (take("\\r")) return '\r';
    if (take("\\n")) return '\n';
    if (take("\\t")) return '\t';
    take("\\");
    KINGLET_CHECK(!rest_.empty(), "a pattern that does not end with a backslash");
    const CodePoint point = code_point_at(rest_, 0);
    rest_.remove_prefix(point.length);
    return point.value;
  }

  std::string_view rest_;
  int any_case_ = 0;
};

// Steps are made from the end to the begin, so that each knows where it goes on.
class Compiler {
 public:
  explicit Compiler(Pattern& pattern) : pattern_(pattern) {}

  uint32_t compile(const Node& node, uint32_t next) {
    switch (node.kind) {
      case Node::Kind::kSet:
        return step(PatternStep::Kind::kSet, node.set, next);
      case Node::Kind::kAhead:
        return step(PatternStep::Kind::kAhead, node.set, next);
      case Node::Kind::kNotAhead:
        return step(PatternStep::Kind::kNotAhead, node.set, next);
      case Node::Kind::kSequence:
        for (size_t i = node.parts.size(); i-- > 0;) next = compile(node.parts[i], next);
        return next;
      case Node::Kind::kChoice: {
        uint32_t start = compile(node.parts.back(), next);
        for (size_t i = node.parts.size() - 1; i-- > 0;) start = split(compile(node.parts[i], next), start);
        return start;
      }
      case Node::Kind::kRepeat:
        return compile_repeat(node, next);
    }
    return next;
  }

 private:
  uint32_t add(const PatternStep& step) {
    pattern_.steps.push_back(step);
    return static_cast<uint32_t>(pattern_.steps.size() - 1);
  }
  uint32_t step(PatternStep::Kind kind, const CharSet& set, uint32_t next) {
    const auto found = std::ranges::find(pattern_.sets, set);
    const auto index = static_cast<uint32_t>(found - pattern_.sets.begin());
    if (found == pattern_.sets.end()) pattern_.sets.push_back(set);
    return add({.kind = kind, .set = index, .next = next});
  }
  uint32_t split(uint32_t next, uint32_t other) {
    return add({.kind = PatternStep::Kind::kSplit, .next = next, .other = other});
  }

  uint32_t compile_repeat(const Node& node, uint32_t next) {
    const Node& part = node.parts[0];
    uint32_t start = next;
    if (node.most == Node::kNoLimit) {
      start = split(0, next);
      const uint32_t body = compile(part, start);
      pattern_.steps[start].next = body;
    } else {
      for (uint32_t i = node.least; i < node.most; ++i) start = split(compile(part, start), next);
    }
    for (uint32_t i = 0; i < node.least; ++i) start = compile(part, start);
    return start;
  }

  Pattern& pattern_;
};

}  // namespace

Pattern Pattern::parse(std::string_view text) {
  Parser parser(text);
  const Node node = parser.choice();
  KINGLET_CHECK(parser.at_end(), "a pattern that is understood");
  Pattern pattern;
  pattern.steps.push_back({.kind = PatternStep::Kind::kMatch});
  pattern.start = Compiler(pattern).compile(node, 0);
  return pattern;
}

}  // namespace kinglet::text
