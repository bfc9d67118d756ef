// Reads bytes as a safetensors file, touches all data, and writes what was read once more: it reads the same.
#include <span>
#include <vector>

#include "core/base/base.h"
#include "fuzz_target.h"
#include "model/format/safetensors.h"

namespace {

using namespace kinglet;
using namespace kinglet::format;

std::vector<std::byte> rewritten(const Safetensors& file) {
  SafetensorsWriter writer;
  for (const SafetensorsEntry& entry : file.tensors())
    writer.add_tensor(entry.name, entry.type->name, entry.shape, entry.bytes);
  std::vector<std::byte> bytes;
  writer.write([&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const Safetensors file = Safetensors::read(std::as_bytes(std::span(data, size)), "fuzz.safetensors");
    const std::vector<std::byte> once = rewritten(file);
    const Safetensors again = Safetensors::read(once, "again");
    KINGLET_CHECK(again.tensors().size() == file.tensors().size(), "what is written is read the same");
    for (const SafetensorsEntry& entry : file.tensors()) {
      const SafetensorsEntry* other = again.find(entry.name);
      KINGLET_CHECK(other != nullptr && other->shape == entry.shape && other->type == entry.type,
                    "what is written is read the same");
    }
  } catch (const Error& error) {
    KINGLET_CHECK(error.code() == ErrorCode::kInvalidFile && !error.message().starts_with("again"),
                  "a damaged file is called one");
  }
  return 0;
}
