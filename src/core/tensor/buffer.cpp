#include "core/tensor/buffer.h"

#include <cstdlib>
#include <cstring>

#include "core/base/base.h"

namespace kinglet::tensor {

Buffer::Buffer(size_t size_bytes) : size_bytes_(size_bytes) {
  if (size_bytes == 0) return;
  if (size_bytes > SIZE_MAX - kAlignment) fail_with(ErrorCode::kOutOfMemory, "memory: needs ", size_bytes, " bytes");
  const size_t rounded = static_cast<size_t>(round_up(size_bytes, kAlignment));
  void* memory = std::aligned_alloc(kAlignment, rounded);
  if (memory == nullptr) fail_with(ErrorCode::kOutOfMemory, "memory: needs ", size_bytes, " bytes");
  std::memset(memory, 0, rounded);
  data_.reset(static_cast<std::byte*>(memory));
}

void Buffer::Release::operator()(std::byte* memory) const noexcept { std::free(memory); }

}  // namespace kinglet::tensor
