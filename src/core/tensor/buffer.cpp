#include "core/tensor/buffer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/base/base.h"

namespace kinglet::tensor {

Buffer::Buffer(size_t size_bytes) : Buffer(uninitialized(size_bytes)) {
  if (size_bytes > 0) std::memset(data_.get(), 0, size_bytes);
}

Buffer Buffer::uninitialized(size_t size_bytes) {
  Buffer buffer;
  if (size_bytes == 0) return buffer;
  constexpr uint64_t kAddressSpace = uint64_t{1} << 47;  // no machine has more; keeps the rounding below in range
  if (size_bytes > std::min<uint64_t>(kAddressSpace, SIZE_MAX / 2)) {
    fail_with(ErrorCode::kOutOfMemory, "memory: needs ", size_bytes, " bytes");
  }
  void* memory = std::aligned_alloc(kAlignment, static_cast<size_t>(round_up(size_bytes, kAlignment)));
  if (memory == nullptr) fail_with(ErrorCode::kOutOfMemory, "memory: needs ", size_bytes, " bytes");
  buffer.data_.reset(static_cast<std::byte*>(memory));
  buffer.size_bytes_ = size_bytes;
  return buffer;
}

void Buffer::Release::operator()(std::byte* memory) const noexcept { std::free(memory); }

}  // namespace kinglet::tensor
