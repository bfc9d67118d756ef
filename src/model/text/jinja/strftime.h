// Time as text. Internal to the template engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kinglet::text::jinja {

/// What one directive may become, in bytes for each of its own.
inline constexpr size_t kLongestTimePart = 16;

/// strftime in the C locale. `seconds` since 1970, as local time has it. Directives that are not known stay as they
/// are.
std::string format_time(std::string_view format, int64_t seconds);

}  // namespace kinglet::text::jinja
