#include "home/system/memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <string>

#include "home/system/cgroup.h"
#include "home/system/file.h"

namespace kinglet::system {

Memory memory() {
  Memory result;
  const std::string facts = read_small_file("/proc/meminfo");
  result.total_bytes = number_after(facts, "MemTotal:") * 1024;
  result.available_bytes = number_after(facts, "MemAvailable:") * 1024;
  const auto group = cgroup_memory(cgroup_folders("memory"));
  if (group && group->limit_bytes < result.total_bytes) {
    result.total_bytes = group->limit_bytes;
    result.available_bytes = std::min(result.available_bytes, group->free_bytes);
  }
  return result;
}

uint64_t peak_resident_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace kinglet::system
