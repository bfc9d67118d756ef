#include "core/ops/route.h"

#include <algorithm>
#include <array>

#include "core/ops/vector_weight.h"

namespace kinglet::ops {
namespace {

struct Route : ir::Attributes {
  explicit Route(const RouteSpec& settings) : spec(settings) {}
  RouteSpec spec;
};

// The groups that experts are chosen from, a bit each: the best by the sum of their best experts' scores.
template <class Score>
uint64_t choose_groups(size_t E, const RouteSpec& spec, const Score& score) noexcept {
  const size_t n_of_group = E / spec.n_groups;
  std::array<double, RouteSpec::kMaxGroups> sums{};
  for (size_t g = 0; g < spec.n_groups; ++g) {
    size_t last = E;  // of the group's experts that have been added; they are taken from the best on
    for (size_t i = 0; i < spec.n_best; ++i) {
      size_t best = E;
      for (size_t e = g * n_of_group; e < (g + 1) * n_of_group; ++e) {
        const bool is_left = last == E || score(e) < score(last) || (score(e) == score(last) && e > last);
        if (is_left && (best == E || score(e) > score(best))) best = e;
      }
      if (best == E) break;  // what is left are no numbers
      sums[g] += static_cast<double>(score(best));
      last = best;
    }
  }
  uint64_t chosen = 0;
  for (size_t i = 0; i < spec.n_groups_used; ++i) {
    size_t best = spec.n_groups;
    for (size_t g = 0; g < spec.n_groups; ++g) {
      if ((chosen >> g & 1U) != 0) continue;
      if (best == spec.n_groups || sums[g] > sums[best]) best = g;
    }
    chosen |= uint64_t{1} << best;
  }
  return chosen;
}

// The best by score, of all or of the best groups. Logits that are no numbers give experts that exist all the same.
template <class Score>
void choose(size_t E, const RouteSpec& spec, const Score& score, int32_t* ids) noexcept {
  const uint64_t groups = spec.n_groups > 1 ? choose_groups(E, spec, score) : 1;
  const size_t n_of_group = E / spec.n_groups;
  for (size_t j = 0; j < spec.n_used; ++j) {
    int32_t best = -1;
    for (size_t e = 0; e < E; ++e) {
      if ((groups >> (e / n_of_group) & 1U) == 0) continue;
      const auto id = static_cast<int32_t>(e);
      if (std::find(ids, ids + j, id) != ids + j) continue;
      if (best < 0 || score(e) > score(static_cast<size_t>(best))) best = id;
    }
    ids[j] = best;
  }
}

template <class Real>
void to_probabilities(const Run<Real>& run, RouteBy by, const Real* logits_E, Real* p_E, size_t E) noexcept {
  if (by == RouteBy::kSigmoid) {
    run.real.activate(kernels::Activate::kSigmoid, logits_E, p_E, E);
  } else {
    run.real.softmax(logits_E, p_E, E);
  }
}

template <class Real>
void run_route(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const RouteSpec& spec = run.template attributes<Route>().spec;
  const size_t E = run.cols(run.node.inputs[0]);
  const Real* bias_E = run.node.weights.empty() ? nullptr : vector_weight(run, 0, run.template scratch_as<Real>());
  for (size_t t = begin; t < end; ++t) {
    const Real* logits_E = run.row(run.node.inputs[0], t);
    auto* ids = reinterpret_cast<int32_t*>(run.bytes(run.node.outputs[0])) + t * spec.n_used;
    Real* weights = run.row(run.node.outputs[1], t);
    Real* p_E = run.row(run.node.outputs[2], t);
    to_probabilities(run, spec.by, logits_E, p_E, E);
    if (bias_E != nullptr) {
      choose(E, spec, [&](size_t e) { return p_E[e] + bias_E[e]; }, ids);
    } else if (spec.n_groups > 1) {
      choose(E, spec, [&](size_t e) { return p_E[e]; }, ids);
    } else {
      choose(E, spec, [&](size_t e) { return logits_E[e]; }, ids);
    }
    const Real* from = spec.by == RouteBy::kSoftmaxOfChosen ? logits_E : p_E;
    for (size_t j = 0; j < spec.n_used; ++j) weights[j] = from[ids[j]];
    if (spec.by == RouteBy::kSoftmaxOfChosen) run.real.softmax(weights, weights, spec.n_used);
    if (spec.renormalize) {
      auto sum = static_cast<Real>(spec.sum_eps);
      for (size_t j = 0; j < spec.n_used; ++j) sum += weights[j];
      for (size_t j = 0; j < spec.n_used; ++j) weights[j] /= sum;
    }
    if (spec.scale != 1.0F) run.real.scale(weights, static_cast<Real>(spec.scale), weights, spec.n_used);
  }
}

// inputs: logits, ids, then d weights and d probabilities, those that there are.
struct RouteBackward : Route {
  RouteBackward(const RouteSpec& settings, bool weights, bool probabilities)
      : Route(settings), of_weights(weights), of_probabilities(probabilities) {}
  bool of_weights;
  bool of_probabilities;
};

// The gradient of the chosen weights before scale and renormalization, in place: dw [n_used], w what they were.
template <class Real>
void raw_gradient(const RouteSpec& spec, const Real* w, Real* dw) noexcept {
  for (size_t j = 0; j < spec.n_used; ++j) dw[j] *= static_cast<Real>(spec.scale);
  if (!spec.renormalize) return;
  auto sum = static_cast<Real>(spec.sum_eps);
  Real along = 0;
  for (size_t j = 0; j < spec.n_used; ++j) {
    sum += w[j];
    along += dw[j] * w[j];
  }
  for (size_t j = 0; j < spec.n_used; ++j) dw[j] = (dw[j] - along / sum) / sum;
}

// dx = p (dp - sum of p dp), which is the gradient of a softmax.
template <class Real>
Real weighted_sum(const Real* p, const Real* dp, size_t n) noexcept {
  Real sum = 0;
  for (size_t i = 0; i < n; ++i) sum += p[i] * dp[i];
  return sum;
}

template <class Real>
void run_route_backward(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto& attributes = run.template attributes<RouteBackward>();
  const RouteSpec& spec = attributes.spec;
  const auto& in = run.node.inputs;
  const size_t E = run.cols(in[0]);
  Real* p_E = run.template scratch_as<Real>();
  Real* w = p_E + E;
  Real* dw = w + spec.n_used;
  for (size_t t = begin; t < end; ++t) {
    const Real* logits_E = run.row(in[0], t);
    const int32_t* ids = run.ints(in[1]) + t * spec.n_used;
    Real* dx_E = run.row(run.node.outputs[0], t);
    to_probabilities(run, spec.by, logits_E, p_E, E);
    if (attributes.of_probabilities) {
      std::copy_n(run.row(in.back(), t), E, dx_E);
    } else {
      std::fill_n(dx_E, E, Real{0});
    }
    const bool of_chosen = spec.by == RouteBy::kSoftmaxOfChosen;
    if (attributes.of_weights) {
      for (size_t j = 0; j < spec.n_used; ++j) w[j] = of_chosen ? logits_E[ids[j]] : p_E[ids[j]];
      if (of_chosen) run.real.softmax(w, w, spec.n_used);
      std::copy_n(run.row(in[2], t), spec.n_used, dw);
      raw_gradient(spec, w, dw);
      for (size_t j = 0; j < spec.n_used && !of_chosen; ++j) dx_E[ids[j]] += dw[j];
    }
    const Real sum = spec.by == RouteBy::kSigmoid ? Real{0} : weighted_sum(p_E, dx_E, E);
    for (size_t e = 0; e < E; ++e) {
      dx_E[e] = spec.by == RouteBy::kSigmoid ? dx_E[e] * p_E[e] * (Real{1} - p_E[e]) : p_E[e] * (dx_E[e] - sum);
    }
    if (attributes.of_weights && of_chosen) {
      const Real of_w = weighted_sum(w, dw, spec.n_used);
      for (size_t j = 0; j < spec.n_used; ++j) dx_E[ids[j]] += w[j] * (dw[j] - of_w);
    }
  }
}

size_t route_backward_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  const auto& attributes = static_cast<const Route&>(*shape.node.attributes);
  return (shape.graph.type(shape.node.inputs[0]).cols + 2 * attributes.spec.n_used) * real_bytes;
}

constexpr Op kRouteBackward{
    {"route_backward"}, row_items, run_route_backward<float>, run_route_backward<double>, route_backward_scratch};

void backward(Backward& back) {
  const ir::Value dw = back.d_output(1);
  const ir::Value dp = back.d_output(2);
  if (!dw.valid() && !dp.valid()) return;
  std::vector<ir::Value> inputs{back.node.inputs[0], back.node.outputs[0]};
  if (dw.valid()) inputs.push_back(dw);
  if (dp.valid()) inputs.push_back(dp);
  auto attributes = std::make_shared<RouteBackward>(back.attributes<Route>().spec, dw.valid(), dp.valid());
  back.set_d_input(0, back.b.add_one(kRouteBackward, {std::move(inputs), {}, std::move(attributes)},
                                     back.b.type(back.node.inputs[0])));
}

constexpr Op kRoute{{"route"}, row_items, run_route<float>, run_route<double>, vector_weight_scratch, backward};

}  // namespace

Routed route(ir::Builder& b, ir::Value logits, const RouteSpec& spec, std::optional<ir::WeightId> bias) {
  const ir::ValueType type = b.type(logits);
  KINGLET_CHECK(spec.n_used > 0 && spec.n_used <= type.cols, "route: no more experts are used than there are");
  KINGLET_CHECK(spec.n_groups > 0 && spec.n_groups <= RouteSpec::kMaxGroups && type.cols % spec.n_groups == 0 &&
                    spec.n_groups_used > 0 && spec.n_groups_used <= spec.n_groups &&
                    spec.n_used <= type.cols / spec.n_groups * spec.n_groups_used,
                "route: the groups that are used have as many experts as are used");
  std::vector<ir::WeightId> weights;
  if (bias) {
    check_vector_weight(b.weight(*bias), type.cols);
    weights.push_back(*bias);
  }
  const auto outputs = b.add(kRoute, {{logits}, std::move(weights), std::make_shared<Route>(spec)},
                             {{type.rows, spec.n_used, ir::Element::kI32}, {type.rows, spec.n_used}, type});
  return {outputs[0], outputs[1], outputs[2]};
}

}  // namespace kinglet::ops
