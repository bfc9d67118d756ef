#include "core/graph/op_cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace kinglet::graph {
namespace {

using kernels::Activate;
using kernels::RopePairs;

// Relative to the norm of what is compared. Seen: 3e-7 where all is f32; encoded activations are eight bits.
constexpr double kPlain = 2e-6;
constexpr double kEncoded = 3e-2;

/// Attention over q, k, v of their own.
OpCase attend_case(std::string name, std::vector<size_t> sequences, ops::AttendSpec spec, bool has_sinks = false) {
  return {std::move(name), std::move(sequences), {}, {}, kPlain, [=](CaseBuilder& c) {
            const ir::Value q = c.rows(spec.n_heads * spec.head_dim);
            const ir::Value k = c.rows(spec.n_kv_heads * spec.head_dim);
            const ir::Value v = c.rows(spec.n_kv_heads * spec.head_dim);
            if (!has_sinks) return ops::attend(c.b, q, k, v, spec);
            return ops::attend(c.b, q, k, v, spec, c.weight(1, spec.n_heads));
          }};
}

OpCase rope_case(std::string name, RopePairs pairs, size_t head_dim, std::vector<float> inverse, float magnitude) {
  return {std::move(name), {5, 4}, {}, {}, kPlain, [=](CaseBuilder& c) {
            const ir::Value table = ops::rope_table(c.b, c.b.input(ir::Input::kPositions), {inverse, magnitude});
            return ops::rope(c.b, c.rows(3 * head_dim), table, {3, head_dim, pairs});
          }};
}

OpCase linear_of(std::string_view format, size_t cols, double tolerance) {
  return {"linear_" + std::string(format), {2, 3}, {}, {}, tolerance, [=](CaseBuilder& c) {
            const ir::Value x = c.rows(cols);  // weight 0
            return ops::linear(c.b, x, c.weight(19, cols, format, 0.0F, 0.2F));
          }};
}

/// A linear with two adapters, the first one with a magnitude, over the rows of four sequences: both, one each, none.
OpCase adapted_case(std::string name, std::string_view format, size_t cols, bool with_bias, double tolerance) {
  OpCase made{std::move(name), {3, 2, 67, 2}, {}, {}, tolerance, [=](CaseBuilder& c) {
                constexpr size_t kRows = 37;
                const ir::Value x = c.rows(cols);
                const ir::WeightId weight = c.weight(kRows, cols, format, 0.0F, 0.2F);
                ir::Adapter first{0, c.weight(3, cols), c.weight(kRows, 3), 0.75F};
                first.magnitude = c.weight(1, kRows, "F32", 1.0F, 0.5F);
                first.lengths = c.constant(kRows, 1.5F, 0.25F);
                c.graph.add_adapter(weight, first);
                c.graph.add_adapter(weight, {1, c.weight(5, cols), c.weight(kRows, 5), -0.5F});
                return ops::linear(c.b, x, weight, with_bias ? std::optional(c.weight(1, kRows)) : std::nullopt);
              }};
  for (size_t i = 0; i < made.n_rows(); ++i) made.ids.push_back(static_cast<int32_t>(i % CaseBuilder::kMaxIds));
  made.adapters = {{1.0F, 0.5F}, {0.0F, 2.0F}, {0.25F}, {}};
  return made;
}

/// The same weight's parts, and rows of the head in another order than those of the batch.
OpCase adapted_part_case() {
  OpCase made{"adapted_part_of_a_head", {2, 3}, {}, {4, 0, 1, 3}, kPlain, [](CaseBuilder& c) {
                const ir::Value x = ops::gather_rows(c.b, c.rows(9), c.b.input(ir::Input::kLogitRows));
                const ir::WeightId weight = c.weight(20, 9);
                c.graph.add_adapter(weight, {0, c.weight(2, 9), c.weight(20, 2), 0.5F});
                return ops::linear(c.b, x, c.b.part_of(weight, 7, 11));
              }};
  made.adapters = {{1.5F}, {}};
  return made;
}

/// A decoder block: all that lowering fuses, and attention.
OpCase block_case(std::string name, std::string_view format, size_t hidden, double tolerance) {
  return {std::move(name), {3, 2}, {}, {1, 4}, tolerance, [=](CaseBuilder& c) {
            constexpr size_t kHeadDim = 32;
            const size_t n_heads = hidden / kHeadDim;
            const auto matrix = [&](size_t rows, size_t cols) { return c.weight(rows, cols, format, 0.0F, 0.1F); };
            ir::Value x = c.rows(hidden);
            const ir::Value table = ops::rope_table(c.b, c.b.input(ir::Input::kPositions), {{1.0F, 0.2F, 0.03F}, 1.0F});
            const ir::Value normed = ops::rms_norm(c.b, x, c.weight(1, hidden, "F32", 1.0F, 0.25F), 1e-3F);
            const ir::Value q = ops::rope(c.b, ops::linear(c.b, normed, matrix(hidden, hidden)), table,
                                          {n_heads, kHeadDim, RopePairs::kHalves});
            const ir::Value k = ops::rope(c.b, ops::linear(c.b, normed, matrix(kHeadDim, hidden)), table,
                                          {1, kHeadDim, RopePairs::kHalves});
            const ir::Value v = ops::linear(c.b, normed, matrix(kHeadDim, hidden));
            const ir::Value seen = ops::attend(c.b, q, k, v, {n_heads, 1, kHeadDim, 0.18F, 0.0F, {}});
            x = ops::add(c.b, x, ops::linear(c.b, seen, matrix(hidden, hidden)));
            const ir::Value fed = ops::rms_norm(c.b, x, c.weight(1, hidden, "F32", 1.0F, 0.25F), 1e-3F);
            const ir::Value gate = ops::linear(c.b, fed, matrix(hidden, hidden));
            const ir::Value up = ops::linear(c.b, fed, matrix(hidden, hidden));
            x = ops::add(c.b, ops::linear(c.b, ops::gated(c.b, Activate::kSilu, gate, up), matrix(hidden, hidden)), x);
            const ir::Value last = ops::gather_rows(c.b, x, c.b.input(ir::Input::kLogitRows));
            return ops::linear(c.b, last, matrix(11, hidden));
          }};
}

OpCase conv_case(std::string name, std::vector<size_t> sequences, size_t cols, size_t length, bool has_bias) {
  return {std::move(name), std::move(sequences), {}, {}, kPlain, [=](CaseBuilder& c) {
            const ir::Value x = c.rows(cols);
            const ir::WeightId kernel = c.weight(cols, length);
            return has_bias ? ops::short_conv(c.b, x, kernel, c.weight(1, cols)) : ops::short_conv(c.b, x, kernel);
          }};
}

OpCase scan_case(std::string name, std::vector<size_t> sequences, ops::SsmHeads heads) {
  return {std::move(name), std::move(sequences), {}, {}, kPlain, [=](CaseBuilder& c) {
            const size_t groups = 2 * heads.n_groups * heads.state_dim;
            const ir::Value xbc = c.rows(heads.n_heads * heads.head_dim + groups);
            const ir::Value step = c.rows(heads.n_heads);
            const ir::WeightId bias = c.weight(1, heads.n_heads);
            const ir::WeightId rate = c.weight(1, heads.n_heads, "F32", -0.8F, 0.5F);
            return ops::ssm_scan(c.b, xbc, step, {bias, rate, c.weight(1, heads.n_heads)}, heads);
          }};
}

/// Keys and queries of length one, as models have them: with longer ones the memory grows without bounds.
OpCase delta_case(std::string name, std::vector<size_t> sequences, ops::DeltaHeads heads) {
  return {std::move(name), std::move(sequences), {}, {}, kPlain, [=](CaseBuilder& c) {
            const float length = 1.0F / std::sqrt(static_cast<float>(heads.key_dim));
            const auto keys = [&] {
              const ir::Value x = c.rows(heads.n_key_heads * heads.key_dim);
              return ops::scale(c.b, ops::rms_norm(c.b, x, heads.key_dim, 1e-3F), length);
            };
            const ir::Value q = keys();
            const ir::Value k = keys();
            const ir::Value v = c.rows(heads.n_value_heads * heads.value_dim);
            const ir::Value step = c.rows(heads.n_value_heads);
            const ir::Value correction = c.rows(heads.n_value_heads);
            const ir::WeightId bias = c.weight(1, heads.n_value_heads);
            const ir::WeightId rate = c.weight(1, heads.n_value_heads, "F32", -0.5F, 0.3F);
            return ops::delta_net(c.b, {q, k, v, step, correction}, bias, rate, heads);
          }};
}

/// A router and experts as models have them: logits of their own, gate and up of one stack, with biases, or of two.
OpCase experts_case(std::string name, std::string_view format, size_t hidden, double tolerance, ops::RouteSpec spec,
                    bool has_bias) {
  return {std::move(name), {3, 1, 5}, {}, {}, tolerance, [=](CaseBuilder& c) {
            constexpr size_t kExperts = 5;
            const size_t ffn = hidden == 256 ? 256 : hidden + 32;
            const auto stack = [&](size_t rows, size_t cols) {
              return c.weight(kExperts * rows, cols, format, 0.0F, 1.0F / std::sqrt(static_cast<float>(cols)));
            };
            const ir::Value x = c.rows(hidden);
            // Far enough apart that a step of finite differences changes no choice.
            const ir::Value logits =
                ops::embed(c.b, c.b.input(ir::Input::kTokenIds), c.weight(CaseBuilder::kMaxIds, kExperts, "F32", 0, 3));
            const ops::Routed routed = ops::route(c.b, logits, spec);
            const ops::ExpertRows rows = ops::sort_by_expert(c.b, routed.ids, kExperts);
            const ir::Value spread = ops::spread_rows(c.b, x, rows);
            ir::Value gate;
            ir::Value up;
            std::optional<ir::WeightId> of_down;
            if (has_bias) {
              const ir::WeightId both = stack(2 * ffn, hidden);
              const ir::WeightId bias = c.weight(kExperts, 2 * ffn);
              gate = ops::expert_linear(c.b, spread, rows, both, {2 * ffn, 0, ffn}, bias);
              up = ops::expert_linear(c.b, spread, rows, both, {2 * ffn, ffn, ffn}, bias);
              of_down = c.weight(kExperts, hidden);
            } else {
              gate = ops::expert_linear(c.b, spread, rows, stack(ffn, hidden), {ffn, 0, ffn});
              up = ops::expert_linear(c.b, spread, rows, stack(ffn, hidden), {ffn, 0, ffn});
            }
            const ir::Value down = ops::expert_linear(c.b, ops::gated(c.b, Activate::kSilu, gate, up), rows,
                                                      stack(hidden, ffn), {hidden, 0, hidden}, of_down);
            return ops::combine_rows(c.b, down, rows, routed.weights);
          }};
}

OpCase head_linear_of(std::string_view format, size_t cols, double tolerance) {
  return {"head_linear_" + std::string(format), {2, 9}, {}, {}, tolerance, [=](CaseBuilder& c) {
            return ops::head_linear(c.b, c.rows(3 * cols), c.weight(3 * 7, cols, format, 0.0F, 0.2F), 3);
          }};
}

std::vector<OpCase> make_cases() {
  std::vector<OpCase> cases;
  const auto add = [&](std::string name, std::function<ir::Value(CaseBuilder&)> build) {
    cases.push_back({std::move(name), {3, 1, 5}, {}, {}, kPlain, std::move(build)});
  };
  add("embed", [](CaseBuilder& c) { return c.rows(17); });
  cases.push_back(
      {"embed_repeated", {4, 3}, {2, 5, 2, 2, 47, 0, 5}, {}, kPlain, [](CaseBuilder& c) { return c.rows(5); }});
  cases.push_back({"embed_quantized", {4}, {3, 0, 3, 1}, {}, kPlain, [](CaseBuilder& c) {
                     const ir::Value x = ops::embed(c.b, c.b.input(ir::Input::kTokenIds), c.weight(4, 64, "Q5_1"));
                     return ops::add(c.b, x, c.rows(64));
                   }});
  cases.push_back({"gather_rows", {3, 4}, {}, {6, 0, 3, 0, 0}, kPlain, [](CaseBuilder& c) {
                     return ops::gather_rows(c.b, c.rows(7), c.b.input(ir::Input::kLogitRows));
                   }});
  add("add", [](CaseBuilder& c) { return ops::add(c.b, c.rows(19), c.rows(19)); });
  add("add_to_itself", [](CaseBuilder& c) {
    const ir::Value x = c.rows(3);
    return ops::add(c.b, ops::add(c.b, x, x), x);
  });
  add("multiply", [](CaseBuilder& c) { return ops::multiply(c.b, c.rows(19), c.rows(19)); });
  add("scale", [](CaseBuilder& c) { return ops::scale(c.b, c.rows(33), -2.5F); });
  for (const auto& [kind, name] : {std::pair{ops::PoolKind::kMean, "mean"}, std::pair{ops::PoolKind::kFirst, "first"},
                                   std::pair{ops::PoolKind::kLast, "last"}}) {
    cases.push_back({str("pool_", name), {3, 1, 5}, {}, {0, 1, 2}, kPlain, [kind](CaseBuilder& c) {
                       return ops::pool(c.b, c.rows(19), kind);
                     }});
  }
  add("l2_normalize", [](CaseBuilder& c) { return ops::l2_normalize(c.b, c.rows(19)); });
  add("softcap", [](CaseBuilder& c) { return ops::softcap(c.b, c.rows(18), 0.75F); });
  constexpr std::array kKinds{std::pair{Activate::kSilu, "silu"},          std::pair{Activate::kGelu, "gelu"},
                              std::pair{Activate::kGeluTanh, "gelu_tanh"}, std::pair{Activate::kRelu, "relu"},
                              std::pair{Activate::kTanh, "tanh"},          std::pair{Activate::kSigmoid, "sigmoid"}};
  for (const auto& [kind, name] : kKinds) {
    add(str("activation_", name), [kind](CaseBuilder& c) { return ops::activation(c.b, kind, c.rows(21)); });
    add(str("gated_", name), [kind](CaseBuilder& c) { return ops::gated(c.b, kind, c.rows(21), c.rows(21)); });
  }
  add("rms_norm", [](CaseBuilder& c) { return ops::rms_norm(c.b, c.rows(23), c.weight(1, 23), 1e-3F); });
  add("rms_norm_by_head", [](CaseBuilder& c) { return ops::rms_norm(c.b, c.rows(21), c.weight(1, 7), 1e-2F); });
  add("rms_norm_without_weight", [](CaseBuilder& c) { return ops::rms_norm(c.b, c.rows(21), 7, 1e-2F); });
  add("take_columns", [](CaseBuilder& c) { return ops::take_columns(c.b, c.rows(15), {3, 5, 1, 3}); });
  add("join_columns", [](CaseBuilder& c) { return ops::join_columns(c.b, {c.rows(6), c.rows(4), c.rows(2)}, 2); });
  add("add_to_streams", [](CaseBuilder& c) { return ops::add_to_streams(c.b, c.rows(12), c.rows(4), 1); });
  add("scale_by", [](CaseBuilder& c) { return ops::scale_by(c.b, c.rows(14), c.weight(1, 7)); });
  add("scale_by_one", [](CaseBuilder& c) { return ops::scale_by(c.b, c.rows(9), c.weight(1, 1)); });
  add("position_scale",
      [](CaseBuilder& c) { return ops::position_scale(c.b, c.rows(6), c.b.input(ir::Input::kPositions), 0.5F, 2); });
  add("mix_streams", [](CaseBuilder& c) { return ops::mix_streams(c.b, c.rows(15), c.rows(6), 3); });
  add("match_magnitude", [](CaseBuilder& c) { return ops::match_magnitude(c.b, c.rows(9), c.rows(9), 1e-5F); });
  add("match_magnitude_of_little",
      [](CaseBuilder& c) { return ops::match_magnitude(c.b, c.rows(9), c.rows(9), 4.0F); });
  add("keep_high", [](CaseBuilder& c) { return ops::keep_high(c.b, c.rows(40), 0.6F); });
  add("layer_norm",
      [](CaseBuilder& c) { return ops::layer_norm(c.b, c.rows(23), c.weight(1, 23), c.weight(1, 23), 1e-3F); });
  add("layer_norm_without_bias",
      [](CaseBuilder& c) { return ops::layer_norm(c.b, c.rows(16), c.weight(1, 16), std::nullopt, 1e-2F); });
  add("layer_norm_by_head",
      [](CaseBuilder& c) { return ops::layer_norm(c.b, c.rows(21), c.weight(1, 7), c.weight(1, 7), 1e-2F); });
  cases.push_back(rope_case("rope_adjacent", RopePairs::kAdjacent, 6, {1.0F, 0.1F, 0.01F}, 1.0F));
  cases.push_back(rope_case("rope_halves", RopePairs::kHalves, 6, {1.0F, 0.1F, 0.01F}, 1.0F));
  cases.push_back(rope_case("rope_part_of_a_head", RopePairs::kAdjacent, 7, {0.7F, 0.2F}, 1.0F));
  cases.push_back(rope_case("rope_part_in_halves", RopePairs::kHalves, 7, {0.7F, 0.2F}, 1.0F));
  cases.push_back(rope_case("rope_with_magnitude", RopePairs::kHalves, 8, {1.0F, 0.3F, 0.1F, 0.02F}, 1.35F));
  add("linear", [](CaseBuilder& c) { return ops::linear(c.b, c.rows(13), c.weight(21, 13)); });
  add("linear_with_bias", [](CaseBuilder& c) { return ops::linear(c.b, c.rows(5), c.weight(18, 5), c.weight(1, 18)); });
  add("linear_to_one", [](CaseBuilder& c) { return ops::linear(c.b, c.rows(20), c.weight(1, 20)); });
  add("linear_twice", [](CaseBuilder& c) {
    const ir::WeightId shared = c.weight(9, 9);
    return ops::linear(c.b, ops::linear(c.b, c.rows(9), shared), shared);
  });
  add("tied_embedding", [](CaseBuilder& c) {
    const ir::WeightId table = c.weight(CaseBuilder::kMaxIds, 6);
    return ops::linear(c.b, ops::embed(c.b, c.b.input(ir::Input::kTokenIds), table), table);
  });
  for (const char* format : {"F16", "BF16"}) cases.push_back(linear_of(format, 17, kPlain));
  for (const char* format : {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"}) cases.push_back(linear_of(format, 64, kEncoded));
  for (const char* format : {"Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"}) cases.push_back(linear_of(format, 256, kEncoded));
  using ops::RouteBy;
  const auto routed = [](CaseBuilder& c, ops::RouteSpec spec, bool has_bias) {
    const ir::Value logits =
        ops::embed(c.b, c.b.input(ir::Input::kTokenIds), c.weight(CaseBuilder::kMaxIds, 6, "F32", 0, 3));
    if (!has_bias) return ops::route(c.b, logits, spec);
    // It chooses alone, has no gradient, and its steps must change no choice.
    return ops::route(c.b, logits, spec, c.weight(1, 6, "F32", 0, 4));
  };
  for (const auto& [name, spec] :
       {std::pair{"route_softmax", ops::RouteSpec{3, RouteBy::kSoftmax, false, 0, 1.5F}},
        std::pair{"route_renormalized", ops::RouteSpec{2, RouteBy::kSoftmax, true, 0.125F}},
        std::pair{"route_sigmoid", ops::RouteSpec{3, RouteBy::kSigmoid, true, 0, 2.5F}},
        std::pair{"route_of_chosen", ops::RouteSpec{3, RouteBy::kSoftmaxOfChosen}},
        std::pair{"route_groups", ops::RouteSpec{2, RouteBy::kSigmoid, true, 0, 1, 3, 2, 2}}}) {
    add(name, [=](CaseBuilder& c) { return routed(c, spec, false).weights; });
    add(str(name, "_balanced"), [=](CaseBuilder& c) {
      const ops::Routed all = routed(c, spec, true);
      return ops::join_columns(c.b, {all.weights, all.probabilities}, 1);
    });
  }
  add("route_probabilities", [=](CaseBuilder& c) { return routed(c, {}, false).probabilities; });
  cases.push_back(experts_case("experts", "F32", 13, kPlain, {2, RouteBy::kSoftmax, true}, false));
  cases.push_back(experts_case("experts_with_biases", "F32", 16, kPlain, {3, RouteBy::kSoftmaxOfChosen}, true));
  cases.push_back(experts_case("experts_all_used", "BF16", 18, kPlain, {5, RouteBy::kSoftmax}, false));
  cases.push_back(experts_case("experts_q8_0", "Q8_0", 64, kEncoded, {2, RouteBy::kSoftmax, true}, false));
  cases.push_back(experts_case("experts_q4_k", "Q4_K", 256, kEncoded, {2, RouteBy::kSigmoid, true}, false));
  add("combine_rows_unweighted", [](CaseBuilder& c) {
    const ops::Routed to = ops::route(c.b, c.rows(5), {.n_used = 2});
    const ops::ExpertRows rows = ops::sort_by_expert(c.b, to.ids, 5);
    return ops::combine_rows(c.b, ops::spread_rows(c.b, c.rows(17), rows), rows);
  });
  cases.push_back(head_linear_of("F32", 13, kPlain));
  cases.push_back(head_linear_of("Q8_0", 64, kEncoded));
  cases.push_back(head_linear_of("Q4_K", 256, kEncoded));
  add("scale_experts", [](CaseBuilder& c) {
    const ops::ExpertRows rows = ops::sort_by_expert(c.b, ops::route(c.b, c.rows(5), {.n_used = 2}).ids, 5);
    return ops::combine_rows(
        c.b, ops::scale_experts(c.b, ops::spread_rows(c.b, c.rows(17), rows), rows, c.weight(1, 5)), rows);
  });
  add("scale_rows", [](CaseBuilder& c) { return ops::scale_rows(c.b, c.rows(19), c.rows(1)); });
  add("clamped_swiglu", [](CaseBuilder& c) {
    const auto away_from_limit = [&] {
      const ir::WeightId table = c.weight(CaseBuilder::kMaxIds, 21);
      for (float& x : c.values(table.id)) x = std::abs(std::abs(x) - 0.7F) < 0.03F ? 0.5F : x;
      return ops::embed(c.b, c.b.input(ir::Input::kTokenIds), table);
    };
    const ir::Value gate = away_from_limit();
    return ops::clamped_swiglu(c.b, gate, away_from_limit(), {1.7F, 0.7F});
  });
  cases.push_back(adapted_case("adapted", "F32", 13, false, kPlain));
  cases.push_back(adapted_case("adapted_with_bias", "F32", 40, true, kPlain));
  cases.push_back(adapted_case("adapted_q8_0", "Q8_0", 64, true, kEncoded));
  cases.push_back(adapted_part_case());
  const ops::Visibility causal;
  cases.push_back(attend_case("attend", {3, 1, 4}, {2, 2, 5, 0.45F, 0.0F, causal}));
  cases.push_back(attend_case("attend_grouped_heads", {4, 3}, {6, 2, 8, 0.35F, 0.0F, causal}));
  cases.push_back(attend_case("attend_nine_heads_of_one", {4}, {9, 1, 4, 0.5F, 0.0F, causal}));
  cases.push_back(attend_case("attend_several_chunks", {35, 11}, {2, 1, 3, 0.8F, 0.0F, causal}));
  cases.push_back(attend_case("attend_window", {37, 5}, {2, 1, 3, 0.8F, 0.0F, {true, 4}}));
  cases.push_back(attend_case("attend_window_of_one", {5}, {2, 1, 3, 0.8F, 0.0F, {true, 1}}));
  cases.push_back(attend_case("attend_both_ways", {5, 3}, {2, 1, 4, 0.5F, 0.0F, {false, 0}}));
  cases.push_back(attend_case("attend_both_ways_window", {34}, {2, 2, 3, 0.6F, 0.0F, {false, 3}}));
  cases.push_back(attend_case("attend_softcap", {6, 2}, {4, 2, 5, 1.5F, 0.7F, causal}));
  cases.push_back(attend_case("attend_sinks", {4, 3}, {4, 2, 5, 0.45F, 0.0F, causal}, true));
  cases.push_back(attend_case("attend_sinks_softcap_window", {34}, {3, 1, 4, 0.9F, 1.2F, {true, 5}}, true));
  cases.push_back(conv_case("short_conv", {5, 1, 3}, 7, 3, false));
  cases.push_back(conv_case("short_conv_with_bias", {2, 6}, 70, 4, true));
  cases.push_back(conv_case("short_conv_of_one", {3}, 5, 1, true));
  cases.push_back(scan_case("ssm_scan", {5, 1, 3}, {2, 1, 3, 4}));
  cases.push_back(scan_case("ssm_scan_groups", {37, 2}, {4, 2, 2, 17}));
  cases.push_back(delta_case("delta_net", {5, 1, 3}, {2, 2, 4, 3}));
  cases.push_back(delta_case("delta_net_shared_keys", {37, 2}, {2, 6, 17, 2}));
  cases.push_back(block_case("block_f32", "F32", 64, kPlain));
  cases.push_back(block_case("block_q8_0", "Q8_0", 64, kEncoded));
  cases.push_back(block_case("block_q4_k", "Q4_K", 256, kEncoded));
  return cases;
}

}  // namespace

ir::WeightId CaseBuilder::weight(size_t rows, size_t cols, std::string_view format, float middle, float spread) {
  const quant::Format& type = *quant::find_by_name(format);
  std::vector<float> numbers(rows * cols);
  for (float& x : numbers) x = std::round((middle + (random_.next_float() * 2.0F - 1.0F) * spread) * 4096.0F) / 4096.0F;
  names_.push_back(str("w", names_.size()));
  bytes_.emplace_back(rows * type.row_bytes(cols));
  type.encode(numbers.data(), nullptr, bytes_.back().data(), numbers.size());
  return graph.add_weight({names_.back(), &type, rows, cols, bytes_.back().data()});
}

ir::WeightId CaseBuilder::constant(size_t cols, float middle, float spread) {
  const ir::WeightId id = weight(1, cols, "F32", middle, spread);
  constants_.insert(id.id);
  return id;
}

std::span<float> CaseBuilder::values(uint32_t weight_id) {
  const quant::Weight& of = graph.weight({weight_id});
  if (of.format->name != "F32" || constants_.contains(weight_id)) return {};
  // A part has no bytes of its own: it changes with its whole.
  if (graph.part({weight_id}).whole.id != weight_id) return {};
  const auto bytes = std::ranges::find(bytes_, of.data, [](const auto& made) { return made.data(); });
  return {reinterpret_cast<float*>(bytes->data()), of.rows * of.cols};
}

size_t OpCase::n_rows() const { return std::accumulate(sequences.begin(), sequences.end(), size_t{0}); }

ops::RowCounts OpCase::counts() const {
  return {n_rows(), logit_rows.empty() ? n_rows() : logit_rows.size(), sequences.size()};
}

std::vector<ops::SequenceRows> OpCase::batch_rows() const {
  std::vector<ops::SequenceRows> rows;
  size_t first = 0;
  for (const size_t n : sequences) {
    const size_t i = rows.size();
    rows.push_back({first, n});
    if (i < adapters.size()) rows.back().adapters = adapters[i];
    first += n;
  }
  return rows;
}

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> cases = make_cases();
  return cases;
}

TEST(OpCases, AreNamedOnce) {
  for (size_t i = 0; i < op_cases().size(); ++i) {
    EXPECT_TRUE(!op_cases()[i].ids.empty() || op_cases()[i].n_rows() <= CaseBuilder::kMaxIds) << op_cases()[i].name;
    for (size_t j = 0; j < i; ++j) EXPECT_NE(op_cases()[i].name, op_cases()[j].name);
  }
}

}  // namespace kinglet::graph
