#include "core/ops/sum_rows.h"

namespace kinglet::ops {
namespace {

// Rows in order.
template <class Real>
void run_sum_rows(const Run<Real>& run, size_t /*begin*/, size_t /*end*/) noexcept {
  for (size_t t = 0; t < run.rows(run.node.inputs[0]); ++t) {
    run.real.axpy(Real{1}, run.row(run.node.inputs[0], t), run.weight_gradient(0), run.weight(0).cols);
  }
}

constexpr Op kSumRows{{"sum_rows_dw"}, one_item, run_sum_rows<float>, run_sum_rows<double>};

}  // namespace

void sum_rows_into(ir::Builder& b, ir::Value dy, ir::WeightId weight) {
  KINGLET_CHECK(b.weight(weight).rows == 1 && b.weight(weight).cols == b.type(dy).cols,
                "sum_rows: a row is as long as the weight");
  b.add(kSumRows, {{dy}, {weight}}, {});
}

}  // namespace kinglet::ops
