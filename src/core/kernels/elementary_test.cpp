// How far the elementary functions are from libm in long double, in units of the last place of the right result. The
// scalar vector is measured; real_test.cpp shows that the others give the same bits.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>

#include "core/base/base.h"
#include "core/kernels/scalar/vec.h"
// After the vector, whose functions the templates call.
#include "core/kernels/inl/elementwise.inl.h"

namespace kinglet::kernels {
namespace {

template <class Real>
using Bits = std::conditional_t<sizeof(Real) == 4, uint32_t, uint64_t>;

/// The distance of `got` from `want`, in steps of Real at `want`.
template <class Real>
double ulps(Real got, long double want) {
  if (std::isnan(got) || std::isinf(got)) return HUGE_VAL;
  const Real nearest = static_cast<Real>(want);
  const int exponent = std::max(std::ilogb(nearest == 0 ? std::numeric_limits<Real>::min() : nearest),
                                std::numeric_limits<Real>::min_exponent - 1);
  const long double step = std::ldexp(1.0L, exponent - std::numeric_limits<Real>::digits + 1);
  return static_cast<double>(std::fabs(static_cast<long double>(got) - want) / step);
}

/// Calls use(x) for numbers of both signs, evenly spread over the bit patterns of [low, high], which are positive.
template <class Real, class Use>
void for_magnitudes(Real low, Real high, const Use& use) {
  constexpr Bits<Real> kPoints = 20000;
  const auto first = std::bit_cast<Bits<Real>>(low);
  const auto last = std::bit_cast<Bits<Real>>(high);
  for (Bits<Real> i = 0; i <= kPoints; ++i) {
    const Real x = std::bit_cast<Real>(first + static_cast<Bits<Real>>((last - first) / kPoints * i));
    use(x);
    use(-x);
  }
}

template <class Real, class F>
Real at(const F& f, Real x) {
  return f(ScalarVec<Real>::set(x)).lane[3];
}

template <class Real>
struct Name;
template <>
struct Name<float> {
  static constexpr const char* kName = "float";
};
template <>
struct Name<double> {
  static constexpr const char* kName = "double";
};

/// The largest error of f beside `exact`, over magnitudes in [low, high]; prints where it is.
template <class Real, class F, class Exact>
double worst(const char* name, Real low, Real high, const F& f, const Exact& exact) {
  double most = 0;
  Real place = 0;
  for_magnitudes<Real>(low, high, [&](Real x) {
    const double off = ulps<Real>(at(f, x), exact(static_cast<long double>(x)));
    if (off > most) {
      most = off;
      place = x;
    }
  });
  std::printf("%-6s %-10s %.3f ulp at %g\n", Name<Real>::kName, name, most, static_cast<double>(place));
  return most;
}

template <class Real>
class Elementary : public testing::Test {};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(Elementary, Reals);

TYPED_TEST(Elementary, Exp) {
  using Real = TypeParam;
  const auto f = [](const auto& x) { return exp(x); };
  const Real high = sizeof(Real) == 4 ? Real(87.3) : Real(708.0);
  EXPECT_LE(worst<Real>("exp", Real(1e-30), high, f, [](long double x) { return std::exp(x); }), 1.1);
  EXPECT_EQ(at(f, Real(0)), Real(1));
  EXPECT_EQ(at(f, -std::numeric_limits<Real>::infinity()), Real(0));
  EXPECT_TRUE(std::isfinite(at(f, std::numeric_limits<Real>::infinity()))) << "sums of weights stay finite";
  EXPECT_TRUE(std::isnan(at(f, std::numeric_limits<Real>::quiet_NaN())));
  // It never falls where x grows: the order of probabilities is that of logits.
  Real before = 0;
  for (int i = -120000; i < 120000; ++i) {
    const Real here = at(f, static_cast<Real>(i) * Real(7e-4));
    ASSERT_GE(here, before) << i;
    before = here;
  }
}

TYPED_TEST(Elementary, Sigmoid) {
  using Real = TypeParam;
  const auto exact = [](long double x) { return 1 / (1 + std::exp(-x)); };
  EXPECT_LE(worst<Real>("sigmoid", Real(1e-30), Real(87), [](const auto& x) { return sigmoid(x); }, exact), 2.6);
}

TYPED_TEST(Elementary, Tanh) {
  using Real = TypeParam;
  const auto f = [](const auto& x) { return tanh(x); };
  EXPECT_LE(worst<Real>("tanh", Real(1e-30), Real(60), f, [](long double x) { return std::tanh(x); }), 2.6);
  EXPECT_EQ(at(f, Real(0)), Real(0));
  EXPECT_EQ(at(f, std::numeric_limits<Real>::infinity()), Real(1));
  EXPECT_EQ(at(f, -std::numeric_limits<Real>::infinity()), Real(-1));
  EXPECT_TRUE(std::isnan(at(f, std::numeric_limits<Real>::quiet_NaN())));
}

TYPED_TEST(Elementary, Erf) {
  using Real = TypeParam;
  const auto f = [](const auto& x) { return erf(x); };
  EXPECT_LE(worst<Real>("erf", Real(1e-30), Real(10), f, [](long double x) { return std::erf(x); }), 2.6);
  EXPECT_EQ(at(f, Real(0)), Real(0));
  EXPECT_TRUE(std::isnan(at(f, std::numeric_limits<Real>::quiet_NaN())));
}

TYPED_TEST(Elementary, Log) {
  using Real = TypeParam;
  double most = 0;
  for_magnitudes<Real>(std::numeric_limits<Real>::min(), std::numeric_limits<Real>::max(), [&](Real x) {
    if (x > 0) most = std::max(most, ulps<Real>(log_of(x), std::log(static_cast<long double>(x))));
  });
  // Near 1 the result crosses zero.
  double near_one = 0;
  for_magnitudes<Real>(Real(0.7), Real(1.4), [&](Real x) {
    if (x > 0 && x != 1) near_one = std::max(near_one, ulps<Real>(log_of(x), std::log(static_cast<long double>(x))));
  });
  std::printf("%-6s log        %.3f ulp, %.3f between 0.7 and 1.4\n", Name<Real>::kName, most, near_one);
  EXPECT_LE(most, 2.3);
  EXPECT_LE(near_one, 2.8);
  EXPECT_EQ(log_of(Real(1)), Real(0));
  EXPECT_EQ(log_of(Real(0)), -std::numeric_limits<Real>::infinity());
  EXPECT_EQ(log_of(std::numeric_limits<Real>::infinity()), std::numeric_limits<Real>::infinity());
  EXPECT_TRUE(std::isnan(log_of(std::numeric_limits<Real>::quiet_NaN())));
}

// Activations cancel where the result is small, so their error is measured against |x| (the slope is at most 1.13).
template <class Real, class Exact>
double worst_beside_x(const char* name, Activate kind, const Exact& exact) {
  double most = 0;
  for_magnitudes<Real>(Real(1e-30), Real(80), [&](Real x) {
    const Real got = at([&](const auto& v) { return apply(kind, v); }, x);
    const long double off = std::fabs(static_cast<long double>(got) - exact(static_cast<long double>(x)));
    most = std::max(most, static_cast<double>(off / std::fabs(static_cast<long double>(x))));
  });
  const double steps = most / static_cast<double>(std::numeric_limits<Real>::epsilon());
  std::printf("%-6s %-10s %.3f epsilon of x\n", Name<Real>::kName, name, steps);
  return steps;
}

template <class Real, class Exact>
double worst_slope(const char* name, Activate kind, const Exact& exact) {
  double most = 0;
  for_magnitudes<Real>(Real(1e-30), Real(30), [&](Real x) {
    const Real got = at([&](const auto& v) { return slope(kind, v); }, x);
    most = std::max(most,
                    static_cast<double>(std::fabs(static_cast<long double>(got) - exact(static_cast<long double>(x)))));
  });
  const double steps = most / static_cast<double>(std::numeric_limits<Real>::epsilon());
  std::printf("%-6s %-10s %.3f epsilon (slope)\n", Name<Real>::kName, name, steps);
  return steps;
}

TYPED_TEST(Elementary, Activations) {
  using Real = TypeParam;
  const auto silu = [](long double x) { return x / (1 + std::exp(-x)); };
  const auto gelu = [](long double x) { return x / 2 * std::erfc(-x / std::sqrt(2.0L)); };
  const auto inner = [](long double x) {
    return std::sqrt(2.0L / 3.14159265358979323846264338L) * (x + 0.044715L * x * x * x);
  };
  const auto gelu_tanh = [&](long double x) { return x / (1 + std::exp(-2 * inner(x))); };
  EXPECT_LE(worst_beside_x<Real>("silu", Activate::kSilu, silu), 1.5);
  EXPECT_LE(worst_beside_x<Real>("gelu", Activate::kGelu, gelu), 2.0);
  EXPECT_LE(worst_beside_x<Real>("gelu_tanh", Activate::kGeluTanh, gelu_tanh), 3.0);
  EXPECT_EQ(worst_beside_x<Real>("relu", Activate::kRelu, [](long double x) { return x > 0 ? x : 0.0L; }), 0.0);
  // For large x the sigmoid (tanh) is within a step of 1, and x times what is left of 1 has an error of x / 2 steps;
  // the slope itself is near 1.
  EXPECT_LE(worst_slope<Real>("silu", Activate::kSilu,
                              [](long double x) {
                                const long double s = 1 / (1 + std::exp(-x));
                                return s * (1 + x * (1 - s));
                              }),
            16.0);
  EXPECT_LE(worst_slope<Real>("gelu", Activate::kGelu,
                              [](long double x) {
                                return std::erfc(-x / std::sqrt(2.0L)) / 2 +
                                       x * std::exp(-x * x / 2) / std::sqrt(2 * 3.14159265358979323846264338L);
                              }),
            4.0);
  EXPECT_LE(worst_slope<Real>("gelu_tanh", Activate::kGeluTanh,
                              [&](long double x) {
                                const long double t = std::tanh(inner(x));
                                const long double d =
                                    std::sqrt(2.0L / 3.14159265358979323846264338L) * (1 + 3 * 0.044715L * x * x);
                                return (1 + t) / 2 + x / 2 * (1 - t * t) * d;
                              }),
            32.0);
}

}  // namespace
}  // namespace kinglet::kernels
