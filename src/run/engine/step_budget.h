// How many rows of prompts a step may take while others wait for their next token.
#pragma once

#include <cstddef>

namespace kinglet::engine {

/// Keeps steps within a time, or within twice what they take without prompts where that is more, by what steps took so
/// far. A step with prompt rows is taken to cost what one without costs and so much for each of them.
class StepBudget {
 public:
  explicit StepBudget(double step_ms) : step_ms_(step_ms) {}

  /// Rows of prompts for the next step beside generating sequences; at least 1.
  [[nodiscard]] size_t prompt_rows() const noexcept;
  /// A step in which sequences were generating took so long.
  void record(size_t n_prompt_rows, double ms) noexcept;
  /// What a step is kept within.
  [[nodiscard]] double limit_ms() const noexcept;

 private:
  double step_ms_;
  double plain_ms_ = 0;   // of a step without prompts; 0: not known
  double row_ms_ = 0;     // for each prompt row; 0: not known
  size_t last_rows_ = 0;  // of the last step that had any
};

}  // namespace kinglet::engine
