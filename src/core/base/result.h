// A value or the reason why there is none, for outcomes that a caller normally branches on.
#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "core/base/check.h"

namespace kinglet {

/// Holds either a T or an E. T and E are different types.
template <class T, class E>
class Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  [[nodiscard]] const T& value() const {
    KINGLET_CHECK(ok(), "value() of a failed Result");
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T take() {
    KINGLET_CHECK(ok(), "take() of a failed Result");
    return std::move(*std::get_if<0>(&state_));
  }
  [[nodiscard]] const E& error() const {
    KINGLET_CHECK(!ok(), "error() of a good Result");
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, E> state_;
};

}  // namespace kinglet
