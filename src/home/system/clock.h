// The wall clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace kinglet::system {

/// Microseconds since 1970. Jumps when somebody sets the clock: for dates, not for measuring.
inline int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace kinglet::system
