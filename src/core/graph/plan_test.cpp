// Plans of random graphs: values that are alive at the same time lie apart, results are right, bytes are known before.
#include "core/graph/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "core/graph/graph.h"
#include "core/graph/op_cases.h"
#include "core/kernels/select.h"

namespace kinglet::graph {
namespace {

/// A graph of sums and scalings of earlier values, and what it computes for one row and column, in double.
class RandomGraph {
 public:
  explicit RandomGraph(uint64_t seed) : random_(seed) {
    values.push_back(c.rows(width()));
    while (values.size() < 40) {
      const ir::Value from = any();
      if (below(3) == 0) {
        values.push_back(ops::scale(c.b, from, below(2) == 0 ? 0.5F : -1.0F));
        continue;
      }
      // The width of a sum is that of its parts: some other value of the same width, or the value itself.
      ir::Value other = any();
      if (c.graph.type(other) != c.graph.type(from)) other = from;
      values.push_back(below(7) == 0 ? c.rows(width()) : ops::add(c.b, from, other));
    }
    for (size_t i = 0; i < 1 + below(4); ++i) outputs.push_back(any());
  }

  CaseBuilder c;
  std::vector<ir::Value> values;
  std::vector<ir::Value> outputs;

 private:
  size_t below(size_t n) { return random_.next_u32() % n; }
  size_t width() { return std::array<size_t, 3>{4, 4, 33}[below(3)]; }
  ir::Value any() { return values[below(values.size())]; }
  Philox random_;
};

struct Life {
  size_t first;
  size_t last;
};

/// When a value is alive, by going through all nodes: from its maker to its last reader; outputs and inputs to the end.
std::optional<Life> life_of(ir::Value value, const ir::Graph& graph, const std::vector<ir::Value>& outputs) {
  std::optional<Life> life;
  const auto touch = [&](size_t step) {
    if (!life) life = {step, step};
    life = {std::min(life->first, step), std::max(life->last, step)};
  };
  for (size_t step = 0; step < graph.nodes().size(); ++step) {
    for (const auto* list : {&graph.nodes()[step].inputs, &graph.nodes()[step].outputs}) {
      if (std::ranges::find(*list, value) != list->end()) touch(step);
    }
  }
  if (std::ranges::find(outputs, value) != outputs.end()) touch(graph.nodes().size());
  if (graph.input(ir::Input::kTokenIds) == value) life = {0, graph.nodes().size()};
  return life;
}

size_t bytes_of(const ir::Graph& graph, ir::Value value, const ops::RowCounts& counts) {
  const ir::ValueType& type = graph.type(value);
  return type.rows.bind(counts) * ops::row_bytes(type, sizeof(float));
}

const kernels::KernelTable& table() {
  static const kernels::KernelTable scalar = *kernels::select(kernels::detect(), kernels::Isa::kScalar);
  return scalar;
}

constexpr ops::RowCounts kRows{7, 3};

TEST(Plan, ValuesAliveTogetherLieApart) {
  size_t shared_bytes = 0;
  size_t all_bytes = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    RandomGraph random(seed);
    ir::Graph graph = random.c.graph;
    remove_unused(graph, random.outputs);
    const Plan plan(graph, random.outputs, {.max_rows = kRows}, table());
    std::vector<std::pair<ir::Value, Life>> lives;
    for (uint32_t id = 0; id < graph.n_values(); ++id) {
      const auto life = life_of({id}, graph, random.outputs);
      ASSERT_EQ(life.has_value(), plan.offsets()[id] != SIZE_MAX) << "seed " << seed << ", value " << id;
      if (life) lives.push_back({{id}, *life});
    }
    for (const auto& [value, life] : lives) {
      const size_t begin = plan.offsets()[value.id];
      const size_t end = begin + bytes_of(graph, value, kRows);
      all_bytes += end - begin;
      ASSERT_EQ(begin % tensor::kAlignment, 0U);
      ASSERT_LE(end, plan.arena_bytes());
      for (const auto& [other, of_other] : lives) {
        if (other == value || life.last < of_other.first || of_other.last < life.first) continue;
        const size_t other_begin = plan.offsets()[other.id];
        ASSERT_TRUE(other_begin >= end || other_begin + bytes_of(graph, other, kRows) <= begin)
            << "seed " << seed << ": values " << value.id << " and " << other.id;
      }
    }
    shared_bytes += plan.arena_bytes();
  }
  EXPECT_LT(shared_bytes, all_bytes * 3 / 4) << "places are used again";
}

std::vector<std::vector<float>> run(const ir::Graph& graph, const std::vector<ir::Value>& kept,
                                    const std::vector<ir::Value>& wanted) {
  InlinePool pool;
  const auto plan = std::make_shared<const Plan>(graph, kept, Plan::Options{.max_rows = kRows}, table());
  Executor<float> executor(plan, table(), pool);
  EXPECT_EQ(executor.size_bytes(), plan->total_bytes(pool.n_threads())) << "the plan knew";
  std::iota(executor.input(ir::Input::kTokenIds).begin(), executor.input(ir::Input::kTokenIds).end(), 0);
  const ops::SequenceRows sequence{0, kRows[0]};
  executor.run(kRows, {{&sequence, 1}, kernels::KvType::kF32});
  executor.run(kRows, {{&sequence, 1}, kernels::KvType::kF32});  // inputs have stayed
  std::vector<std::vector<float>> results;
  for (const ir::Value value : wanted) {
    const float* numbers = executor.output(value);
    results.emplace_back(numbers, numbers + kRows[0] * graph.type(value).cols);
  }
  return results;
}

TEST(Plan, SharingMemoryChangesNoResult) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const RandomGraph random(seed);
    // With every value kept to the end, nothing is written twice.
    EXPECT_EQ(run(random.c.graph, random.outputs, random.outputs), run(random.c.graph, random.values, random.outputs))
        << seed;
  }
}

TEST(Plan, FewerRowsThanItsClassGiveTheSame) {
  for (const OpCase& of : op_cases()) {
    if (!of.name.starts_with("block")) continue;
    InlinePool pool;
    std::vector<std::vector<float>> results;
    for (const size_t more : {0U, 1U, 50U}) {
      CaseBuilder c;
      const std::array outputs{of.build(c)};
      lower_for_inference(c.graph, outputs, std::nullopt);
      Plan::Options options{.max_rows = of.counts()};
      for (size_t& n : options.max_rows) n += more;
      Executor<float> executor(std::make_shared<const Plan>(c.graph, outputs, options, table()), table(), pool);
      of.fill_inputs(executor, 2);
      executor.run(of.counts(), {of.batch_rows(), kernels::KvType::kF32});
      const float* values = executor.output(outputs[0]);
      results.emplace_back(values, values + of.counts()[1] * c.graph.type(outputs[0]).cols);
    }
    EXPECT_EQ(results[0], results[1]) << of.name;
    EXPECT_EQ(results[0], results[2]) << of.name;
  }
}

}  // namespace
}  // namespace kinglet::graph
