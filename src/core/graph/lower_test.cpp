// Each pass of lowering: what it makes of a graph, and that the bits of the output stay.
#include "core/graph/lower.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "core/graph/op_cases.h"
#include "core/kernels/select.h"

namespace kinglet::graph {
namespace {

std::vector<kernels::KernelTable> tables() {
  std::vector<kernels::KernelTable> all;
  for (const auto isa : {kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx512, kernels::Isa::kNeon}) {
    if (const auto table = kernels::select(kernels::detect(), isa)) all.push_back(*table);
  }
  return all;
}

/// The names of the nodes in order: "embed rms_norm linear".
std::string names(const ir::Graph& graph) {
  std::string text;
  for (const ir::Node& node : graph.nodes()) text += str(text.empty() ? "" : " ", node.op->name);
  return text;
}

/// Pages of a cache for the sequences of a batch.
class Pages {
 public:
  Pages(const SequenceLayout& layout, std::vector<ops::SequenceRows>& batch) {
    for (ops::SequenceRows& sequence : batch) {
      const size_t n_pages = (sequence.n_rows + kernels::kPageTokens - 1) / kernels::kPageTokens;
      auto& views = views_.emplace_back();
      for (const KvGroup& group : layout.groups) {
        auto& lists = lists_.emplace_back();
        for (auto& list : lists) {
          for (size_t i = 0; i < n_pages; ++i) {
            memory_.push_back(tensor::Buffer(group.page_bytes));
            list.push_back(memory_.back().data());
          }
        }
        views.push_back({lists[0].data(), lists[1].data()});
      }
      sequence.pages = views.data();
      if (layout.state_bytes > 0) sequence.state = memory_.emplace_back(layout.state_bytes).data();
    }
  }

