// Mixtures: each tensor's type as llama-quantize chooses it (tests/golden/quant/mixtures.txt, made by
// tools/make_mixture_goldens), and what users say about tensors.
#include "model/convert/mixture.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <map>
#include <sstream>

#include "core/base/base.h"
#include "home/system/file.h"

namespace kinglet::convert {
namespace {

struct ShapeLine {
  std::string name;
  uint64_t n_layers = 0, width = 0, inner = 0, n_heads = 0, n_kv_heads = 0, n_experts = 0, tied = 0;
};

// Names and dimensions of a llama model, without data.
class Shape final : public format::ModelFile {
 public:
  explicit Shape(const ShapeLine& line) : ModelFile(line.name) {
    metadata_.set("general.architecture", "llama");
    metadata_.set("llama.block_count", static_cast<uint32_t>(line.n_layers));
    metadata_.set("llama.attention.head_count", static_cast<uint32_t>(line.n_heads));
    metadata_.set("llama.attention.head_count_kv", static_cast<uint32_t>(line.n_kv_heads));
    if (line.n_experts > 0) metadata_.set("llama.expert_count", static_cast<uint32_t>(line.n_experts));
    const uint64_t kv_width = line.width / line.n_heads * line.n_kv_heads;
    add("token_embd.weight", "F16", {line.width, 64});
    add("output_norm.weight", "F32", {line.width});
    if (line.tied == 0) add("output.weight", "F16", {line.width, 64});
    for (uint64_t i = 0; i < line.n_layers; ++i) {
      const auto of_layer = [&](std::string_view name) { return str("blk.", i, ".", name); };
      const std::string ending = line.n_experts > 0 ? "_exps.weight" : ".weight";
      add(of_layer("attn_norm.weight"), "F32", {line.width});
      add(of_layer("attn_q.weight"), "F16", {line.width, line.width});
      add(of_layer("attn_k.weight"), "F16", {line.width, kv_width});
      add(of_layer("attn_v.weight"), "F16", {line.width, kv_width});
      add(of_layer("attn_output.weight"), "F16", {line.width, line.width});
      add(of_layer("ffn_norm.weight"), "F32", {line.width});
      if (line.n_experts > 0) add(of_layer("ffn_gate_inp.weight"), "F32", {line.width, line.n_experts});
      for (const std::string_view name : {"ffn_gate", "ffn_up", "ffn_down"}) {
        const bool is_down = name == "ffn_down";
        std::vector<uint64_t> dims = {is_down ? line.inner : line.width, is_down ? line.width : line.inner};
        if (line.n_experts > 0) dims.push_back(line.n_experts);
        add(of_layer(std::string(name) + ending), "F16", dims);
      }
    }
  }

 private:
  void add(std::string name, std::string_view format, const std::vector<uint64_t>& dims) {
    names_.push_back(std::move(name));
    format::TensorEntry tensor;
    tensor.name = names_.back();
    tensor.format = quant::find_by_name(format);
    tensor.n_dims = static_cast<uint32_t>(dims.size());
    std::ranges::copy(dims, tensor.dims.begin());
    add_tensor(tensor);
  }

  std::deque<std::string> names_;
};

TEST(Mixture, ChoosesAsThePeerDoes) {
  const char* source = std::getenv("KINGLET_SOURCE");
  ASSERT_NE(source, nullptr);
  std::istringstream lines(system::read_file(str(source, "/tests/golden/quant/mixtures.txt"), 1 << 20));
  std::map<char, std::string> types;
  std::unique_ptr<Shape> shape;
  std::string shape_name;
  size_t n_compared = 0;
  size_t n_unknown = 0;
  for (std::string word; lines >> word;) {
    if (word == "letter") {
      char letter = 0;
      lines >> letter;
      lines >> types[letter];
    } else if (word == "shape") {
      ShapeLine line;
      lines >> line.name >> line.n_layers >> line.width >> line.inner >> line.n_heads >> line.n_kv_heads >>
          line.n_experts >> line.tied;
      shape_name = line.name;
      shape = std::make_unique<Shape>(line);
    } else {
      std::string wanted;
      lines >> wanted;
      std::vector<TensorChoice> choices;
      try {
        choices = choose_formats(*shape, mixture_named(word));
      } catch (const Error& error) {
        // A mixture with a type that has no encoder is refused by its name.
        EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
        ++n_unknown;
        continue;
      }
      ASSERT_EQ(choices.size(), wanted.size());
      for (size_t i = 0; i < choices.size(); ++i) {
        EXPECT_EQ(choices[i].format->name, types[wanted[i]])
            << shape_name << " " << word << " " << choices[i].tensor->name;
      }
      ++n_compared;
    }
  }
  EXPECT_EQ(n_compared + n_unknown, 6U * 27U);
  EXPECT_GE(n_compared, 6U * 18U);
}

TEST(Mixture, IsNamedInAnyCase) {
  EXPECT_EQ(mixture_named("q4_k").name, "Q4_K_M");
  EXPECT_EQ(mixture_named("MXFP4").file_type, 38U);
  try {
    (void)mixture_named("Q9_K");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(error.message().find("Q9_K: is not known; there are F32, F16"), std::string::npos) << error.message();
  }
}

TEST(Mixture, PatternsAreFoundInNames) {
  EXPECT_TRUE(matches("ffn_down", "blk.3.ffn_down.weight"));
  EXPECT_TRUE(matches("blk.1*.attn_*", "blk.12.attn_k.weight"));
  EXPECT_FALSE(matches("attn_*blk", "blk.12.attn_k.weight"));
  EXPECT_TRUE(matches("*", "x"));
}

TEST(Mixture, RulesOfTheUserComeFirst) {
  const Shape shape({"dense", 2, 256, 256, 4, 4, 0, 0});
  const std::vector<TensorRule> rules = {parse_tensor_rule("blk.0.ffn_*=q8_0"), parse_tensor_rule("ffn_up=F16")};
  for (const TensorChoice& choice : choose_formats(shape, mixture_named("Q4_K_S"), {.rules = rules, .pure = true})) {
    const std::string_view name = choice.tensor->name;
    const std::string_view wanted = name.find("_norm") != std::string_view::npos       ? "F32"
                                    : name.find("blk.0.ffn") != std::string_view::npos ? "Q8_0"
                                    : name.find("ffn_up") != std::string_view::npos    ? "F16"
                                                                                       : "Q4_K";
    EXPECT_EQ(choice.format->name, wanted) << name;
  }
  EXPECT_THROW((void)parse_tensor_rule("ffn_up"), Error);
  EXPECT_THROW((void)parse_tensor_rule("ffn_up=Q9"), Error);
}

}  // namespace
}  // namespace kinglet::convert
