// Control groups: the limits that a container or a systemd unit puts on this process.
// Source: the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/{memory,cpusets}.rst.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::system {

/// The folders of the groups that a controller ("cpu", "memory") counts this process in, its own first and those around
/// it after that, as each of them may have a limit. `root` is where the groups are mounted, `membership` the text of
/// /proc/self/cgroup. Folders need not be there: in a container only the last one may be.
std::vector<std::string> cgroup_folders(std::string_view controller, const std::string& root,
                                        std::string_view membership);

/// The same for this process.
std::vector<std::string> cgroup_folders(std::string_view controller);

/// CPUs' worth of time that the tightest of these groups gives; infinity where none has a limit.
double cgroup_cpus(std::span<const std::string> folders);

struct CgroupMemory {
  uint64_t limit_bytes = 0;
  uint64_t free_bytes = 0;  ///< Page cache that can be dropped counts as free.
};

/// The smallest limit, and the least that one of these groups has left; nullopt where none has a limit.
std::optional<CgroupMemory> cgroup_memory(std::span<const std::string> folders);

/// The number behind a word at the start of a line; 0 where it is not there.
uint64_t number_after(std::string_view text, std::string_view word);

}  // namespace kinglet::system
