// What the forward kernels over plain values mean, written out once more in long double: scalar double is held to it,
// and real_test.cpp and the gradient checks of core/graph build on that. Backward kernels are checked there.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/base/base.h"
#include "core/kernels/real.h"

namespace kinglet::kernels {
namespace {

using Wide = long double;

std::vector<double> numbers(size_t n, uint64_t seed, double low = -2.0, double high = 2.0) {
  Philox random(seed);
  std::vector<double> x(n);
  for (double& value : x) value = low + (high - low) * random.next_double();
  return x;
}

class Definition : public testing::TestWithParam<size_t> {
 protected:
  static void expect_near(const std::vector<double>& got, const std::vector<Wide>& want, double tolerance = 1e-14) {
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], static_cast<double>(want[i]), tolerance) << i;
  }
  const RealKernels<double> k = scalar_real_kernels<double>();
  const size_t n = GetParam();
  const std::vector<double> x = numbers(n, 1);
  const std::vector<double> w = numbers(n, 2);
  const std::vector<double> b = numbers(n, 3);
  std::vector<double> y = std::vector<double>(n);
};

TEST_P(Definition, RmsNorm) {
  k.rms_norm(x.data(), w.data(), y.data(), n, 0.01);
  Wide square = 0;
  for (const double v : x) square += Wide(v) * v;
  std::vector<Wide> want;
  for (size_t i = 0; i < n; ++i) want.push_back(Wide(w[i]) * x[i] / std::sqrt(square / n + 0.01L));
  expect_near(y, want);
}

TEST_P(Definition, LayerNorm) {
  const Wide mean = std::accumulate(x.begin(), x.end(), Wide(0)) / n;
  Wide variance = 0;
  for (const double v : x) variance += (v - mean) * (v - mean) / n;
  std::vector<Wide> want;
  for (size_t i = 0; i < n; ++i) want.push_back(w[i] * (x[i] - mean) / std::sqrt(variance + 0.01L) + b[i]);
  k.layer_norm(x.data(), w.data(), b.data(), y.data(), n, 0.01);
  expect_near(y, want);
  for (size_t i = 0; i < n; ++i) want[i] -= b[i];
  k.layer_norm(x.data(), w.data(), nullptr, y.data(), n, 0.01);
  expect_near(y, want);
}

TEST_P(Definition, SoftmaxAndLogSumExp) {
  const std::vector<double> far = numbers(n, 4, 690.0, 720.0);  // e^x alone would be infinite
  Wide sum = 0;
  for (const double v : far) sum += std::exp(Wide(v));
  std::vector<Wide> want;
  for (const double v : far) want.push_back(std::exp(Wide(v)) / sum);
  k.softmax(far.data(), y.data(), n);
  expect_near(y, want);
  EXPECT_NEAR(k.log_sum_exp(far.data(), n), static_cast<double>(std::log(sum)), 1e-12);
}

TEST_P(Definition, ElementByElement) {
  const auto check = [&](const auto& run, const auto& exact) {
    run();
    std::vector<Wide> want;
    for (size_t i = 0; i < n; ++i) want.push_back(exact(Wide(x[i]), Wide(w[i])));
    expect_near(y, want);
  };
  check([&] { k.add(x.data(), w.data(), y.data(), n); }, [](Wide a, Wide c) { return a + c; });
  check([&] { k.scale(x.data(), -3.5, y.data(), n); }, [](Wide a, Wide) { return -3.5L * a; });
  check([&] { k.softcap(x.data(), 1.5, y.data(), n); }, [](Wide a, Wide) { return 1.5L * std::tanh(a / 1.5L); });
  check([&] { y = w, k.axpy(2.5, x.data(), y.data(), n); }, [](Wide a, Wide c) { return c + 2.5L * a; });
  check([&] { k.gated(Activate::kSilu, x.data(), w.data(), y.data(), n); },
        [](Wide a, Wide c) { return a / (1 + std::exp(-a)) * c; });
  check([&] { k.activate(Activate::kGelu, x.data(), y.data(), n); },
        [](Wide a, Wide) { return a / 2 * std::erfc(-a / std::sqrt(2.0L)); });
  check([&] { k.activate(Activate::kRelu, x.data(), y.data(), n); }, [](Wide a, Wide) { return a > 0 ? a : 0.0L; });
}

