// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace kinglet::cli {

/// "98 MB", "1.2 GB": decimal units, as registries write them.
std::string human_bytes(uint64_t bytes);

/// "134.5M", "7.2B".
std::string human_count(uint64_t n);

/// "4m28s".
std::string human_seconds(double seconds);

}  // namespace kinglet::cli
