#include "home/system/memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/base.h"
#include "home/system/file.h"

namespace kinglet::system {
namespace {

// The text of a file of the system; empty where it is not there.
std::string system_text(const std::string& path) {
  try {
    return read_file(path, 1 << 16);
  } catch (const Error&) {
    return {};
  }
}

std::optional<uint64_t> leading_number(std::string_view text) {
  const size_t first = std::min(text.find_first_not_of(" \t"), text.size());
  uint64_t number = 0;
  const auto [end, status] = std::from_chars(text.data() + first, text.data() + text.size(), number);
  return status == std::errc() ? std::optional(number) : std::nullopt;
}

// The number behind a word at the start of a line.
uint64_t number_after(std::string_view text, std::string_view word) {
  const size_t at = text.starts_with(word) ? 0 : text.find(str('\n', word));
  if (at == std::string_view::npos) return 0;
  return leading_number(text.substr(text.find(word, at) + word.size())).value_or(0);
}

}  // namespace

Memory memory() {
  Memory result;
  const std::string facts = system_text("/proc/meminfo");
  result.total_bytes = number_after(facts, "MemTotal:") * 1024;
  result.available_bytes = number_after(facts, "MemAvailable:") * 1024;
  // A cgroup's limit, version 2, then 1. "max" is no number: no limit.
  const std::string folder = "/sys/fs/cgroup/";
  auto limit = leading_number(system_text(folder + "memory.max"));
  auto used = leading_number(system_text(folder + "memory.current"));
  std::string stat = system_text(folder + "memory.stat");
  std::string_view cache = "inactive_file ";
  if (!limit) {
    limit = leading_number(system_text(folder + "memory/memory.limit_in_bytes"));
    used = leading_number(system_text(folder + "memory/memory.usage_in_bytes"));
    stat = system_text(folder + "memory/memory.stat");
    cache = "total_inactive_file ";
  }
  if (limit && *limit < result.total_bytes) {
    result.total_bytes = *limit;
    const uint64_t held = used.value_or(0) - std::min(used.value_or(0), number_after(stat, cache));
    result.available_bytes = std::min(result.available_bytes, *limit - std::min(*limit, held));
  }
  return result;
}

uint64_t peak_resident_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace kinglet::system
