#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace kinglet {

void check_failed(const char* file, int line, const char* condition, const char* why) noexcept {
  std::fprintf(stderr, "kinglet: internal error: %s (%s) at %s:%d; please report it\n", why, condition, file, line);
  std::abort();
}

}  // namespace kinglet
