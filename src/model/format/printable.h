// Text from an untrusted file, made safe for a terminal or a log line.
#pragma once

#include <string>
#include <string_view>

namespace kinglet::format {

/// The text with control bytes and bytes that are not UTF-8 written as \xNN, cut after `limit` bytes with "...".
std::string printable(std::string_view text, size_t limit = 80);

/// A number in the shortest form that reads back as this float.
std::string printable(float number);

}  // namespace kinglet::format
