// Gradients of every operation in double precision against finite differences, f32 beside double on every instruction
// set, and the same bits whatever threads share the work. An operation without a case fails the last test.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <set>
#include <thread>

#include "core/graph/op_cases.h"
#include "core/kernels/select.h"

namespace kinglet::graph {
namespace {

/// A case as a graph with a loss and gradients of all weights (or without), ready to run.
template <class Real>
class Differentiated {
 public:
  Differentiated(const OpCase& of, const kernels::KernelTable& table, ThreadPool& pool, bool with_gradients = true)
      : case_(of), rows_(of.batch_rows()) {
    output_ = of.build(case_builder);
    ir::Builder& b = case_builder.b;
    ir::Graph& graph = case_builder.graph;
    const size_t cols = graph.type(output_).cols;
    // Cross-entropy gives each row and column a gradient of its own.
    loss_ = cols == 1 ? ops::mean(b, output_) : ops::mean(b, ops::token_loss(b, output_, b.input(ir::Input::kLabels)));
    add_gradients(graph, loss_, std::vector<bool>(graph.n_weights(), with_gradients));
    const std::array outputs{output_, loss_};
    if (sizeof(Real) == sizeof(float)) {
      lower_for_training(graph, outputs);
    } else {
      remove_unused(graph, outputs);
    }
    Plan::Options options{.max_rows = of.counts(), .max_sequences = of.sequences.size(), .real_bytes = sizeof(Real)};
    executor_ =
        std::make_unique<Executor<Real>>(std::make_shared<const Plan>(graph, outputs, options, table), table, pool);
    for (uint32_t i = 0; i < graph.n_weights(); ++i) {
      gradients.emplace_back(graph.weight({i}).rows * graph.weight({i}).cols);
      const ir::Graph::Part part = graph.part({i});  // a whole weight comes before its parts
      executor_->set_weight_gradient({i}, gradients[part.whole.id].data() + part.first);
    }
    of.fill_inputs(*executor_, cols);
  }

  /// Runs; gradients hold those of this run alone.
  Real loss() {
    for (auto& gradient : gradients) std::ranges::fill(gradient, Real{0});
    executor_->run(case_.counts(), {rows_, kernels::KvType::kF32});
    return *executor_->output(loss_);
  }
  [[nodiscard]] std::vector<Real> output() const {
    const ir::ValueType& type = executor_->plan().graph().type(output_);
    const Real* values = executor_->output(output_);
    return {values, values + type.rows.bind(case_.counts()) * type.cols};
  }

  CaseBuilder case_builder;
  std::vector<std::vector<Real>> gradients;  // by weight id

 private:
  const OpCase& case_;
  std::vector<ops::SequenceRows> rows_;
  ir::Value output_;
  ir::Value loss_;
  std::unique_ptr<Executor<Real>> executor_;
};

/// All that this CPU can run; scalar is the first.
const std::vector<kernels::KernelTable>& tables() {
  static const std::vector<kernels::KernelTable> all = [] {
    std::vector<kernels::KernelTable> list;
    for (const auto isa : {kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx512, kernels::Isa::kNeon}) {
      if (const auto table = kernels::select(kernels::detect(), isa)) list.push_back(*table);
    }
    return list;
  }();
  return all;
}

/// Threads for one run each: slow and simple.
class PlainPool final : public ThreadPool {
 public:
  explicit PlainPool(int n) : n_(n) {}
  [[nodiscard]] int n_threads() const noexcept override { return n_; }
  void run(Task task, void* context) noexcept override {
    std::vector<std::jthread> threads;
    for (int i = 1; i < n_; ++i) threads.emplace_back([=] { task(context, i); });
    task(context, 0);
  }
  void wait_until(const std::atomic<uint32_t>& word, uint32_t value) noexcept override {
    while (word.load() < value) std::this_thread::yield();
  }

 private:
  int n_;
};

class OpGradients : public testing::TestWithParam<OpCase> {
 protected:
  InlinePool pool;
};

constexpr double kStep = 0x1p-8;
/// Single elements of a case to change, of all weights together.
constexpr size_t kSingleElements = KINGLET_SANITIZED ? 10 : 100;

/// The slope of a function at 0 from four of its values; its error is in the fifth derivative times kStep^4.
template <class F>
double slope_at_zero(const F& f) {
  const double wide = (f(kStep) - f(-kStep)) / (2 * kStep);
  const double narrow = (f(kStep / 2) - f(-kStep / 2)) / kStep;
  return (4 * narrow - wide) / 3;
}

TEST_P(OpGradients, EqualFiniteDifferences) {
  Differentiated<double> with_gradients(GetParam(), tables()[0], pool);
  with_gradients.loss();
  const auto& gradients = with_gradients.gradients;
  Differentiated<double> graph(GetParam(), tables()[0], pool, false);
  double largest = 0;
  for (const auto& gradient : gradients) {
    for (const double x : gradient) largest = std::max(largest, std::abs(x));
  }
  ASSERT_GT(largest, 1e-4) << "the loss depends on the weights";
  const double tolerance = 1e-7 * std::max(1.0, largest);
  for (uint32_t id = 0; id < gradients.size(); ++id) {
    const std::span<float> values = graph.case_builder.values(id);
    if (values.empty()) continue;
    const std::vector<float> original(values.begin(), values.end());
    // Single elements, spread over the weight, so that one wrong place cannot hide.
    const size_t stride = std::max<size_t>(1, values.size() * gradients.size() / kSingleElements) | 1U;
    for (size_t i = 0; i < values.size(); i += stride) {
      const double slope = slope_at_zero([&](double step) {
        values[i] = original[i] + static_cast<float>(step);
        return graph.loss();
      });
      values[i] = original[i];
      ASSERT_NEAR(gradients[id][i], slope, tolerance) << "weight " << id << ", element " << i;
    }
    // All elements at once, each up or down.
    double along = 0;
    Philox signs(id + 1);
    std::vector<float> direction(values.size());
    for (size_t i = 0; i < direction.size(); ++i) {
      direction[i] = signs.next_u32() % 2 == 0 ? 0.25F : -0.25F;
      along += gradients[id][i] * static_cast<double>(direction[i]);
    }
    const double slope = slope_at_zero([&](double step) {
      for (size_t i = 0; i < values.size(); ++i) values[i] = original[i] + static_cast<float>(step) * direction[i];
      return graph.loss();
    });
    std::ranges::copy(original, values.begin());
    EXPECT_NEAR(along, slope, 30 * tolerance) << "weight " << id;
  }
}

double norm(std::span<const double> x) { return std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0)); }

