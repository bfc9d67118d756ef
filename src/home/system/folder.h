// Folders: making them, what is in them, the room that is left on their disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace kinglet::system {

/// Makes a folder and those above it, synced, readable by this user alone where new. Throws Error{kNoSpace or kIo}.
void make_folders(const std::string& folder);

/// Bytes that this user may still write on the disk of a folder, or of the nearest one above it that exists.
[[nodiscard]] uint64_t free_bytes(const std::string& folder);

/// What a path names, links followed.
struct PathFacts {
  bool is_folder = false;
  bool is_file = false;
  uint64_t size_bytes = 0;
  int64_t modified_s = 0;  ///< Seconds since 1970.
  int64_t changed_s = 0;   ///< The same for the file's place: when it came here, by a rename or a link, too.
};

/// Nullopt where nothing is there or it may not be looked at.
[[nodiscard]] std::optional<PathFacts> facts_of(const std::string& path);

}  // namespace kinglet::system
