// For tests: the error that some work ends with.
#pragma once

#include <functional>
#include <stdexcept>

#include "core/base/base.h"

namespace kinglet::system {

/// Runs what has to fail and returns its error. Work that succeeds fails the test.
inline Error failure(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  throw std::logic_error("nothing was refused");
}

}  // namespace kinglet::system
