#include "front/cli/tensor_output.h"

#include "home/system/file.h"

namespace kinglet::cli {

void write_tensors(const format::SafetensorsWriter& writer, const std::string& path) {
  system::AtomicFile file(path);
  writer.write([&](std::span<const std::byte> bytes) { file.write(bytes); });
  file.commit();
}

}  // namespace kinglet::cli
