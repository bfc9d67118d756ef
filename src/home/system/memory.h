// How much memory there is for this process.
#pragma once

#include <cstdint>

namespace kinglet::system {

struct Memory {
  uint64_t total_bytes = 0;      ///< Of the machine, or of the cgroup where that allows less.
  uint64_t available_bytes = 0;  ///< What can be taken without swapping; page cache that can be dropped counts as free.
};

/// Read anew with each call. Zeros where the system does not say.
Memory memory();

/// The largest resident size that this process has had, in bytes.
uint64_t peak_resident_bytes();

}  // namespace kinglet::system
