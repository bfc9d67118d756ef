// Text and token ids that people give in files or on standard input.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "home/system/json.h"

namespace kinglet::cli {

/// The longest input that is read at once, in bytes.
inline constexpr size_t kMaxInputBytes = size_t{1} << 30;

/// A file, or standard input for "-". Throws as system::read_file.
std::string read_input(const std::string& path);

/// Throws Error{kInvalidArgument} "WHAT: is not UTF-8: ..." that says where.
void require_utf8(std::string_view text, std::string_view what);

/// Numbers with white space or commas between them. Throws Error{kInvalidArgument} for something else.
std::vector<int32_t> parse_ids(std::string_view text, std::string_view what);

/// A JSON array of ids. Throws Error{kInvalidArgument} that names the place.
std::vector<int32_t> ids_of(const system::Json& json, std::string_view what);

/// A JSON array of arrays of ids.
std::vector<std::vector<int32_t>> id_lists_of(const system::Json& json, std::string_view what);

}  // namespace kinglet::cli
