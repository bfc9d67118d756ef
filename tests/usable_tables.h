// The kernel tables that this CPU can run, for tests.
#pragma once

#include <vector>

#include "core/kernels/select.h"

namespace kinglet::tests {

inline std::vector<kernels::KernelTable> tables() {
  std::vector<kernels::KernelTable> all;
  for (const auto isa : {kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx512, kernels::Isa::kNeon}) {
    if (const auto table = kernels::select(kernels::detect(), isa)) all.push_back(*table);
  }
  return all;
}

}  // namespace kinglet::tests
