// Loading: what a file must have, and that one which has something else is refused by name. Answers of loaded models
// are tested in tests/architectures and tests/models.
#include "model/models/model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "model/models/tiny_model.h"

namespace kinglet::models {
namespace {

using format::GgufWriter;

/// What to change in a tiny llama.
struct Changes {
  std::map<std::string, std::function<void(GgufWriter&)>> keys =
      {};                   ///< What to write in place of a key, or beside all.
  std::string tensor = {};  ///< This one gets another form,
  std::string_view tensor_format = "F32";
  std::vector<uint64_t> tensor_dims = {};  ///< innermost first; or none: it is left out.
};

std::vector<std::byte> changed(const Changes& changes) {
  const TinyModel tiny({.n_layers = 1});
  GgufWriter writer;
  for (const auto& [key, value] : tiny->file().metadata().entries()) {
    if (!changes.keys.contains(std::string(key))) writer.add_value(key, value);
  }
  for (const auto& [key, add] : changes.keys) {
    if (add) add(writer);
  }
  std::vector<std::byte> zeros;
  for (const format::TensorEntry& tensor : tiny->file().tensors()) {
    if (tensor.name != changes.tensor) {
      writer.add_tensor(tensor.name, *tensor.format, {tensor.dims.data(), tensor.n_dims},
                        {tensor.data, static_cast<size_t>(tensor.size_bytes)});
    } else if (!changes.tensor_dims.empty()) {
      const quant::Format& type = *quant::find_by_name(changes.tensor_format);
      size_t n = 1;
      for (const uint64_t dim : changes.tensor_dims) n *= static_cast<size_t>(dim);
      zeros.resize(type.row_bytes(n));
      writer.add_tensor(tensor.name, type, changes.tensor_dims, zeros);
    }
  }
  std::vector<std::byte> bytes;
  writer.write([&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
  return bytes;
}

/// The error of loading; "none" where there is none.
std::pair<ErrorCode, std::string> error_of(const Changes& changes) {
  const std::vector<std::byte> bytes = changed(changes);
  try {
    const auto model = Model::load(format::read_gguf(bytes, "tiny.gguf"));
    static_cast<void>(model->describe({.loss = true}));
  } catch (const Error& error) {
    return {error.code(), error.message()};
  }
  return {ErrorCode::kInternal, "none"};
}

std::pair<ErrorCode, std::string> with_u32(const std::string& key, uint32_t value) {
  return error_of({.keys = {{key, [&](GgufWriter& writer) { writer.add_u32(key, value); }}}});
}
std::pair<ErrorCode, std::string> with_f32(const std::string& key, float value) {
  return error_of({.keys = {{key, [&](GgufWriter& writer) { writer.add_f32(key, value); }}}});
}
std::pair<ErrorCode, std::string> with_word(const std::string& key, std::string_view value) {
  return error_of({.keys = {{key, [&](GgufWriter& writer) { writer.add_string(key, value); }}}});
}
std::pair<ErrorCode, std::string> without(const std::string& key) { return error_of({.keys = {{key, nullptr}}}); }

void expect(const std::pair<ErrorCode, std::string>& got, ErrorCode code, std::string_view part) {
  EXPECT_EQ(got.first, code) << got.second;
  EXPECT_NE(got.second.find(part), std::string::npos) << got.second;
  EXPECT_NE(got.second.find("tiny.gguf"), std::string::npos) << "the file is named: " << got.second;
}

TEST(Load, ATinyModel) {
  EXPECT_EQ(error_of({}).second, "none");
  const TinyModel tiny({.n_layers = 3});
  EXPECT_EQ(tiny->config().n_layers, 3U);
  EXPECT_EQ(tiny->config().vocab_size, 40U);
  EXPECT_EQ(tiny->architecture().name, "llama");
  const Description description = tiny->describe();
  EXPECT_TRUE(description.logits.valid());
  EXPECT_FALSE(description.loss.valid());
  EXPECT_EQ(description.graph.type(description.logits).cols, 40U);
  EXPECT_EQ(description.graph.n_weights(), tiny->weights().size());
}

TEST(Load, NamesAnArchitectureThatIsNotKnown) {
  const auto got = with_word("general.architecture", "mamba");
  expect(got, ErrorCode::kUnsupported, "architecture mamba is not supported");
  EXPECT_NE(got.second.find("llama"), std::string::npos) << "those that are known are said";
  expect(without("general.architecture"), ErrorCode::kInvalidFile, "general.architecture");
}

TEST(Load, SettingsMustMakeSense) {
  const ErrorCode invalid = ErrorCode::kInvalidFile;
  for (const char* key :
       {"block_count", "embedding_length", "feed_forward_length", "context_length", "attention.head_count"}) {
    const std::string name = str("llama.", key);
    expect(without(name), invalid, str(name, " is missing"));
    expect(with_u32(name, 0), invalid, str(name, " is 0"));
    expect(with_u32(name, std::numeric_limits<uint32_t>::max()), invalid, str(name, " is 4294967295, expected 1 to "));
    expect(with_word(name, "many"), invalid, name);
    expect(with_f32(name, 1.5F), invalid, name);
  }
  expect(with_u32("llama.attention.head_count_kv", 3), invalid, "llama.attention.head_count_kv");
  expect(with_u32("llama.attention.key_length", 0), invalid, "llama.attention.key_length is 0");
  expect(with_u32("llama.attention.value_length", 16), invalid, "llama.attention.value_length");
  expect(with_u32("llama.rope.dimension_count", 7), invalid,
         "llama.rope.dimension_count is 7, expected an even number");
  expect(with_u32("llama.rope.dimension_count", 34), invalid, "expected 1 to 32");
  expect(with_f32("llama.rope.freq_base", -1.0F), invalid, "llama.rope.freq_base is not positive");
  expect(with_f32("llama.rope.freq_base", std::numeric_limits<float>::infinity()), invalid,
         "llama.rope.freq_base is not a finite number");
  expect(with_f32("llama.rope.scaling.factor", 0.0F), invalid, "llama.rope.scaling.factor is not positive");
  expect(with_f32("llama.attention.layer_norm_rms_epsilon", std::numeric_limits<float>::quiet_NaN()), invalid,
         "layer_norm_rms_epsilon");
  expect(with_f32("llama.attention.layer_norm_rms_epsilon", -1e-5F), invalid, "layer_norm_rms_epsilon");
  expect(with_word("llama.rope.scaling.type", "longest"), ErrorCode::kUnsupported,
         "llama.rope.scaling.type is longest");
}

TEST(Load, TensorsMustBeThere) {
  expect(error_of({.tensor = "token_embd.weight"}), ErrorCode::kInvalidFile, "tensor token_embd.weight is missing");
  expect(error_of({.tensor = "blk.0.ffn_up.weight"}), ErrorCode::kInvalidFile, "tensor blk.0.ffn_up.weight is missing");
  expect(with_u32("llama.block_count", 2), ErrorCode::kInvalidFile, "tensor blk.1.");
  for (const char* optional : {"output.weight", "rope_freqs.weight", "blk.0.attn_q.bias"}) {
    EXPECT_EQ(error_of({.tensor = optional}).second, "none") << optional;
  }
}

TEST(Load, TensorsMustHaveTheirShapeAndAType) {
  expect(error_of({.tensor = "blk.0.ffn_up.weight", .tensor_dims = {64, 95}}), ErrorCode::kInvalidFile,
         "tensor blk.0.ffn_up.weight: shape [95,64], expected [96,64]");
  expect(error_of({.tensor = "blk.0.attn_norm.weight", .tensor_dims = {63}}), ErrorCode::kInvalidFile,
         "tensor blk.0.attn_norm.weight: shape [1,63], expected [1,64]");
  expect(error_of({.tensor = "rope_freqs.weight", .tensor_dims = {17}}), ErrorCode::kInvalidFile,
         "tensor rope_freqs.weight");
  expect(with_u32("llama.embedding_length", 65), ErrorCode::kInvalidFile, "expected [40,65]");
  expect(with_u32("llama.attention.head_count", 4), ErrorCode::kInvalidFile, "tensor blk.0.attn_q.weight");
  expect(error_of({.tensor = "blk.0.attn_norm.weight", .tensor_format = "F16", .tensor_dims = {64}}),
         ErrorCode::kUnsupported, "tensor blk.0.attn_norm.weight is F16, expected F32");
  expect(error_of({.tensor = "blk.0.ffn_up.weight", .tensor_format = "I32", .tensor_dims = {64, 96}}),
         ErrorCode::kUnsupported, "tensor blk.0.ffn_up.weight is I32, which holds no weights");
  EXPECT_EQ(error_of({.tensor = "blk.0.ffn_up.weight", .tensor_format = "Q5_1", .tensor_dims = {64, 96}}).second,
            "none");
}

// A type that is not known here can only come from elsewhere: its number is put in place of F32's.
TEST(Load, NamesATypeThatIsNotKnown) {
  const TinyModel tiny({.n_layers = 1});
  std::vector<std::byte> bytes(tiny.bytes().begin(), tiny.bytes().end());
  const std::string_view name = "blk.0.ffn_up.weight";
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const size_t type_at = all.find(name) + name.size() + 4 + 2 * 8;  // behind the number of dimensions and these
  bytes.at(type_at) = std::byte{31};
  try {
    Model::load(format::read_gguf(bytes, "tiny.gguf"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_EQ(error.message(),
              str("tiny.gguf: tensor blk.0.ffn_up.weight is Q4_0_4_4, which is not supported; supported: ",
                  quant::format_names()));
  }
}

// rope_frequencies beside the formulas in double; goldens of the same are in tests/models/families_test.cpp.
TEST(Rope, FrequenciesOfEachScaling) {
  RopeConfig rope{.n_rot = 8, .base = 10000.0, .original_context_len = 64};
  const auto plain = [&](double base, size_t i) { return std::pow(base, -2.0 * static_cast<double>(i) / 8.0); };
  const auto expect_near = [&](const ops::RopeFrequencies& got, const auto& want) {
    ASSERT_EQ(got.inverse.size(), 4U);
    for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(static_cast<double>(got.inverse[i]) / want(i), 1.0, 4e-7) << i;
  };
  expect_near(rope_frequencies(rope, {}), [&](size_t i) { return plain(10000.0, i); });
  const std::vector<float> factors{1.0F, 2.0F, 4.0F, 8.0F};
  expect_near(rope_frequencies(rope, factors),
              [&](size_t i) { return plain(10000.0, i) / std::exp2(static_cast<double>(i)); });
  rope.factor = 4.0;
  rope.scaling = RopeScaling::kLinear;
  expect_near(rope_frequencies(rope, {}), [&](size_t i) { return plain(10000.0, i) / 4.0; });
  rope.scaling = RopeScaling::kDynamic;
  expect_near(rope_frequencies(rope, {}), [&](size_t i) { return plain(10000.0, i); });
  const ops::RopeFrequencies dynamic = rope_frequencies(rope, {});
  EXPECT_EQ(dynamic.border, 64U);
  for (size_t i = 0; i < 4; ++i) {
    const double want = plain(10000.0 * std::pow(4.0 * 128 / 64 - 3.0, 8.0 / 6.0), i);
    EXPECT_NEAR(static_cast<double>(dynamic.inverse_beyond(128, i)) / want, 1.0, 4e-7) << i;
  }
  rope.scaling = RopeScaling::kYarn;
  const ops::RopeFrequencies yarn = rope_frequencies(rope, {});
  EXPECT_NEAR(static_cast<double>(yarn.inverse[0]), 1.0, 1e-6) << "the fastest keeps its turns";
  EXPECT_NEAR(static_cast<double>(yarn.inverse[3]) * 4.0 / plain(10000.0, 3), 1.0, 1e-6) << "the slowest is stretched";
  EXPECT_NEAR(static_cast<double>(yarn.magnitude), 0.1 * std::log(4.0) + 1.0, 1e-6);
  const ops::RopeFrequencies divided = rope_frequencies(rope, factors);
  for (size_t i = 0; i < 4; ++i) EXPECT_FLOAT_EQ(divided.inverse[i] * factors[i], yarn.inverse[i]) << i;
  rope.attention_factor = 0.5;
  EXPECT_FLOAT_EQ(rope_frequencies(rope, {}).magnitude, 0.5F * yarn.magnitude);
}

// Source: llama.cpp, which reads these keys so (llama-model.cpp, load_hparams; llama-context.cpp, yarn_attn_factor).
TEST(Rope, AFactorAloneIsLinear) {
  const auto rope_of = [](std::vector<std::pair<std::string, float>> numbers) {
    return TinyModel({.n_layers = 1, .numbers = std::move(numbers)})->config().ropes[0];
  };
  for (const char* key : {"rope.scaling.factor", "rope.scale_linear"}) {
    const RopeConfig rope = rope_of({{key, 4.0F}});
    EXPECT_EQ(rope.scaling, RopeScaling::kLinear) << key;
    EXPECT_EQ(rope.factor, 4.0) << key;
  }
  EXPECT_EQ(rope_frequencies(rope_of({}), {}).inverse, rope_frequencies({.n_rot = 32, .base = 10000.0}, {}).inverse);
}

}  // namespace
}  // namespace kinglet::models
