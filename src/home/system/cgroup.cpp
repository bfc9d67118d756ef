#include "home/system/cgroup.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/base.h"
#include "home/system/file.h"

namespace kinglet::system {
namespace {

std::optional<uint64_t> leading_number(std::string_view text) {
  const size_t first = std::min(text.find_first_not_of(" \t"), text.size());
  uint64_t number = 0;
  const auto [end, status] = std::from_chars(text.data() + first, text.data() + text.size(), number);
  return status == std::errc() ? std::optional(number) : std::nullopt;
}

// "max" and -1 are no numbers: no limit.
std::optional<uint64_t> number_in(const std::string& path) { return leading_number(read_small_file(path)); }

bool has_word(std::string_view list, std::string_view word) {
  return str(',', list, ',').find(str(',', word, ',')) != std::string::npos;
}

// The folder of a group and those around it.
void add_upwards(const std::string& root, std::string_view group, std::vector<std::string>& folders) {
  // A group outside of what this process may see begins with "/..".
  while (!group.starts_with("/..") && group.size() > 1) {
    folders.push_back(str(root, group));
    group = group.substr(0, group.rfind('/'));
  }
  folders.push_back(root);
}

}  // namespace

uint64_t number_after(std::string_view text, std::string_view word) {
  const size_t at = text.starts_with(word) ? 0 : text.find(str('\n', word));
  if (at == std::string_view::npos) return 0;
  return leading_number(text.substr(text.find(word, at) + word.size())).value_or(0);
}

std::vector<std::string> cgroup_folders(std::string_view controller, const std::string& root,
                                        std::string_view membership) {
  std::vector<std::string> folders;
  // Lines "ID:CONTROLLERS:GROUP"; version 2 has one, with the id 0 and no controllers.
  while (!membership.empty()) {
    const size_t end = std::min(membership.find('\n'), membership.size());
    const std::string_view line = membership.substr(0, end);
    membership.remove_prefix(std::min(end + 1, membership.size()));
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view group = line.substr(second + 1);
    if (line.starts_with("0::")) add_upwards(root, group, folders);
    if (has_word(controllers, controller)) add_upwards(str(root, '/', controller), group, folders);
  }
  return folders;
}

std::vector<std::string> cgroup_folders(std::string_view controller) {
  return cgroup_folders(controller, "/sys/fs/cgroup", read_small_file("/proc/self/cgroup"));
}

double cgroup_cpus(std::span<const std::string> folders) {
  double least = HUGE_VAL;
  for (const std::string& folder : folders) {
    const std::string both = read_small_file(folder + "/cpu.max");  // "QUOTA PERIOD"
    const std::string_view behind = std::string_view(both).substr(std::min(both.find(' '), both.size()));
    const auto quota = both.empty() ? number_in(folder + "/cpu.cfs_quota_us") : leading_number(both);
    const uint64_t period =
        (both.empty() ? number_in(folder + "/cpu.cfs_period_us") : leading_number(behind)).value_or(0);
    if (!quota || period == 0) continue;
    least = std::min(least, static_cast<double>(*quota) / static_cast<double>(period));
  }
  return least;
}

std::optional<CgroupMemory> cgroup_memory(std::span<const std::string> folders) {
  std::optional<CgroupMemory> least;
  for (const std::string& folder : folders) {
    const bool is_v2 = !read_small_file(folder + "/memory.max").empty();
    const auto limit = number_in(folder + (is_v2 ? "/memory.max" : "/memory.limit_in_bytes"));
    if (!limit) continue;
    const uint64_t used = number_in(folder + (is_v2 ? "/memory.current" : "/memory.usage_in_bytes")).value_or(0);
    const std::string facts = read_small_file(folder + "/memory.stat");
    const uint64_t cache = number_after(facts, is_v2 ? "inactive_file " : "total_inactive_file ");
    const uint64_t held = used - std::min(used, cache);
    const CgroupMemory here{*limit, *limit - std::min(*limit, held)};
    if (!least) least = here;
    least->limit_bytes = std::min(least->limit_bytes, here.limit_bytes);
    least->free_bytes = std::min(least->free_bytes, here.free_bytes);
  }
  return least;
}

}  // namespace kinglet::system
