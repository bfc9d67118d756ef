#include "core/base/error.h"

#include <cstdio>
#include <cstdlib>

namespace kinglet {

int exit_status(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInternal:
    case ErrorCode::kIo:
    case ErrorCode::kBusy:
    case ErrorCode::kNetwork:
      return 1;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kContextFull:
      return 2;
    case ErrorCode::kNotFound:
      return 3;
    case ErrorCode::kInvalidFile:
    case ErrorCode::kUnsupported:
      return 4;
    case ErrorCode::kRefused:
      return 5;
    case ErrorCode::kOutOfMemory:
    case ErrorCode::kNoSpace:
      return 6;
    case ErrorCode::kCancelled:
      return 130;
  }
  return 1;
}

void fail(ErrorCode code, std::string message) {
#if defined(__cpp_exceptions)
  throw Error(code, std::move(message));
#else
  std::fprintf(stderr, "kinglet: %s\n", message.c_str());
  std::exit(exit_status(code));
#endif
}

}  // namespace kinglet
