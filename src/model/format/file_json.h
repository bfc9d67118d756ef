// JSON inside a model file or folder: what is wrong with it is a damaged file, not a wrong argument.
#pragma once

#include <string>
#include <string_view>

#include "home/system/file.h"
#include "home/system/json.h"

namespace kinglet::format {

/// Calls read(); an Error{kInvalidArgument} of JSON that cannot be read becomes Error{kInvalidFile}, naming the file.
template <class Read>
auto reading_json(std::string_view file, const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidArgument) throw;
    const bool named = error.message().starts_with(file);
    fail(ErrorCode::kInvalidFile, named ? error.message() : str(file, ": ", error.message()));
  }
}

/// A whole file of it. Throws Error{kNotFound}, and kInvalidFile for what is none or is larger or deeper than this.
inline system::Json read_json_file(const std::string& path, uint64_t max_bytes, size_t max_depth) {
  const std::string text = system::read_file(path, max_bytes);
  return reading_json(path, [&] { return system::Json::parse(text, path, {.max_depth = max_depth}); });
}

}  // namespace kinglet::format