TEST_P(OpGradients, FloatIsNearDouble) {
  const double tolerance = GetParam().tolerance;
  Differentiated<double> want(GetParam(), tables()[0], pool);
  const double loss = want.loss();
  for (const kernels::KernelTable& table : tables()) {
    Differentiated<float> got(GetParam(), table, pool);
    EXPECT_NEAR(static_cast<double>(got.loss()), loss, tolerance * std::max(1.0, std::abs(loss))) << table.name;
    const auto compare = [&](const std::vector<float>& a, const std::vector<double>& b, const std::string& what) {
      ASSERT_EQ(a.size(), b.size());
      std::vector<double> off(b.size());
      for (size_t i = 0; i < b.size(); ++i) off[i] = static_cast<double>(a[i]) - b[i];
      EXPECT_LE(norm(off), tolerance * std::max(norm(b), 1e-3)) << table.name << ": " << what;
    };
    compare(got.output(), want.output(), "output");
    for (size_t id = 0; id < want.gradients.size(); ++id) {
      compare(got.gradients[id], want.gradients[id], str("gradient of weight ", id));
    }
  }
}

TEST_P(OpGradients, BitsDoNotDependOnThreads) {
  for (const kernels::KernelTable& table : tables()) {
    Differentiated<float> alone(GetParam(), table, pool);
    alone.loss();
    for (const int n : {2, 3}) {
      PlainPool threads(n);
      Differentiated<float> shared(GetParam(), table, threads);
      shared.loss();
      EXPECT_EQ(alone.output(), shared.output()) << table.name << ", " << n << " threads";
      EXPECT_EQ(alone.gradients, shared.gradients) << table.name << ", " << n << " threads";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, OpGradients, testing::ValuesIn(op_cases()), [](const auto& of) { return of.param.name; });

// The gradient of a quantized weight is that of the matrix that it stands for.
TEST(QuantizedLinear, HasTheGradientOfItsDecodedMatrix) {
  for (const OpCase& of : op_cases()) {
    if (!of.name.starts_with("linear_Q")) continue;
    InlinePool pool;
    Differentiated<double> quantized(of, tables()[0], pool);
    const quant::Weight& weight = quantized.case_builder.graph.weight({1});
    OpCase plain = of;
    plain.build = [&](CaseBuilder& c) {
      const ir::Value x = c.rows(weight.cols);
      return ops::linear(c.b, x, c.weight(weight.rows, weight.cols));
    };
    Differentiated<double> decoded(plain, tables()[0], pool);
    weight.format->decode(weight.data, decoded.case_builder.values(1).data(), weight.rows * weight.cols);
    EXPECT_EQ(quantized.loss(), decoded.loss()) << of.name;
    EXPECT_EQ(quantized.gradients, decoded.gradients) << of.name;
  }
}

/// The names that src/core/ops gives its operations: {"name"} in the text of its files.
std::set<std::string> declared_ops(const char* source) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(str(source, "/src/core/ops"))) {
    if (entry.path().extension() != ".cpp" || entry.path().string().ends_with("_test.cpp")) continue;
    std::ifstream file(entry.path());
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    for (size_t at = text.find("{\""); at != std::string::npos; at = text.find("{\"", at + 1)) {
      names.insert(text.substr(at + 2, text.find('"', at + 2) - at - 2));
    }
  }
  return names;
}

TEST(OpCases, CoverEveryOperation) {
  const char* source = std::getenv("KINGLET_SOURCE");
  if (source == nullptr) GTEST_SKIP() << "KINGLET_SOURCE does not name the source tree";
  std::set<std::string> used;
  const auto note = [&](const ir::Graph& graph) {
    for (const ir::Node& node : graph.nodes()) used.insert(std::string(node.op->name));
  };
  InlinePool pool;
  for (const OpCase& of : op_cases()) {
    note(Differentiated<float>(of, tables()[0], pool).case_builder.graph);
    CaseBuilder c;
    const std::array outputs{of.build(c)};
    lower_for_inference(c.graph, outputs, kernels::KvType::kF32);
    note(c.graph);
  }
  const std::set<std::string> declared = declared_ops(source);
  EXPECT_GE(declared.size(), 30U);
  for (const std::string& name : declared)
    EXPECT_TRUE(used.contains(name)) << name << " has no case in op_cases_test.cpp";
}

}  // namespace
}  // namespace kinglet::graph
