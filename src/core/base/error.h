// The one error of Kinglet and how it is raised.
//
// `fail` ends a unit of work (a load, a request, a training step). A message says what, where, value and limit.
// Outcomes that a caller normally branches on are return values instead (`result.h`).
// The core is also compiled without exceptions; there `fail` prints the message and stops.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/str.h"

namespace kinglet {

/// What kind of failure it is; maps to an exit status of the program and to an HTTP status.
enum class ErrorCode {
  kInternal,         ///< Exit 1. A defect of ours that was caught in time.
  kIo,               ///< Exit 1. Reading or writing failed.
  kBusy,             ///< Exit 1. Too many wait already; later there may be room.
  kNetwork,          ///< Exit 1. A remote side could not be reached or broke its protocol.
  kInvalidArgument,  ///< Exit 2. A flag, field or input that cannot be read.
  kContextFull,      ///< Exit 2. A prompt over the context.
  kNotFound,         ///< Exit 3. No such model or file.
  kInvalidFile,      ///< Exit 4. A damaged file.
  kUnsupported,      ///< Exit 4. A sound file of a kind that is not supported.
  kRefused,          ///< Exit 5. Refused by policy.
  kOutOfMemory,      ///< Exit 6. The number needed is in the message.
  kNoSpace,          ///< Exit 6. No room on the disk.
  kCancelled,        ///< Exit 130.
};

/// The exit status of the program for a failure of this kind.
int exit_status(ErrorCode code) noexcept;

class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }

 private:
  ErrorCode code_;
  std::string message_;
};

/// Raises Error{code, message}.
[[noreturn]] void fail(ErrorCode code, std::string message);

/// Raises an Error whose message is the parts, one after the other: fail_with(kIo, "read ", path, ": ", why).
template <class... Parts>
[[noreturn]] void fail_with(ErrorCode code, const Parts&... parts) {
  fail(code, str(parts...));
}

}  // namespace kinglet
