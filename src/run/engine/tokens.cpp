#include "run/engine/tokens.h"

#include "core/base/base.h"

namespace kinglet::engine {

void check_tokens(std::span<const int32_t> ids, size_t vocab_size, std::string_view where) {
  for (const int32_t id : ids) {
    if (id < 0 || static_cast<size_t>(id) >= vocab_size) {
      fail_with(ErrorCode::kInvalidArgument, where, "token ", id, " is not in a vocabulary of ", vocab_size);
    }
  }
}

}  // namespace kinglet::engine
