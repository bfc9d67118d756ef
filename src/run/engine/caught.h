// An exception as a value.
#pragma once

#include "core/base/error.h"

namespace kinglet::engine {

/// In a handler: what is being handled. Each caller gets its own, as an exception that two threads share is freed by
/// whoever lets go last. Where there is no memory for its message it is one that needs none.
Error caught() noexcept;

}  // namespace kinglet::engine
