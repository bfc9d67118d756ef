#include "front/cli/tensor_output.h"

#include "core/base/base.h"
#include "home/system/file.h"
#include "home/system/folder.h"

namespace kinglet::cli {

void write_tensors(const format::SafetensorsWriter& writer, const std::string& path) {
  const auto there = system::facts_of(path);
  if (there && there->is_folder) fail_with(ErrorCode::kInvalidArgument, path, ": is a directory, expected a file");
  if (there && !there->is_file) {  // "/dev/null" has to stay what it is
    const system::FileDescriptor file = system::open_for_writing(path);
    writer.write([&](std::span<const std::byte> bytes) { system::write_all(file, bytes, path); });
    return;
  }
  system::AtomicFile file(path);
  writer.write([&](std::span<const std::byte> bytes) { file.write(bytes); });
  file.commit();
}

}  // namespace kinglet::cli