 private:
  std::deque<tensor::Buffer> memory_;
  std::deque<std::array<std::vector<std::byte*>, 2>> lists_;
  std::deque<std::vector<ops::KvPages>> views_;
};

std::vector<float> run(const OpCase& of, const ir::Graph& graph, ir::Value output, const kernels::KernelTable& table,
                       const SequenceLayout& layout = {}) {
  InlinePool pool;
  const std::array outputs{output};
  Executor<float> executor(std::make_shared<const Plan>(graph, outputs, Plan::Options{.max_rows = of.counts()}, table),
                           table, pool);
  of.fill_inputs(executor, 2);
  std::vector<ops::SequenceRows> batch = of.batch_rows();
  const Pages pages(layout, batch);
  executor.run(of.counts(), {batch, !layout.groups.empty() ? layout.type : kernels::KvType::kF32});
  const ir::ValueType& type = graph.type(output);
  const float* values = executor.output(output);
  return {values, values + type.rows.bind(of.counts()) * type.cols};
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Lowering, NoPassChangesABit) {
  using Pass = std::pair<const char*, std::function<void(ir::Graph&, std::span<const ir::Value>)>>;
  const std::vector<Pass> passes{
      {"fuse_norm_encode", fuse_norm_encode},
      {"fuse_gated_linear", fuse_gated_linear},
      {"fuse_residual", fuse_residual},
      {"group_linears", [](ir::Graph& graph, auto) { group_linears(graph); }},
      {"all", [](ir::Graph& graph, auto outputs) { lower_for_inference(graph, outputs, std::nullopt); }},
  };
  for (const kernels::KernelTable& table : tables()) {
    for (const OpCase& of : op_cases()) {
      CaseBuilder c;
      const std::array outputs{of.build(c)};
      const ir::Graph described = c.graph;
      remove_unused(c.graph, outputs);
      encode_activations(c.graph);  // quantized products need it
      const std::vector<float> want = run(of, c.graph, outputs[0], table);
      for (const auto& [name, pass] : passes) {
        ir::Graph graph = std::string_view(name) == "all" ? described : c.graph;
        pass(graph, outputs);
        EXPECT_TRUE(same_bits(run(of, graph, outputs[0], table), want))
            << table.name << ": " << name << " of " << of.name;
      }
      // Over a cache of f32 too.
      ir::Graph graph = described;
      const SequenceLayout layout = lower_for_inference(graph, outputs, kernels::KvType::kF32);
      EXPECT_TRUE(same_bits(run(of, graph, outputs[0], table, layout), want))
          << table.name << ": a cache for " << of.name;
    }
  }
}

/// x [T, 64], and linears of it.
struct Small {
  CaseBuilder c;
  ir::Value x = c.rows(64);
  ir::WeightId matrix(std::string_view format = "Q8_0", size_t rows = 64) { return c.weight(rows, 64, format); }
  ir::Value norm(ir::Value of) { return ops::rms_norm(c.b, of, c.weight(1, 64), 1e-5F); }
  ir::Value linear(ir::Value of, std::string_view format = "Q8_0") { return ops::linear(c.b, of, matrix(format)); }
};

TEST(RemoveUnused, KeepsWhatIsReadAndWhatHasNoOutputs) {
  Small s;
  const ir::Value used = ops::scale(s.c.b, s.x, 2.0F);
  ops::scale(s.c.b, ops::scale(s.c.b, s.x, 3.0F), 4.0F);
  const std::array outputs{used};
  remove_unused(s.c.graph, outputs);
  EXPECT_EQ(names(s.c.graph), "embed scale");
  const ir::Value loss = ops::mean(s.c.b, ops::linear(s.c.b, used, s.matrix("F32", 1)));
  add_gradients(s.c.graph, loss, std::vector<bool>(s.c.graph.n_weights(), true));
  remove_unused(s.c.graph, outputs);
  EXPECT_EQ(names(s.c.graph), "embed scale one mean_backward linear_dx linear_dw scale embed_backward")
      << "gradients stay, the loss itself goes";
}

TEST(EncodeActivations, IsSharedByAllThatReadAValue) {
  Small s;
  const ir::Value plain = s.linear(s.x, "F32");
  const ir::Value first = s.linear(s.x, "Q8_0");
  const ir::Value second = s.linear(s.x, "Q4_1");
  const ir::Value other = s.linear(first, "Q4_0");
  static_cast<void>(plain);
  static_cast<void>(second);
  static_cast<void>(other);
  encode_activations(s.c.graph);
  EXPECT_EQ(names(s.c.graph), "embed linear encode linear linear encode linear");
  encode_activations(s.c.graph);
  EXPECT_EQ(names(s.c.graph), "embed linear encode linear linear encode linear") << "twice is once";
}

TEST(EncodeActivations, EachEncodingOnce) {
  CaseBuilder c;
  const ir::Value x = c.rows(256);
  ops::linear(c.b, x, c.weight(4, 256, "Q8_0"));
  ops::linear(c.b, x, c.weight(4, 256, "Q4_K"));
  ops::linear(c.b, x, c.weight(4, 256, "Q6_K"));
  encode_activations(c.graph);
  EXPECT_EQ(names(c.graph), "embed encode linear encode linear linear");
}

/// x [T, 64], spread to the experts that a router chooses, and linears of those rows.
struct SmallExperts : Small {
  ops::Routed routed = ops::route(c.b, ops::linear(c.b, x, matrix("F32", 5)), {.n_used = 2});
  ops::ExpertRows rows = ops::sort_by_expert(c.b, routed.ids, 5);
  ir::Value spread = ops::spread_rows(c.b, x, rows);
  ir::Value linear(std::string_view format = "Q8_0", bool has_bias = false) {
    return ops::expert_linear(c.b, spread, rows, matrix(format, 5 * 64), {64, 0, 64},
                              has_bias ? std::optional(c.weight(5, 64)) : std::nullopt);
  }
};

TEST(EncodeActivations, BeforeRowsAreSpread) {
  SmallExperts s;
  const std::array outputs{s.linear(), s.linear("Q4_0"), ops::linear(s.c.b, s.x, s.matrix())};
  encode_activations(s.c.graph);
  EXPECT_EQ(names(s.c.graph),
            "embed linear route sort_by_expert spread_rows encode spread_rows expert_linear expert_linear linear");
  remove_unused(s.c.graph, outputs);
  EXPECT_EQ(names(s.c.graph), "embed linear route sort_by_expert encode spread_rows expert_linear expert_linear linear")
      << "nothing reads the plain rows";
}

TEST(EncodeActivations, PlainRowsStayWhereTheyAreRead) {
  SmallExperts s;
  const std::array outputs{s.linear(), s.linear("F32")};
  encode_activations(s.c.graph);
  remove_unused(s.c.graph, outputs);
  EXPECT_EQ(names(s.c.graph),
            "embed linear route sort_by_expert spread_rows encode spread_rows expert_linear expert_linear");
}

TEST(FuseGatedLinear, OfExperts) {
  for (const bool has_bias : {false, true}) {
    SmallExperts s;
    const ir::Value gate = s.linear("Q8_0", has_bias);
    const ir::Value up = s.linear("Q4_0");
    const std::array outputs{ops::gated(s.c.b, kernels::Activate::kSilu, gate, up)};
    fuse_gated_linear(s.c.graph, outputs);
    EXPECT_EQ(names(s.c.graph), str("embed linear route sort_by_expert spread_rows ",
                                    has_bias ? "expert_linear expert_linear gated" : "gated_expert_linear"));
  }
}

TEST(GroupLinears, ThoseOfExpertsOfTheSameRows) {
  SmallExperts s;
  s.linear("Q8_0", true);
  s.linear();
  s.linear("Q4_0", true);
  group_linears(s.c.graph);
  EXPECT_EQ(names(s.c.graph), "embed linear route sort_by_expert spread_rows expert_linear expert_linear");
  EXPECT_EQ(s.c.graph.nodes()[5].outputs.size(), 2U);
  EXPECT_EQ(s.c.graph.nodes()[5].weights.size(), 4U) << "two matrices, then their biases";
  EXPECT_EQ(s.c.graph.nodes()[6].outputs.size(), 1U) << "one without a bias stays alone";
}

TEST(FuseNormEncode, OnlyWhereNothingElseReadsTheNorm) {
  for (const bool is_read_twice : {false, true}) {
    Small s;
    const ir::Value normed = s.norm(s.x);
    const ir::Value y = s.linear(normed);
    const std::vector<ir::Value> outputs = is_read_twice ? std::vector{y, normed} : std::vector{y};
    encode_activations(s.c.graph);
    fuse_norm_encode(s.c.graph, outputs);
    EXPECT_EQ(names(s.c.graph), is_read_twice ? "embed rms_norm encode linear" : "embed rms_norm_encode linear");
  }
}

TEST(FuseNormEncode, NotByHead) {
  Small s;
  const ir::Value normed = ops::rms_norm(s.c.b, s.x, s.c.weight(1, 32), 1e-5F);
  const std::array outputs{s.linear(normed)};
  encode_activations(s.c.graph);
  fuse_norm_encode(s.c.graph, outputs);
  EXPECT_EQ(names(s.c.graph), "embed rms_norm encode linear");
}

TEST(FuseGatedLinear, OfOneValueAlone) {
  {
    Small s;
    const ir::Value gate = s.linear(s.x);
    const ir::Value up = s.linear(s.x);
    const std::array outputs{ops::gated(s.c.b, kernels::Activate::kSilu, gate, up)};
    fuse_gated_linear(s.c.graph, outputs);
    EXPECT_EQ(names(s.c.graph), "embed gated_linear");
  }
  {  // the gate is wanted
    Small s;
    const ir::Value gate = s.linear(s.x);
    const ir::Value up = s.linear(s.x);
    const std::array outputs{ops::gated(s.c.b, kernels::Activate::kSilu, gate, up), gate};
    fuse_gated_linear(s.c.graph, outputs);
    EXPECT_EQ(names(s.c.graph), "embed linear linear gated");
  }
  {  // of two values
    Small s;
    const ir::Value gate = s.linear(s.x);
    const ir::Value up = s.linear(ops::scale(s.c.b, s.x, 2.0F));
    const std::array outputs{ops::gated(s.c.b, kernels::Activate::kSilu, gate, up)};
    fuse_gated_linear(s.c.graph, outputs);
    EXPECT_EQ(names(s.c.graph), "embed linear scale linear gated");
  }
  {  // with itself
    Small s;
    const ir::Value gate = s.linear(s.x);
    const std::array outputs{ops::gated(s.c.b, kernels::Activate::kSilu, gate, gate)};
    fuse_gated_linear(s.c.graph, outputs);
    EXPECT_EQ(names(s.c.graph), "embed linear gated");
  }
  {  // with a bias
    Small s;
    const ir::Value gate = ops::linear(s.c.b, s.x, s.matrix(), s.c.weight(1, 64));
    const ir::Value up = s.linear(s.x);
    const std::array outputs{ops::gated(s.c.b, kernels::Activate::kSilu, gate, up)};
    fuse_gated_linear(s.c.graph, outputs);
    EXPECT_EQ(names(s.c.graph), "embed linear linear gated");
  }
}

TEST(FuseResidual, OnEitherSide) {
  for (const bool is_left : {true, false}) {
    Small s;
    const ir::Value y = s.linear(s.x);
    const std::array outputs{is_left ? ops::add(s.c.b, y, s.x) : ops::add(s.c.b, s.x, y)};
    fuse_residual(s.c.graph, outputs);
    EXPECT_EQ(names(s.c.graph), "embed linear");
    EXPECT_EQ(s.c.graph.nodes()[1].outputs[0], outputs[0]);
    EXPECT_EQ(s.c.graph.nodes()[1].inputs.size(), 2U);
  }
}

TEST(FuseResidual, OfTwoProductsTakesOne) {
  Small s;
  const std::array outputs{ops::add(s.c.b, s.linear(s.x), s.linear(s.x))};
  fuse_residual(s.c.graph, outputs);
  EXPECT_EQ(names(s.c.graph), "embed linear linear");
}

TEST(FuseResidual, NotWhereTheProductIsRead) {
  Small s;
  const ir::Value y = s.linear(s.x);
  const std::array outputs{ops::add(s.c.b, y, s.x), y};
  fuse_residual(s.c.graph, outputs);
  EXPECT_EQ(names(s.c.graph), "embed linear add");
  Small twice;
  const ir::Value z = twice.linear(twice.x);
  const std::array doubled{ops::add(twice.c.b, z, z)};
  fuse_residual(twice.c.graph, doubled);
  EXPECT_EQ(names(twice.c.graph), "embed linear add") << "a sum with itself";
}

TEST(GroupLinears, ThoseOfOneValue) {
  Small s;
  s.linear(s.x);
  const ir::Value other = ops::scale(s.c.b, s.x, 2.0F);
  s.linear(other);
  s.linear(s.x);
  ops::linear(s.c.b, s.x, s.matrix(), s.c.weight(1, 64));
  group_linears(s.c.graph);
  EXPECT_EQ(names(s.c.graph), "embed linear scale linear linear");
  EXPECT_EQ(s.c.graph.nodes()[1].outputs.size(), 2U);
  EXPECT_EQ(s.c.graph.nodes()[3].outputs.size(), 1U);
  EXPECT_EQ(s.c.graph.nodes()[4].weights.size(), 2U) << "one with a bias stays alone";
}

TEST(AttendFromCache, SaysHowPagesAreLaidOut) {
  CaseBuilder c;
  ir::Value x = c.rows(64);
  for (int layer = 0; layer < 2; ++layer) {
    const ir::Value k = ops::linear(c.b, x, c.weight(32, 64));
    x = ops::attend(c.b, x, k, k, {2, 1, 32, 1.0F, 0.0F, {}});
  }
  const SequenceLayout layout = keep_sequences(c.graph, kernels::KvType::kQ8_0);
  EXPECT_EQ(names(c.graph), "embed linear store_kv attend_cache linear store_kv attend_cache");
  EXPECT_EQ(layout.groups[0].n_layers, 2U);
  EXPECT_EQ(layout.groups[0].page_bytes, 2 * kernels::kPageTokens * 34)
      << "two layers of one head of 32, 34 bytes each";
  EXPECT_EQ(layout.groups[0].bytes_per_token(), 2U * 2U * 34U);
}

TEST(LowerForInference, MakesFewStagesOfABlock) {
  for (const OpCase& of : op_cases()) {
    if (of.name != "block_q8_0") continue;
    CaseBuilder c;
    const std::array outputs{of.build(c)};
    lower_for_inference(c.graph, outputs, kernels::KvType::kF16);
    EXPECT_EQ(names(c.graph),
              "embed rope_table rms_norm_encode linear rope rope store_kv attend_cache encode linear rms_norm_encode "
              "gated_linear encode linear gather_rows encode linear");
  }
}

}  // namespace
}  // namespace kinglet::graph
