// Every byte of small files is flipped, cut and grown: each case is read, or refused with Error{kInvalidFile} naming
// the file, and takes memory in proportion to the file. The program's own operator new counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/counted_new.h"
#include "model/format/gguf.h"
#include "model/format/inspect.h"
#include "model/format/samples.h"

namespace kinglet::format {
namespace {

using samples::Bytes;

// What reading may take: so many bytes for each byte of the file, beside what any file takes.
constexpr size_t kBytesPerFileByte = 32;
constexpr size_t kFixedBytes = 16384;

constexpr std::array<uint8_t, 10> kFlips{0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF, 0x7F};
constexpr std::array<uint8_t, 4> kFills{0x00, 0xFF, 0x7F, 0x80};

struct Outcome {
  size_t n_read = 0;
  size_t n_refused = 0;
};

// Touches all that a caller could: every value, string and byte of data.
uint64_t touch(const ModelFile& file) {
  uint64_t sum = 0;
  for (const auto& [key, value] : file.metadata().entries()) {
    sum += key.size();
    const Array* array = std::get_if<Array>(&value.data);
    if (array == nullptr) continue;
    for (uint64_t i = 0; i < array->size; ++i) {
      sum += array->element == ValueType::kString ? array->string(i).size() : static_cast<uint64_t>(array->integer(i));
    }
  }
  for (const TensorEntry& tensor : file.tensors()) {
    for (uint64_t i = 0; tensor.data != nullptr && i < tensor.size_bytes; ++i)
      sum += std::to_integer<uint64_t>(tensor.data[i]);
  }
  return sum;
}

uint64_t touch(const Safetensors& file) {
  uint64_t sum = 0;
  for (const SafetensorsEntry& entry : file.tensors()) {
    for (const std::byte byte : entry.bytes) sum += std::to_integer<uint64_t>(byte);
  }
  return sum;
}

// Copies into memory of exactly its size, so that the sanitizer sees a read behind the end.
template <class Read>
void read_exactly(const Bytes& bytes, const Read& read, Outcome& outcome, const std::string& what) {
  const std::unique_ptr<std::byte[]> exact(new std::byte[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), exact.get());
  const size_t before = counted::live_bytes.load();
  counted::peak_bytes.store(before);
  try {
    read(std::span<const std::byte>(exact.get(), bytes.size()));
    ++outcome.n_read;
  } catch (const Error& error) {
    ++outcome.n_refused;
    EXPECT_EQ(error.code(), ErrorCode::kInvalidFile) << what << ": " << error.message();
    EXPECT_THAT(error.message(), testing::StartsWith("sample")) << what;
  }
  EXPECT_LE(counted::peak_bytes.load() - before, kFixedBytes + kBytesPerFileByte * bytes.size()) << what;
  EXPECT_EQ(counted::live_bytes.load(), before) << what;
}

template <class Read>
Outcome mutate(const Bytes& original, const Read& read) {
  Outcome outcome;
  for (size_t i = 0; i < original.size(); ++i) {
    for (const uint8_t flip : kFlips) {
      Bytes bytes = original;
      bytes[i] ^= static_cast<std::byte>(flip);
      read_exactly(bytes, read, outcome, str("byte ", i, " flipped by ", flip));
    }
    for (const size_t width : {size_t{4}, size_t{8}}) {
      if (i + width > original.size()) continue;
      for (const uint8_t fill : kFills) {
        Bytes bytes = original;
        std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(i), width, static_cast<std::byte>(fill));
        read_exactly(bytes, read, outcome, str(width, " bytes from ", i, " set to ", fill));
      }
    }
    const Bytes cut(original.begin(), original.begin() + static_cast<ptrdiff_t>(i));
    read_exactly(cut, read, outcome, str("cut to ", i));
    for (const size_t n : {size_t{1}, size_t{8}}) {
      Bytes bytes = original;
      bytes.erase(bytes.begin() + static_cast<ptrdiff_t>(i),
                  bytes.begin() + static_cast<ptrdiff_t>(std::min(i + n, bytes.size())));
      read_exactly(bytes, read, outcome, str(n, " bytes left out at ", i));
      bytes = original;
      bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(i), n, std::byte{0});
      read_exactly(bytes, read, outcome, str(n, " bytes put in at ", i));
    }
  }
  Bytes grown = original;
  grown.insert(grown.end(), 100, std::byte{0x55});
  read_exactly(grown, read, outcome, "grown");
  return outcome;
}

TEST(Mutation, Gguf) {
  volatile uint64_t sink = 0;
  const Outcome outcome = mutate(samples::small_gguf(), [&](std::span<const std::byte> bytes) {
    const auto file = read_gguf(bytes, "sample.gguf");
    sink = sink + touch(*file);
    for (const TensorEntry& tensor : file->tensors()) sink = sink + find_not_finite(tensor).has_value();
  });
  // Both outcomes occur, often: what changes data is read, what changes structure is refused.
  EXPECT_GT(outcome.n_read, 5000U);
  EXPECT_GT(outcome.n_refused, 5000U);
}

TEST(Mutation, Safetensors) {
  volatile uint64_t sink = 0;
  const Outcome outcome = mutate(samples::small_safetensors(), [&](std::span<const std::byte> bytes) {
    sink = sink + touch(Safetensors::read(bytes, "sample.safetensors"));
  });
  EXPECT_GT(outcome.n_read, 2000U);
  EXPECT_GT(outcome.n_refused, 5000U);
}

// Files made of the smallest parts that there are: the most memory for a byte of file.
TEST(Mutation, ManySmallPartsTakeMemoryInProportion) {
  Outcome outcome;
  GgufWriter keys;
  for (int i = 0; i < 20000; ++i) keys.add_bool(str(i), true);
  GgufWriter tensors;
  const Bytes data(1);
  for (int i = 0; i < 5000; ++i) tensors.add_tensor(str(i), samples::format("I8"), std::array<uint64_t, 1>{1}, data);
  GgufWriter strings;
  const std::vector<std::string_view> empty(100000);
  strings.add_strings("s", empty);
  for (const GgufWriter* writer : {&keys, &tensors, &strings}) {
    read_exactly(
        samples::written(*writer), [](std::span<const std::byte> bytes) { read_gguf(bytes, "sample"); }, outcome,
        "many parts");
  }
  SafetensorsWriter small;
  for (int i = 0; i < 5000; ++i) small.add_tensor(str(i), "U8", {1}, data);
  read_exactly(
      samples::written(small), [](std::span<const std::byte> bytes) { Safetensors::read(bytes, "sample"); }, outcome,
      "many parts");
  EXPECT_EQ(outcome.n_read, 4U);
}

}  // namespace
}  // namespace kinglet::format