TEST_P(Definition, OuterAccumulate) {
  constexpr size_t kTokens = 5;
  constexpr size_t kRows = 6;
  const std::vector<double> dy = numbers(kTokens * (kRows + 1), 5);
  const std::vector<double> in = numbers(kTokens * n, 6);
  std::vector<double> dw(kRows * n, 0.5);
  k.outer_accumulate(dy.data(), kRows + 1, in.data(), n, kTokens, dw.data(), kRows, n);
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t i = 0; i < n; ++i) {
      Wide want = 0.5L;
      for (size_t t = 0; t < kTokens; ++t) want += Wide(dy[t * (kRows + 1) + r]) * in[t * n + i];
      EXPECT_NEAR(dw[r * n + i], static_cast<double>(want), 1e-14);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Lengths, Definition, testing::Values(1, 7, 16, 17, 64, 100));

// real.h: 16 interleaved partial sums by fma, then the tree; a definition to the bit, in f32.
TEST(Definition, DotHasItsOrder) {
  for (const size_t n : {1U, 15U, 16U, 17U, 100U, 1000U}) {
    Philox random(n);
    std::vector<float> a(n);
    std::vector<float> c(n);
    for (size_t i = 0; i < n; ++i) {
      a[i] = random.next_float() - 0.5F;
      c[i] = random.next_float() - 0.5F;
    }
    float parts[16] = {};
    for (size_t i = 0; i < n; ++i) parts[i % 16] = std::fma(a[i], c[i], parts[i % 16]);
    for (size_t half = 8; half > 0; half /= 2) {
      for (size_t j = 0; j < half; ++j) parts[j] += parts[j + half];
    }
    EXPECT_EQ(scalar_real_kernels<float>().dot(a.data(), c.data(), n), parts[0]) << n;
  }
}

// A turn by an angle of each pair; elements behind n_rot stand still.
TEST(Definition, Rope) {
  constexpr size_t kHeads = 2;
  constexpr size_t kHeadDim = 11;
  for (const size_t n_rot : {2U, 6U, 10U}) {
    const std::vector<double> angles = numbers(n_rot / 2, 8, -3.0, 3.0);
    std::vector<double> cos_sin;
    for (const double angle : angles) {
      cos_sin.push_back(std::cos(angle));
      cos_sin.push_back(std::sin(angle));
    }
    const std::vector<double> x = numbers(kHeads * kHeadDim, 9);
    for (const bool is_adjacent : {true, false}) {
      std::vector<double> want = x;
      for (size_t head = 0; head < kHeads; ++head) {
        for (size_t i = 0; i < n_rot / 2; ++i) {
          const size_t first = head * kHeadDim + (is_adjacent ? 2 * i : i);
          const size_t second = is_adjacent ? first + 1 : first + n_rot / 2;
          want[first] = x[first] * std::cos(angles[i]) - x[second] * std::sin(angles[i]);
          want[second] = x[first] * std::sin(angles[i]) + x[second] * std::cos(angles[i]);
        }
      }
      std::vector<double> y = x;
      const RopePairs pairs = is_adjacent ? RopePairs::kAdjacent : RopePairs::kHalves;
      const RealKernels<double> k = scalar_real_kernels<double>();
      k.rope(y.data(), kHeads, kHeadDim, n_rot, cos_sin.data(), pairs, false);
      for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], want[i], 1e-15) << n_rot << " " << i;
      k.rope(y.data(), kHeads, kHeadDim, n_rot, cos_sin.data(), pairs, true);
      for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], x[i], 1e-15) << "and back, " << i;
    }
  }
}

}  // namespace
}  // namespace kinglet::kernels
