#include "core/ops/expert_rows.h"

#include <algorithm>
#include <cstring>

#include "core/ops/encode.h"

namespace kinglet::ops {
namespace {

struct Rows : ir::Attributes {
  explicit Rows(const ExpertRows& of) : rows(of) {}
  ExpertRows rows;
};

int32_t* ints_of(const auto& run, ir::Value value) noexcept { return reinterpret_cast<int32_t*>(run.bytes(value)); }

// inputs: ids. A counting sort: stable, so that rows of an expert keep their order.
template <class Real>
void run_sort(const Run<Real>& run, size_t /*begin*/, size_t /*end*/) noexcept {
  const auto& out = run.node.outputs;
  const size_t n = run.rows(out[0]);
  const size_t E = run.rows(out[2]) - 1;
  const int32_t* ids = run.ints(run.node.inputs[0]);
  int32_t* slots = ints_of(run, out[0]);
  int32_t* places = ints_of(run, out[1]);
  int32_t* starts = ints_of(run, out[2]);
  int32_t* active = ints_of(run, out[3]);
  std::fill_n(starts, E + 1, 0);
  for (size_t slot = 0; slot < n; ++slot) ++starts[ids[slot] + 1];
  active[0] = 0;
  for (size_t e = 0; e < E; ++e) {
    if (starts[e + 1] > 0) active[++active[0]] = static_cast<int32_t>(e);
    starts[e + 1] += starts[e];
  }
  // starts[e] runs to the end of e, which is the start of e + 1, and is moved back after it.
  for (size_t slot = 0; slot < n; ++slot) {
    const int32_t place = starts[ids[slot]]++;
    places[slot] = place;
    slots[place] = static_cast<int32_t>(slot);
  }
  for (size_t e = E; e > 0; --e) starts[e] = starts[e - 1];
  starts[0] = 0;
}

constexpr Op kSort{{"sort_by_expert"}, one_item, run_sort<float>, run_sort<double>};

// inputs: x, plain or encoded, and slots.
template <class Real>
void run_spread(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto& in = run.node.inputs;
  const size_t n_used = run.template attributes<Rows>().rows.n_used;
  const size_t n_bytes = row_bytes(run.graph.type(in[0]), sizeof(Real));
  for (size_t r = begin; r < end; ++r) {
    const auto slot = static_cast<size_t>(run.ints(in[1])[r]);
    std::memcpy(run.bytes(run.node.outputs[0]) + r * n_bytes, run.bytes(in[0]) + slot / n_used * n_bytes, n_bytes);
  }
}

// inputs: x, slots, weights.
template <class Real>
void run_spread_weighted(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto& in = run.node.inputs;
  const size_t n_used = run.template attributes<Rows>().rows.n_used;
  for (size_t r = begin; r < end; ++r) {
    const auto slot = static_cast<size_t>(run.ints(in[1])[r]);
    run.real.scale(run.row(in[0], slot / n_used), run.reals(in[2])[slot], run.row(run.node.outputs[0], r),
                   run.cols(in[0]));
  }
}

// inputs: y, places, and weights where there are some.
template <class Real>
void run_combine(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto& in = run.node.inputs;
  const size_t n_used = run.template attributes<Rows>().rows.n_used;
  const size_t D = run.cols(in[0]);
  for (size_t t = begin; t < end; ++t) {
    Real* sum_D = run.row(run.node.outputs[0], t);
    std::fill_n(sum_D, D, Real{0});
    for (size_t slot = t * n_used; slot < (t + 1) * n_used; ++slot) {
      const Real weight = in.size() > 2 ? run.reals(in[2])[slot] : Real{1};
      run.real.axpy(weight, run.row(in[0], static_cast<size_t>(run.ints(in[1])[slot])), sum_D, D);
    }
  }
}

// inputs: y, places, d sum; output: d weights.
template <class Real>
void run_combine_dw(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto& in = run.node.inputs;
  const size_t n_used = run.template attributes<Rows>().rows.n_used;
  for (size_t t = begin; t < end; ++t) {
    for (size_t j = 0; j < n_used; ++j) {
      const auto place = static_cast<size_t>(run.ints(in[1])[t * n_used + j]);
      run.row(run.node.outputs[0], t)[j] = run.real.dot(run.row(in[0], place), run.row(in[2], t), run.cols(in[0]));
    }
  }
}

constexpr Op kSpreadWeighted{{"spread_weighted"}, row_items, run_spread_weighted<float>, run_spread_weighted<double>};
constexpr Op kCombineDw{{"combine_dw"}, row_items, run_combine_dw<float>, run_combine_dw<double>};

void spread_backward(Backward& back) {
  if (back.d_output().valid()) back.set_d_input(0, combine_rows(back.b, back.d_output(), back.attributes<Rows>().rows));
}

void combine_backward(Backward& back) {
  if (!back.d_output().valid()) return;
  const auto& in = back.node.inputs;
  const ExpertRows& rows = back.attributes<Rows>().rows;
  if (in.size() == 2) return back.set_d_input(0, spread_rows(back.b, back.d_output(), rows));
  back.set_d_input(0, back.b.add_one(kSpreadWeighted, {{back.d_output(), rows.slots, in[2]}, {}, back.node.attributes},
                                     back.b.type(in[0])));
  back.set_d_input(2, back.b.add_one(kCombineDw, {{in[0], rows.places, back.d_output()}, {}, back.node.attributes},
                                     back.b.type(in[2])));
}

constexpr Op kSpread{{"spread_rows"}, row_items, run_spread<float>, run_spread<double>, nullptr, spread_backward};
constexpr Op kCombine{{"combine_rows"}, row_items, run_combine<float>, run_combine<double>, nullptr, combine_backward};

}  // namespace

ExpertRows sort_by_expert(ir::Builder& b, ir::Value ids, size_t n_experts) {
  const size_t n_used = b.type(ids).cols;
  const ir::ValueType of_slots{b.type(ids).rows.times(n_used), 1, ir::Element::kI32};
  const ir::ValueType of_experts{n_experts + 1, 1, ir::Element::kI32};
  const auto values = b.add(kSort, {{ids}}, {of_slots, of_slots, of_experts, of_experts});
  return {values[0], values[1], values[2], values[3], b.type(ids).rows, n_experts, n_used};
}

ir::Value spread_rows(ir::Builder& b, ir::Value x, const ExpertRows& rows) {
  KINGLET_CHECK(b.type(x).rows.times(rows.n_used) == b.type(rows.slots).rows, "spread_rows: rows are those of the ids");
  return b.add_one(kSpread, {{x, rows.slots}, {}, std::make_shared<Rows>(rows)},
                   {b.type(rows.slots).rows, b.type(x).cols, b.type(x).element});
}

bool is_spread(const ir::Node& node) noexcept { return node.op == &kSpread; }

ir::Value spread_instead(ir::Builder& b, const ir::Node& spread, ir::Value x) {
  return spread_rows(b, x, static_cast<const Rows&>(*spread.attributes).rows);
}

ir::Value combine_rows(ir::Builder& b, ir::Value y, const ExpertRows& rows, std::optional<ir::Value> weights) {
  KINGLET_CHECK(b.type(y).rows == b.type(rows.slots).rows, "combine_rows: rows are sorted ones");
  std::vector<ir::Value> inputs{y, rows.places};
  if (weights) inputs.push_back(*weights);
  return b.add_one(kCombine, {std::move(inputs), {}, std::make_shared<Rows>(rows)}, {rows.n_rows, b.type(y).cols});
}

}  // namespace kinglet::ops
