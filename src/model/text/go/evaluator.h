// Runs a Go template. Internal to the template engine.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/text/go/syntax.h"
#include "model/text/jinja/meter.h"

namespace kinglet::text::go {

/// One rendering. One thread.
class Evaluator {
 public:
  /// All outlive it. Nodes of the root behind `last_order` are left out.
  Evaluator(std::string_view name, const Tree& tree, const jinja::RenderOptions& options,
            uint32_t last_order = UINT32_MAX)
      : tree_(tree), meter_(name, options), last_order_(last_order) {}

  /// Once.
  std::string render(const Value& data);

  [[nodiscard]] jinja::Meter& meter() noexcept { return meter_; }
  [[noreturn]] void refuse(std::string_view why) const { meter_.refuse(why); }
  /// A text that a template has made, charged.
  Value text(std::string text);
  /// "2026-01-05", so many days from now.
  [[nodiscard]] std::string date(int days) const;

 private:
  enum class Flow : uint8_t { kNext, kBreak, kContinue };

  Flow run(const Nodes& nodes, const Value& dot);
  Flow run(const Node& node, const Value& dot);
  Flow run_branch(const Node& node, const Value& dot);
  Flow run_range(const Node& node, const Value& dot);
  void run_template(const Node& node, const Value& dot);
  /// One turn of a range; false: it is over. The flow beyond breaks is none.
  bool turn(const Node& node, const Value& index, const Value& element);
  void print(std::string_view text);

  Value evaluate(const Pipe& pipe, const Value& dot);
  /// The same, and its variables take the result.
  Value evaluate_and_set(const Pipe& pipe, const Value& dot);
  /// `last`: the result of the command before it; null: it is the first one.
  Value evaluate(const Command& command, const Value& dot, const Value* last);
  Value evaluate(const Operand& operand, const Value& dot);
  Value call(const Command& command, const Value& dot, const Value* last);
  Value take_fields(Value value, const Operand& operand);
  Value field(const Value& value, std::string_view name, bool is_first);
  void at(Position position) noexcept { meter_.at(position.line, position.column); }

  [[nodiscard]] Value& variable(std::string_view name);

  const Tree& tree_;
  jinja::Meter meter_;
  uint32_t last_order_;
  std::vector<std::pair<std::string_view, Value>> variables_;
  std::string out_;
};

}  // namespace kinglet::text::go
