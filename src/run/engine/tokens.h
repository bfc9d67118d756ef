// Token ids that come from outside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace kinglet::engine {

/// Throws Error{kInvalidArgument} "WHERE...", where an id is not in a vocabulary of this size.
void check_tokens(std::span<const int32_t> ids, size_t vocab_size, std::string_view where = "");

}  // namespace kinglet::engine
