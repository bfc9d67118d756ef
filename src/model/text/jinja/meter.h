// What a rendering costs, and the line where it is. Internal to the template engine.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/text/jinja/template.h"

namespace kinglet::text::jinja {

/// One rendering's account: everything whose cost a template chooses goes through it before it is done.
class Meter {
 public:
  /// Both arguments outlive the meter.
  Meter(std::string_view name, const RenderOptions& options) : name_(name), options_(options) {}

  void at_line(uint32_t line) noexcept { line_ = line; }
  /// For templates whose errors name the column, too.
  void at(uint32_t line, uint32_t column) noexcept {
    line_ = line;
    column_ = column;
  }
  [[nodiscard]] const RenderOptions& options() const noexcept { return options_; }

  /// Raises Error{kInvalidArgument} "NAME: line N: WHY", or "NAME: line N, column C: WHY".
  [[noreturn]] void refuse(std::string_view why) const;

  /// An expression or statement.
  void step() {
    if (work_ += kStep; work_ > options_.max_steps * kStep) refuse_work();
  }
  /// n bytes of text are looked at.
  void look(size_t n) {
    if (n > options_.max_steps * kStep - work_) refuse_work();
    work_ += n;
  }
  /// n values are looked at.
  void look_at_values(size_t n) { look(n > SIZE_MAX / kValueWork ? SIZE_MAX : n * kValueWork); }
  /// n bytes are made.
  void make(size_t n) {
    if (n > options_.max_made - made_) refuse_made();
    made_ += n;
    look(n);
  }
  /// So many bytes of result there would be.
  void check_output(size_t n) const;

  /// One level deeper for as long as it lives.
  class Level {
   public:
    explicit Level(Meter& meter) : meter_(meter) {
      if (++meter.depth_ > meter.options_.max_depth) meter.refuse_depth();
    }
    ~Level() { --meter_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Meter& meter_;
  };

 private:
  static constexpr size_t kStep = 32;  // bytes of text that cost as much as a step
  static constexpr size_t kValueWork = 8;

  [[noreturn]] void refuse_work() const;
  [[noreturn]] void refuse_made() const;
  [[noreturn]] void refuse_depth() const;

  std::string_view name_;
  const RenderOptions& options_;
  uint32_t line_ = 1;
  uint32_t column_ = 0;  // 0: is not said
  int depth_ = 0;
  size_t work_ = 0;
  size_t made_ = 0;
};

}  // namespace kinglet::text::jinja
