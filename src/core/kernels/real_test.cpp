// Every entry of RealKernels in every table: the bits of the scalar one on lengths around the vector's, off alignment,
// in place, without a byte written elsewhere; and scalar float beside double. attend and the cache are in
// attend_test.cpp, what each kernel means in definition_test.cpp.
#include "core/kernels/real.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <string>

#include "core/kernels/guarded.h"
#include "core/kernels/select.h"

namespace kinglet::kernels {
namespace {

std::vector<KernelTable> wide_tables() {
  std::vector<KernelTable> all;
  for (const auto isa : {Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
    if (const auto table = select(detect(), isa)) all.push_back(*table);
  }
  return all;
}

template <class Real>
using Outputs = std::vector<std::vector<Real>>;

/// A kernel on inputs that depend on n and `offset` alone.
template <class Real>
struct Call {
  std::string name;
  /// float beside double: (n / 16 + steps) epsilons of the largest output (at least 1) times `growth`, which bounds how
  /// much larger than the outputs what is summed may be.
  double steps;
  std::function<double(size_t n)> growth;
  std::function<Outputs<Real>(const RealKernels<Real>& k, size_t n, size_t offset)> run;
};

/// Arrays of one call, checked and taken out together.
template <class Real>
class Arrays {
 public:
  explicit Arrays(size_t offset) : offset_(offset), random_(offset + 1) {}

  /// Inputs, and outputs that are accumulated to, get numbers. Each array has another alignment.
  Guarded<Real>& make(size_t n, float low = -2.0F, float high = 2.0F) {
    arrays_.push_back(std::make_unique<Guarded<Real>>(n, (offset_ + arrays_.size() * 3) % 16));
    return arrays_.back()->fill(random_, low, high);
  }
  /// All arrays after a call: inputs too, so that one that was written to is seen.
  Outputs<Real> taken() {
    Outputs<Real> all;
    for (auto& array : arrays_) {
      EXPECT_TRUE(array->is_intact());
      all.push_back(array->copy());
    }
    return all;
  }

 private:
  size_t offset_;
  Philox random_;
  std::vector<std::unique_ptr<Guarded<Real>>> arrays_;
};

constexpr Activate kKinds[] = {Activate::kSilu, Activate::kGelu, Activate::kGeluTanh,
                               Activate::kRelu, Activate::kTanh, Activate::kSigmoid};

template <class Real>
std::vector<Call<Real>> make_calls() {
  using K = RealKernels<Real>;
  std::vector<Call<Real>> calls;
  const auto flat = [](size_t) { return 1.0; };
  const auto per_element = [](size_t n) { return 4.0 * static_cast<double>(n); };
  const auto add = [&](std::string name, double steps, auto growth, auto run) {
    calls.push_back({std::move(name), steps, growth, [run](const K& k, size_t n, size_t offset) {
                       Arrays<Real> arrays(offset);
                       run(k, n, arrays);
                       return arrays.taken();
                     }});
  };
  // The order of arguments of a call is not that of their evaluation, so arrays are made one by one before it.
  add("rms_norm", 12, flat, [](const K& k, size_t n, auto& a) {
    Real* x = a.make(n).data();
    Real* w = a.make(n).data();
    k.rms_norm(x, w, a.make(n).data(), n, Real(1e-3));
    k.rms_norm(x, w, x, n, Real(1e-3));
  });
  add("rms_norm_backward", 40, flat, [](const K& k, size_t n, auto& a) {
    Real* x = a.make(n).data();
    Real* w = a.make(n).data();
    Real* dy = a.make(n).data();
    Real* dx = a.make(n).data();
    k.rms_norm_backward(x, w, dy, dx, a.make(n).data(), n, Real(1e-1));
    k.rms_norm_backward(x, w, dy, dx, nullptr, n, Real(1e-1));
  });
  add("layer_norm", 40, flat, [](const K& k, size_t n, auto& a) {
    Real* x = a.make(n).data();
    Real* w = a.make(n).data();
    Real* b = a.make(n).data();
    k.layer_norm(x, w, b, a.make(n).data(), n, Real(1e-1));
    k.layer_norm(x, w, nullptr, a.make(n).data(), n, Real(1e-1));
    k.layer_norm(x, w, b, x, n, Real(1e-1));
  });
  add("layer_norm_backward", 100, flat, [](const K& k, size_t n, auto& a) {
    Real* x = a.make(n).data();
    Real* w = a.make(n).data();
    Real* dy = a.make(n).data();
    Real* dx = a.make(n).data();
    Real* dw = a.make(n).data();
    Real* db = a.make(n).data();
    k.layer_norm_backward(x, w, dy, dx, dw, db, n, Real(1e-1));
    k.layer_norm_backward(x, w, dy, dx, nullptr, db, n, Real(1e-1));
    k.layer_norm_backward(x, w, dy, dx, dw, nullptr, n, Real(1e-1));
  });
  add("rope", 8, flat, [](const K& k, size_t n, auto& a) {
    const size_t head_dim = n + 1;
    const size_t n_rot = n / 2 * 2;
    Real* cos_sin = a.make(n_rot, -1.0F, 1.0F).data();
    for (const RopePairs pairs : {RopePairs::kAdjacent, RopePairs::kHalves}) {
      Real* x = a.make(3 * head_dim).data();
      k.rope(x, 3, head_dim, n_rot, cos_sin, pairs, false);
      Real* back = a.make(3 * head_dim).data();
      k.rope(back, 3, head_dim, n_rot, cos_sin, pairs, true);
    }
  });
  add("softmax", 40, flat, [](const K& k, size_t n, auto& a) {
    Real* x = a.make(n, -9.0F, 9.0F).data();
    k.softmax(x, a.make(n).data(), n);
    k.softmax(x, x, n);
  });
  add("log_sum_exp", 40, flat, [](const K& k, size_t n, auto& a) {
    Real* x = a.make(n, -9.0F, 9.0F).data();
    *a.make(1).data() = k.log_sum_exp(x, n);
  });
  add("activate", 16, flat, [](const K& k, size_t n, auto& a) {
    for (const Activate kind : kKinds) {
      Real* x = a.make(n, -6.0F, 6.0F).data();
      k.activate(kind, x, a.make(n).data(), n);
      k.activate(kind, x, x, n);
    }
  });
  add("activate_backward", 40, flat, [](const K& k, size_t n, auto& a) {
    for (const Activate kind : kKinds) {
      Real* x = a.make(n, -6.0F, 6.0F).data();
      Real* dy = a.make(n).data();
      k.activate_backward(kind, x, dy, a.make(n).data(), n);
    }
  });
  add("gated", 16, flat, [](const K& k, size_t n, auto& a) {
    for (const Activate kind : kKinds) {
      Real* gate = a.make(n, -6.0F, 6.0F).data();
      Real* up = a.make(n).data();
      k.gated(kind, gate, up, a.make(n).data(), n);
      k.gated(kind, gate, up, up, n);
    }
  });
  add("gated_backward", 60, flat, [](const K& k, size_t n, auto& a) {
    for (const Activate kind : kKinds) {
      Real* gate = a.make(n, -6.0F, 6.0F).data();
      Real* up = a.make(n).data();
      Real* dy = a.make(n).data();
      Real* dgate = a.make(n).data();
      k.gated_backward(kind, gate, up, dy, dgate, a.make(n).data(), n);
    }
  });
  add("add", 1, flat, [](const K& k, size_t n, auto& a) {
    Real* x = a.make(n).data();
    Real* y = a.make(n).data();
    k.add(x, y, a.make(n).data(), n);
    k.add(x, y, x, n);
  });
  add("scale", 1, flat, [](const K& k, size_t n, auto& a) {
    Real* x = a.make(n).data();
    k.scale(x, Real(1.75), a.make(n).data(), n);
    k.scale(x, Real(-0.375), x, n);
  });
  add("axpy", 1, flat, [](const K& k, size_t n, auto& a) {
    Real* x = a.make(n).data();
    k.axpy(Real(1.75), x, a.make(n).data(), n);
  });
  add("dot", 5, per_element, [](const K& k, size_t n, auto& a) {
    Real* x = a.make(n).data();
    Real* y = a.make(n).data();
    *a.make(1).data() = k.dot(x, y, n);
  });
  add("softcap", 8, flat, [](const K& k, size_t n, auto& a) {
    Real* x = a.make(n, -20.0F, 20.0F).data();
    k.softcap(x, Real(5), a.make(n).data(), n);
    k.softcap(x, Real(5), x, n);
  });
  add("softcap_backward", 8, flat, [](const K& k, size_t n, auto& a) {
    Real* y = a.make(n).data();
    Real* dy = a.make(n).data();
    k.softcap_backward(y, Real(2.5), dy, a.make(n).data(), n);
  });
  add(
      "outer_accumulate", 8, [](size_t) { return 200.0; },
      [](const K& k, size_t n, auto& a) {
        for (const auto& [n_tokens, n_rows] : {std::pair{3, 5}, std::pair{67, 4}, std::pair{1, 1}}) {
          const auto T = static_cast<size_t>(n_tokens);
          const auto R = static_cast<size_t>(n_rows);
          Real* dy = a.make(T * (R + 2)).data();
          Real* x = a.make(T * (n + 3)).data();
          k.outer_accumulate(dy, R + 2, x, n + 3, T, a.make(R * n).data(), R, n);
        }
      });
  return calls;
}

template <class Real>
const std::vector<Call<Real>>& calls() {
  static const std::vector<Call<Real>> all = make_calls<Real>();
  return all;
}

const size_t kLengths[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 80, 96, 127, 128, 129, 200, 257};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::ranges::equal(a, b, {}, std::bit_cast<uint32_t, float>, std::bit_cast<uint32_t, float>);
}

TEST(RealKernels, GiveTheBitsOfScalar) {
  const RealKernels<float> scalar = scalar_real_kernels<float>();
  const auto tables = wide_tables();
  if (tables.empty()) GTEST_SKIP() << "this CPU has no wider table than scalar";
  for (const KernelTable& table : tables) {
    for (const auto& call : calls<float>()) {
      for (const size_t n : kLengths) {
        for (const size_t offset : {0U, 1U, 5U, 8U}) {
          const auto want = call.run(scalar, n, offset);
          const auto got = call.run(table.real, n, offset);
          for (size_t i = 0; i < want.size(); ++i) {
            ASSERT_TRUE(same_bits(got[i], want[i])) << table.name << " " << call.name << ", n " << n << ", array " << i;
          }
        }
      }
    }
  }
}

TEST(RealKernels, FloatIsNearDouble) {
  const RealKernels<float> of_float = scalar_real_kernels<float>();
  const RealKernels<double> of_double = scalar_real_kernels<double>();
  for (size_t c = 0; c < calls<float>().size(); ++c) {
    const auto& call = calls<float>()[c];
    for (const size_t n : {1U, 5U, 16U, 33U, 129U, 1000U}) {
      const auto got = call.run(of_float, n, 2);
      const auto want = calls<double>()[c].run(of_double, n, 2);
      for (size_t i = 0; i < want.size(); ++i) {
        double largest = 1;
        for (const double x : want[i]) largest = std::max(largest, std::abs(x));
        const double epsilon = static_cast<double>(std::numeric_limits<float>::epsilon());
        const double bound = (static_cast<double>(n) / 16 + call.steps) * epsilon * largest * call.growth(n);
        for (size_t j = 0; j < want[i].size(); ++j) {
          ASSERT_NEAR(static_cast<double>(got[i][j]), want[i][j], bound) << call.name << ", n " << n << ", array " << i;
        }
      }
    }
  }
}

// What no model should make, yet a damaged one may: every table treats it alike.
TEST(RealKernels, NumbersThatAreNotFiniteGiveTheSameKind) {
  const RealKernels<float> scalar = scalar_real_kernels<float>();
  constexpr float kOdd[] = {std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(),
                            3e38F,
                            -3e38F,
                            1e-42F,
                            -1e-42F,
                            -0.0F};
  for (const KernelTable& table : wide_tables()) {
    for (const Activate kind : kKinds) {
      std::vector<float> x(kOdd, kOdd + 8);
      x.resize(21, 0.5F);
      std::vector<float> want(x.size());
      std::vector<float> got(x.size());
      scalar.activate(kind, x.data(), want.data(), x.size());
      table.real.activate(kind, x.data(), got.data(), x.size());
      for (size_t i = 0; i < x.size(); ++i) {
        if (std::isnan(want[i])) {
          EXPECT_TRUE(std::isnan(got[i])) << table.name << " " << i;
        } else {
          EXPECT_EQ(got[i], want[i]) << table.name << " " << i;
        }
      }
    }
  }
}

TEST(RealKernels, EachHasACase) {
  std::set<std::string> names;
  for (const auto& call : calls<float>()) names.insert(call.name);
  // attend_test.cpp has the cases of these.
  for (const char* name : {"store_key", "store_value", "attend", "attend_plain", "attend_backward"}) names.insert(name);
  EXPECT_EQ(names.size() * sizeof(void*), sizeof(RealKernels<float>)) << "an entry of RealKernels has no case";
}

}  // namespace
}  // namespace kinglet::kernels
