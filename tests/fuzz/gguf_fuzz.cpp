// Reads bytes as a GGUF file, touches all that a caller could, and writes what was read once more: it reads the same.
#include <span>
#include <string>
#include <vector>

#include "fuzz_target.h"
#include "model/format/gguf.h"
#include "model/format/inspect.h"

namespace {

using namespace kinglet;
using namespace kinglet::format;

uint64_t touch(const ModelFile& file) {
  uint64_t sum = 0;
  for (const auto& [key, value] : file.metadata().entries()) {
    sum += key.size() + describe(value).size();
    const auto* array = std::get_if<Array>(&value.data);
    if (array == nullptr || array->size == 0) continue;
    if (array->element == ValueType::kString) {
      array->for_each_string(
          [&](std::string_view text) { sum += text.size() + (text.empty() ? 0 : static_cast<uint8_t>(text.back())); });
      sum += array->string(array->size - 1).size();
    } else {
      for (uint64_t i = 0; i < array->size; ++i) sum += static_cast<uint64_t>(array->integer(i));
    }
  }
  for (const TensorEntry& tensor : file.tensors()) sum += find_not_finite(tensor).has_value();
  return sum;
}

std::vector<std::byte> rewritten(const ModelFile& file) {
  GgufWriter writer;
  writer.add_values(file.metadata());
  for (const TensorEntry& tensor : file.tensors()) {
    if (tensor.format == nullptr) continue;
    writer.add_tensor(tensor.name, *tensor.format, {tensor.dims.data(), tensor.n_dims},
                      {tensor.data, static_cast<size_t>(tensor.size_bytes)});
  }
  std::vector<std::byte> bytes;
  writer.write([&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::shared_ptr<const ModelFile> file;
  try {
    file = read_gguf(std::as_bytes(std::span(data, size)), "fuzz.gguf");
  } catch (const Error& error) {
    KINGLET_CHECK(error.code() == ErrorCode::kInvalidFile, "a damaged file is called one");
    return 0;
  }
  const uint64_t sum = touch(*file);
  const std::vector<std::byte> once = rewritten(*file);
  const auto again = read_gguf(once, "fuzz.gguf");
  KINGLET_CHECK(rewritten(*again) == once, "what is written is read the same");
  return sum == ~uint64_t{0} ? 1 : 0;
}
