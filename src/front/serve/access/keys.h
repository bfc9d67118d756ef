// The file of keys: their names and what they may do; never the keys themselves.
//
// A key is "kl-" and 64 hexadecimal digits, 256 random bits. The file has a salt and the SHA-256 of salt and key, which
// nobody can turn back into a key of that many bits; so it may be read by others, but not written. It is JSON:
// {"keys": [{"name": "ci", "salt": "...", "sha256": "sha256:...", "models": ["smollm2*"], "manage": false,
//            "requests_per_minute": 60, "tokens_per_minute": 100000}]}
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "home/system/sha256.h"

namespace kinglet::serve::access {

/// What a key may do.
struct Grant {
  std::vector<std::string> models = {};  ///< Names with "*" for any characters; none: all models.
  bool manage = false;                   ///< May change what the server has.
  uint64_t requests_per_minute = 0;      ///< 0: any number.
  uint64_t tokens_per_minute = 0;        ///< Read and written; 0: any number.
};

struct Key {
  std::string name;
  std::string salt;
  system::Digest digest;
  Grant grant;
};

/// Throws Error{kNotFound or kIo} for a file that cannot be read, kInvalidFile for one that says what it may not.
std::vector<Key> read_keys(const std::string& path);

/// Makes a key, adds it to the file (which is made where there is none) and gives it, which nobody can do again. Throws
/// Error{kInvalidArgument} for a name that is there already or has characters but letters, digits, ".", "_" and "-",
/// and as read_keys.
std::string add_key(const std::string& path, const std::string& name, const Grant& grant);

/// Takes a key out of the file. Throws Error{kNotFound} where none has this name, and as read_keys.
void remove_key(const std::string& path, const std::string& name);

/// The sum that is kept of a key.
system::Digest digest_of(std::string_view salt, std::string_view secret);

/// Whether a name fits a pattern with "*" for any characters, none too.
bool fits(std::string_view pattern, std::string_view name) noexcept;

}  // namespace kinglet::serve::access
