// What a client is told when a request fails: a status, a message, and the field that is at fault.
#pragma once

#include <string>
#include <utility>

#include "core/base/base.h"

namespace kinglet::serve {

/// A failure whose HTTP status is known where it is found. Other Errors get theirs by status_of.
class ApiError : public Error {
 public:
  ApiError(unsigned status, std::string message, std::string field = {})
      : Error(ErrorCode::kInvalidArgument, std::move(message)), status_(status), field_(std::move(field)) {}
  [[nodiscard]] unsigned status() const noexcept { return status_; }
  /// The path of the field at fault, e.g. "messages[2].role"; empty: no single one.
  [[nodiscard]] const std::string& field() const noexcept { return field_; }

 private:
  unsigned status_;
  std::string field_;
};

}  // namespace kinglet::serve
