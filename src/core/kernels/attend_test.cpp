// Attention and the cache: against softmax written out in double over what the cache's format makes of keys and values;
// the bits of scalar in every table; a row's bits whatever rows stand beside it; plain rows as a kF32 cache.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/kernels/guarded.h"
#include "core/kernels/select.h"

namespace kinglet::kernels {
namespace {

std::vector<KernelTable> tables() {
  std::vector<KernelTable> all;
  for (const auto isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
    if (const auto table = select(detect(), isa)) all.push_back(*table);
  }
  return all;
}

/// Sizes and settings of one attention.
struct Shape {
  size_t D;
  size_t G;
  size_t n_rows;
  size_t n_keys;
  float softcap = 0.0F;
  bool has_sinks = false;
  size_t window = 0;  ///< 0: all keys up to the row's own.
};

constexpr Shape kShapes[] = {
    {32, 1, 1, 1},
    {32, 3, 1, 33},
    {64, 3, 1, 100},
    {64, 1, 9, 9},
    {64, 4, 7, 71},
    {96, 2, 5, 40},
    {128, 8, 2, 65},
    {32, 13, 3, 45},
    {64, 2, 32, 100},
    {64, 2, 4, 50, 1.5F},
    {64, 3, 4, 50, 0, true},
    {32, 2, 9, 90, 0, false, 5},
    {32, 1, 3, 70, 2, true, 33},
    {4, 2, 3, 37},
    {1, 1, 2, 35},
    {7, 2, 5, 40},
    {20, 6, 5, 64},
    {48, 7, 3, 96},
    {80, 1, 6, 31},
    {17, 5, 2, 34, 0.5F, true, 3},
};

/// Keys, values and queries of a shape, and the rows that see them.
class Problem {
 public:
  explicit Problem(const Shape& of) : shape(of), spec{of.D, 1.0F / std::sqrt(static_cast<float>(of.D)), of.softcap} {
    Philox random(of.D * 1000 + of.n_keys);
    const auto fill = [&](std::vector<float>& x, size_t n) {
      x.resize(n);
      for (float& number : x) number = random.next_float() * 4.0F - 2.0F;
    };
    fill(k, of.n_keys * of.D);
    fill(v, of.n_keys * of.D);
    fill(q, of.n_rows * q_stride());
    fill(sinks, of.G);
    for (size_t i = 0; i < of.n_rows; ++i) {
      hi.push_back(static_cast<uint32_t>(of.n_keys - of.n_rows + i + 1));
      lo.push_back(of.window == 0 || hi[i] < of.window ? 0 : hi[i] - static_cast<uint32_t>(of.window));
    }
  }

  [[nodiscard]] size_t q_stride() const { return shape.G * shape.D + 3; }
  [[nodiscard]] size_t out_stride() const { return shape.G * shape.D + 5; }

  /// Rows [first, first + n).
  [[nodiscard]] AttendRows<float> rows(size_t first, size_t n, float* out, float* lse) const {
    return {n,
            shape.G,
            lo.data() + first,
            hi.data() + first,
            q.data() + first * q_stride(),
            q_stride(),
            out,
            out_stride(),
            shape.has_sinks ? sinks.data() : nullptr,
            lse,
            shape.G};
  }

  Shape shape;
  AttendSpec<float> spec;
  std::vector<float> k, v, q, sinks;
  std::vector<uint32_t> lo, hi;
};

/// A cache of one head, pages in no order, the head `kOffset` bytes into each page.
class Cache {
 public:
  static constexpr size_t kOffset = 192;

  Cache(const RealKernels<float>& kernels, const Problem& of, KvType type) : type_(type) {
    const size_t head_bytes = kPageTokens * kv_bytes(type, of.shape.D);
    const size_t n_pages = (of.shape.n_keys + kPageTokens - 1) / kPageTokens;
    for (size_t i = 0; i < 2 * n_pages; ++i) {
      pages_.emplace_back(kOffset + head_bytes, 0);
      // What nobody has written yet may be anything: NaN in every type.
      std::memset(pages_.back().data(), 0xFF, kOffset + head_bytes);
    }
    for (size_t i = 0; i < n_pages; ++i) {
      k_pages_.push_back(pages_[2 * n_pages - 1 - i].data());
      v_pages_.push_back(pages_[i].data());
    }
    for (size_t i = 0; i < of.shape.n_keys; ++i) {
      kernels.store_key(type, of.k.data() + i * of.shape.D, k_pages_[i / kPageTokens] + kOffset, i % kPageTokens,
                        of.shape.D);
      kernels.store_value(type, of.v.data() + i * of.shape.D, v_pages_[i / kPageTokens] + kOffset, i % kPageTokens,
                          of.shape.D);
    }
    // A sliding window has freed the pages before the first visible key.
    for (size_t page = 0; (page + 1) * kPageTokens <= of.lo[0]; ++page) k_pages_[page] = v_pages_[page] = nullptr;
  }

