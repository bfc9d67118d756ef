#include "run/engine/caught.h"

#include <exception>
#include <new>

namespace kinglet::engine {

Error caught() noexcept {
  try {
    try {
      throw;
    } catch (const Error& error) {
      return error;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      return {ErrorCode::kInternal, error.what()};
    }
  } catch (const std::bad_alloc&) {
    return {ErrorCode::kOutOfMemory, "out of memory"};  // short enough to lie in the string itself
  }
}

}  // namespace kinglet::engine
