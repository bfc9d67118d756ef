// Assertions for defects of our own code; never for data from a file, a socket or a user.
#pragma once

namespace kinglet {

/// Prints the place and the reason to stderr and ends the process.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const char* why) noexcept;

}  // namespace kinglet

/// Stops the program when a condition that our own code guarantees does not hold; always on.
#define KINGLET_CHECK(condition, why)                               \
  do {                                                              \
    if (!(condition)) [[unlikely]] {                                \
      ::kinglet::check_failed(__FILE__, __LINE__, #condition, why); \
    }                                                               \
  } while (false)

/// As KINGLET_CHECK, in debug builds only: for hot code.
#if defined(NDEBUG)
#define KINGLET_DCHECK(condition, why) static_cast<void>(0)
#else
#define KINGLET_DCHECK(condition, why) KINGLET_CHECK(condition, why)
#endif
