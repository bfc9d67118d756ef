#include "core/kernels/peak.h"

#include <gtest/gtest.h>

#include "core/tensor/tensor.h"

namespace kinglet::kernels {
namespace {

TEST(Peaks, EveryByteIsRead) {
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
    if (!select(detect(), isa)) continue;
    const PeakKernels peaks = peak_kernels(detect(), isa);
    tensor::Buffer memory(3 * PeakKernels::kReadStep);
    const uint64_t before = peaks.read(memory.data(), memory.size_bytes());
    for (size_t i = 0; i < memory.size_bytes(); ++i) {
      memory.data()[i] = std::byte{1};
      EXPECT_NE(peaks.read(memory.data(), memory.size_bytes()), before) << name_of(isa) << ' ' << i;
      memory.data()[i] = std::byte{0};
    }
    EXPECT_EQ(peaks.read(memory.data(), memory.size_bytes()), before);
  }
}

TEST(Peaks, LoopsRunWhereTheCpuHasThem) {
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
    if (!select(detect(), isa)) continue;
    const PeakKernels peaks = peak_kernels(detect(), isa);
    for (const PeakLoop& loop : {peaks.f32, peaks.int8, peaks.bf16}) {
      if (loop.run == nullptr) continue;
      loop.run(1000);
      EXPECT_GT(loop.ops_per_round, 0U);
    }
    EXPECT_NE(peaks.f32.run, nullptr);
    EXPECT_NE(peaks.int8.run, nullptr);
  }
}

}  // namespace
}  // namespace kinglet::kernels
