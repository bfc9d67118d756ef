// Secrets: bytes that nobody can guess, and comparing without telling by the time how much was right.
#pragma once

#include <cstddef>
#include <string>

#include "home/system/sha256.h"

namespace kinglet::system {

/// Random bytes of the system's generator, as twice so many lower-case hexadecimal digits. Throws Error{kInternal}
/// where the system gives none.
[[nodiscard]] std::string random_hex(size_t n_bytes);

/// Whether two digests are the same; takes the same time whatever they are.
[[nodiscard]] bool same_secret(const Digest& a, const Digest& b) noexcept;

}  // namespace kinglet::system