  [[nodiscard]] KeyView view() const { return {k_pages_.data(), v_pages_.data(), kOffset, type_}; }
  [[nodiscard]] bool is_intact() const {
    return std::ranges::all_of(pages_, [](const auto& page) { return page.is_intact(); });
  }
  [[nodiscard]] std::vector<std::vector<std::byte>> bytes() {
    std::vector<std::vector<std::byte>> all;
    for (auto& page : pages_) all.push_back(page.copy());
    return all;
  }

 private:
  KvType type_;
  std::vector<Guarded<std::byte>> pages_;
  std::vector<std::byte*> k_pages_;
  std::vector<std::byte*> v_pages_;
};

struct Answer {
  std::vector<float> out;  // [n_rows, G D], without what the stride leaves between
  std::vector<float> lse;
  friend bool operator==(const Answer& a, const Answer& b) {
    return std::memcmp(a.out.data(), b.out.data(), a.out.size() * 4) == 0 &&
           std::memcmp(a.lse.data(), b.lse.data(), a.lse.size() * 4) == 0;
  }
};

/// Runs rows [first, first + n) with room of exactly the size that attend_scratch says.
template <class Attend>
Answer answer_of(const Problem& of, size_t first, size_t n, const Attend& attend) {
  Guarded<float> out(n * of.out_stride(), 1);
  Guarded<float> lse(n * of.shape.G, 2);
  Guarded<float> scratch(attend_scratch(n, of.shape.G, of.shape.D), 0);
  attend(of.rows(first, n, out.data(), lse.data()), scratch.data());
  EXPECT_TRUE(out.is_intact());
  EXPECT_TRUE(lse.is_intact());
  EXPECT_TRUE(scratch.is_intact()) << "attend_scratch is enough";
  Answer answer;
  for (size_t i = 0; i < n; ++i) {
    const float* row = out.data() + i * of.out_stride();
    answer.out.insert(answer.out.end(), row, row + of.shape.G * of.shape.D);
    for (size_t j = of.shape.G * of.shape.D; j < of.out_stride(); ++j) EXPECT_EQ(row[j], 0.0F) << "between rows";
  }
  answer.lse = lse.copy();
  return answer;
}

Answer over_cache(const RealKernels<float>& kernels, const Problem& of, const Cache& cache, size_t first, size_t n) {
  return answer_of(of, first, n, [&](const AttendRows<float>& rows, float* scratch) {
    kernels.attend(of.spec, cache.view(), rows, scratch);
  });
}

Answer over_rows(const RealKernels<float>& kernels, const Problem& of) {
  return answer_of(of, 0, of.shape.n_rows, [&](const AttendRows<float>& rows, float* scratch) {
    kernels.attend_plain(of.spec, {of.k.data(), of.v.data(), of.shape.D}, rows, scratch);
  });
}

/// What a cache of this type makes of a key or value.
std::vector<float> as_stored(KvType type, const std::vector<float>& x) {
  if (type == KvType::kF32) return x;
  const char* name = type == KvType::kF16 ? "F16" : type == KvType::kQ8_0 ? "Q8_0" : "Q4_0";
  const quant::Format& format = *quant::find_by_name(name);
  std::vector<std::byte> blocks(format.row_bytes(x.size()));
  std::vector<float> back(x.size());
  format.encode(x.data(), nullptr, blocks.data(), x.size());
  format.decode(blocks.data(), back.data(), x.size());
  return back;
}

/// Softmax over the scores, written out.
void expect_attention(const Answer& got, const Problem& of, KvType type, double tolerance) {
  const auto k = as_stored(type, of.k);
  const auto v = as_stored(type, of.v);
  const size_t D = of.shape.D;
  for (size_t i = 0; i < of.shape.n_rows; ++i) {
    for (size_t g = 0; g < of.shape.G; ++g) {
      std::vector<double> weights;
      double sum = of.shape.has_sinks ? std::exp(static_cast<double>(of.sinks[g])) : 0.0;
      for (size_t key = of.lo[i]; key < of.hi[i]; ++key) {
        double score = 0;
        for (size_t d = 0; d < D; ++d) {
          score += static_cast<double>(of.q[i * of.q_stride() + g * D + d]) * static_cast<double>(k[key * D + d]);
        }
        score *= static_cast<double>(of.spec.scale);
        const auto cap = static_cast<double>(of.spec.softcap);
        if (cap > 0) score = cap * std::tanh(score / cap);
        weights.push_back(std::exp(score));
        sum += weights.back();
      }
      ASSERT_NEAR(static_cast<double>(got.lse[i * of.shape.G + g]), std::log(sum), tolerance);
      for (size_t d = 0; d < D; ++d) {
        double want = 0;
        for (size_t key = of.lo[i]; key < of.hi[i]; ++key) {
          want += weights[key - of.lo[i]] / sum * static_cast<double>(v[key * D + d]);
        }
        ASSERT_NEAR(static_cast<double>(got.out[(i * of.shape.G + g) * D + d]), want, tolerance)
            << "row " << i << ", head " << g;
      }
    }
  }
}

std::string describe(const KernelTable& table, const Shape& shape, KvType type) {
  return str(table.name, ": D ", shape.D, ", G ", shape.G, ", rows ", shape.n_rows, ", keys ", shape.n_keys, ", type ",
             static_cast<int>(type));
}

/// Calls use(table, problem, type) for all that go together.
template <class Use>
void for_all(const Use& use) {
  for (const KernelTable& table : tables()) {
    for (const Shape& shape : kShapes) {
      const Problem problem(shape);
      for (const KvType type : {KvType::kF32, KvType::kF16, KvType::kQ8_0, KvType::kQ4_0}) {
        if ((type == KvType::kQ8_0 || type == KvType::kQ4_0) && shape.D % 32 != 0) continue;
        SCOPED_TRACE(describe(table, shape, type));
        use(table, problem, type);
      }
    }
  }
}

TEST(Attend, IsSoftmaxOverWhatTheCacheHolds) {
  for_all([](const KernelTable& table, const Problem& problem, KvType type) {
    const Cache cache(table.real, problem, type);
    EXPECT_TRUE(cache.is_intact());
    const Answer answer = over_cache(table.real, problem, cache, 0, problem.shape.n_rows);
    // Scores are up to D / 2 with an error of some D epsilons, which e^x takes over.
    expect_attention(answer, problem, type, 4e-7 * (10.0 + static_cast<double>(problem.shape.D)));
  });
}

TEST(Attend, GivesTheBitsOfScalar) {
  const RealKernels<float> scalar = scalar_real_kernels<float>();
  for_all([&](const KernelTable& table, const Problem& problem, KvType type) {
    Cache want(scalar, problem, type);
    Cache got(table.real, problem, type);
    ASSERT_EQ(got.bytes(), want.bytes()) << "stored";
    ASSERT_EQ(over_cache(table.real, problem, got, 0, problem.shape.n_rows),
              over_cache(scalar, problem, want, 0, problem.shape.n_rows));
  });
}

TEST(Attend, PlainRowsGiveTheBitsOfAnF32Cache) {
  for (const KernelTable& table : tables()) {
    for (const Shape& shape : kShapes) {
      const Problem problem(shape);
      const Cache cache(table.real, problem, KvType::kF32);
      ASSERT_EQ(over_rows(table.real, problem), over_cache(table.real, problem, cache, 0, shape.n_rows))
          << describe(table, shape, KvType::kF32);
    }
  }
}

TEST(Attend, ARowHasItsBitsAlone) {
  for_all([](const KernelTable& table, const Problem& problem, KvType type) {
    const Cache cache(table.real, problem, type);
    const Answer together = over_cache(table.real, problem, cache, 0, problem.shape.n_rows);
    const size_t width = problem.shape.G * problem.shape.D;
    for (size_t i = 0; i < problem.shape.n_rows; ++i) {
      const Answer alone = over_cache(table.real, problem, cache, i, 1);
      ASSERT_EQ(std::memcmp(alone.out.data(), together.out.data() + i * width, width * sizeof(float)), 0)
          << "row " << i;
      // Two neighbours, of which this is the second: another group.
      if (i == 0) continue;
      const Answer pair = over_cache(table.real, problem, cache, i - 1, 2);
      ASSERT_EQ(std::memcmp(pair.out.data() + width, together.out.data() + i * width, width * sizeof(float)), 0)
          << "row " << i;
    }
  });
}

// Its gradients are checked in double through the graph; here every table has the bits of scalar, within its room.
TEST(AttendBackward, GivesTheBitsOfScalar) {
  const RealKernels<float> scalar = scalar_real_kernels<float>();
  for (const KernelTable& table : tables()) {
    for (const Shape& shape : kShapes) {
      const Problem problem(shape);
      const Answer forward = over_rows(scalar, problem);
      const size_t D = shape.D;
      const auto run = [&](const RealKernels<float>& kernels) {
        Philox random(3);
        Guarded<float> d_out(shape.G * D, 3);
        Guarded<float> dq(shape.G * D, 1);
        Guarded<float> dk(shape.n_keys * D, 5);
        Guarded<float> dv(shape.n_keys * D, 7);
        Guarded<float> scratch(attend_scratch(1, shape.G, D), 0);
        for (size_t i = 0; i < shape.n_rows; ++i) {
          d_out.fill(random);
          kernels.attend_backward(problem.spec, {problem.k.data(), problem.v.data(), D}, problem.lo[i], problem.hi[i],
                                  shape.G, problem.q.data() + i * problem.q_stride(),
                                  forward.out.data() + i * shape.G * D, d_out.data(), forward.lse.data() + i * shape.G,
                                  dq.data(), dk.data(), dv.data(), scratch.data());
        }
        EXPECT_TRUE(dq.is_intact() && dk.is_intact() && dv.is_intact() && scratch.is_intact());
        std::vector<float> all = dq.copy();
        for (auto* part : {&dk, &dv}) all.insert(all.end(), part->data(), part->data() + part->size());
        return all;
      };
      const auto want = run(scalar);
      const auto got = run(table.real);
      ASSERT_EQ(std::memcmp(want.data(), got.data(), want.size() * sizeof(float)), 0)
          << describe(table, shape, KvType::kF32);
    }
  }
}

}  // namespace
}  // namespace kinglet::kernels
