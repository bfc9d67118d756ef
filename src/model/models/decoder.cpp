#include "model/models/decoder.h"

#include <cmath>

namespace kinglet::models {

void TensorTable::per_layer(std::string_view name, size_t rows, size_t cols) {
  for (size_t i = 0; i < n_layers_; ++i) add(str("blk.", i, ".", name), rows, cols);
}

void TensorTable::per_layer_optional(std::string_view name, size_t rows, size_t cols) {
  for (size_t i = 0; i < n_layers_; ++i) add_optional(str("blk.", i, ".", name), rows, cols);
}

ir::WeightId WeightNames::operator[](std::string_view name) const {
  const auto id = find(name);
  KINGLET_CHECK(id.has_value(), "a description asks for a weight that its architecture does not declare");
  return *id;
}

std::optional<ir::WeightId> WeightNames::find(std::string_view name) const {
  const auto place = ids_.find(name);
  if (place == ids_.end()) return std::nullopt;
  return place->second;
}

namespace {

// Limits far above any model; they keep products of sizes from files within 64 bits.
constexpr size_t kMaxLayers = 4096;
constexpr size_t kMaxWidth = size_t{1} << 24;
constexpr size_t kMaxContext = size_t{1} << 28;

class ConfigReader {
 public:
  explicit ConfigReader(const format::ModelFile& file)
      : meta_(file.metadata()), prefix_(str(meta_.require<std::string_view>("general.architecture"), ".")) {}

  [[nodiscard]] std::string key(std::string_view name) const { return prefix_ + std::string(name); }

  [[nodiscard]] size_t count(std::string_view name, size_t limit) const {
    return in_limit(name, meta_.require<size_t>(key(name)), limit);
  }
  [[nodiscard]] size_t count_or(std::string_view name, size_t fallback, size_t limit) const {
    return in_limit(name, meta_.get<size_t>(key(name)).value_or(fallback), limit);
  }
  [[nodiscard]] double number_or(std::string_view name, double fallback) const {
    const double number = meta_.get<double>(key(name)).value_or(fallback);
    if (!std::isfinite(number)) meta_.refuse(key(name), "is not a finite number");
    return number;
  }
  [[nodiscard]] std::string_view word_or(std::string_view name, std::string_view fallback) const {
    return meta_.get<std::string_view>(key(name)).value_or(fallback);
  }
  [[nodiscard]] const format::Metadata& meta() const { return meta_; }

 private:
  [[nodiscard]] size_t in_limit(std::string_view name, size_t value, size_t limit) const {
    if (value == 0 || value > limit) meta_.refuse(key(name), str("is ", value, ", expected 1 to ", limit));
    return value;
  }

  const format::Metadata& meta_;
  std::string prefix_;
};

RopeScaling read_scaling(const ConfigReader& read) {
  // A file that names a factor alone means linear.
  const std::string_view word = read.word_or("rope.scaling.type", "linear");
  if (word == "none") return RopeScaling::kNone;
  if (word == "linear") return RopeScaling::kLinear;
  if (word == "yarn") return RopeScaling::kYarn;
  if (word == "dynamic") return RopeScaling::kDynamic;
  fail_with(ErrorCode::kUnsupported, read.meta().name(), ": ", read.key("rope.scaling.type"), " is ", word,
            ", supported are none, linear, yarn and dynamic");
}

RopeConfig read_rope(const ConfigReader& read, const DecoderConfig& config) {
  RopeConfig rope;
  rope.n_rot = read.count_or("rope.dimension_count", config.head_dim, config.head_dim);
  if (rope.n_rot % 2 != 0)
    read.meta().refuse(read.key("rope.dimension_count"), str("is ", rope.n_rot, ", expected an even number"));
  rope.base = read.number_or("rope.freq_base", 10000.0);
  if (rope.base <= 0) read.meta().refuse(read.key("rope.freq_base"), "is not positive");
  rope.scaling = read_scaling(read);
  // Files of before October 2023 have the older key.
  rope.factor = read.number_or("rope.scaling.factor", read.number_or("rope.scale_linear", 1.0));
  if (rope.factor <= 0) read.meta().refuse(read.key("rope.scaling.factor"), "is not positive");
  rope.original_context_len = read.count_or("rope.scaling.original_context_length", config.context_len, kMaxContext);
  rope.attention_factor = read.number_or("rope.scaling.attn_factor", 1.0);
  rope.beta_fast = read.number_or("rope.scaling.yarn_beta_fast", 32.0);
  rope.beta_slow = read.number_or("rope.scaling.yarn_beta_slow", 1.0);
  // A folder keeps the rows of q and k as they are, which pairs halves; the key is ours.
  if (read.word_or("rope.pairs", "adjacent") == "halves") rope.pairs = kernels::RopePairs::kHalves;
  return rope;
}

}  // namespace

DecoderConfig read_decoder_config(const format::ModelFile& file) {
  const ConfigReader read(file);
  DecoderConfig config;
  config.n_layers = read.count("block_count", kMaxLayers);
  config.hidden_dim = read.count("embedding_length", kMaxWidth);
  config.n_heads = read.count("attention.head_count", kMaxWidth);
  config.n_kv_heads = read.count_or("attention.head_count_kv", config.n_heads, config.n_heads);
  if (config.n_heads % config.n_kv_heads != 0) {
    read.meta().refuse(read.key("attention.head_count_kv"),
                       str("is ", config.n_kv_heads, ", which does not divide ", config.n_heads, " heads"));
  }
  config.head_dim = read.count_or("attention.key_length", config.hidden_dim / config.n_heads, kMaxWidth);
  if (read.count_or("attention.value_length", config.head_dim, kMaxWidth) != config.head_dim) {
    read.meta().refuse(read.key("attention.value_length"), "is not the same as attention.key_length");
  }
  config.ffn_dim = read.count("feed_forward_length", kMaxWidth);
  config.context_len = read.count("context_length", kMaxContext);
  config.norm_eps = static_cast<float>(read.number_or("attention.layer_norm_rms_epsilon", 1e-5));
  if (config.norm_eps < 0.0F) read.meta().refuse(read.key("attention.layer_norm_rms_epsilon"), "is negative");
  const format::TensorEntry* embedding = file.find("token_embd.weight");
  if (embedding == nullptr) read.meta().refuse("tensor token_embd.weight", "is missing");
  config.vocab_size = static_cast<size_t>(embedding->n_rows());
  config.rope = read_rope(read, config);
  return config;
}

void declare_decoder_tensors(const DecoderConfig& c, TensorTable& t) {
  t.add("token_embd.weight", c.vocab_size, c.hidden_dim);
  t.add("output_norm.weight", 1, c.hidden_dim);
  t.add_optional("output.weight", c.vocab_size, c.hidden_dim);
  t.add_optional("rope_freqs.weight", 1, c.rope.n_rot / 2);
  t.per_layer("attn_norm.weight", 1, c.hidden_dim);
  t.per_layer("attn_q.weight", c.n_heads * c.head_dim, c.hidden_dim);
  t.per_layer("attn_k.weight", c.n_kv_heads * c.head_dim, c.hidden_dim);
  t.per_layer("attn_v.weight", c.n_kv_heads * c.head_dim, c.hidden_dim);
  t.per_layer("attn_output.weight", c.hidden_dim, c.n_heads * c.head_dim);
  t.per_layer_optional("attn_q.bias", 1, c.n_heads * c.head_dim);
  t.per_layer_optional("attn_k.bias", 1, c.n_kv_heads * c.head_dim);
  t.per_layer_optional("attn_v.bias", 1, c.n_kv_heads * c.head_dim);
  t.per_layer_optional("attn_output.bias", 1, c.hidden_dim);
  t.per_layer("ffn_norm.weight", 1, c.hidden_dim);
  t.per_layer("ffn_gate.weight", c.ffn_dim, c.hidden_dim);
  t.per_layer("ffn_up.weight", c.ffn_dim, c.hidden_dim);
  t.per_layer("ffn_down.weight", c.hidden_dim, c.ffn_dim);
}

ir::Value decoder_attention(DecoderContext& c, const LayerWeights& w, ir::Value x_TD) {
  const DecoderConfig& config = c.config;
  ir::Value q = ops::linear(c.b, x_TD, w["attn_q.weight"], w.find("attn_q.bias"));
  ir::Value k = ops::linear(c.b, x_TD, w["attn_k.weight"], w.find("attn_k.bias"));
  const ir::Value v = ops::linear(c.b, x_TD, w["attn_v.weight"], w.find("attn_v.bias"));
  q = ops::rope(c.b, q, c.rope_table, {config.n_heads, config.head_dim, config.rope.pairs});
  k = ops::rope(c.b, k, c.rope_table, {config.n_kv_heads, config.head_dim, config.rope.pairs});
  ops::AttendSpec spec;
  spec.n_heads = config.n_heads;
  spec.n_kv_heads = config.n_kv_heads;
  spec.head_dim = config.head_dim;
  spec.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(config.head_dim)));
  return ops::linear(c.b, ops::attend(c.b, q, k, v, spec), w["attn_output.weight"], w.find("attn_output.bias"));
}

ir::Value decoder_feed_forward(DecoderContext& c, const LayerWeights& w, ir::Value x_TD) {
  const ir::Value gate = ops::linear(c.b, x_TD, w["ffn_gate.weight"]);
  const ir::Value up = ops::linear(c.b, x_TD, w["ffn_up.weight"]);
  return ops::linear(c.b, ops::gated(c.b, kernels::Activate::kSilu, gate, up), w["ffn_down.weight"]);
}

ir::Value describe_decoder(ir::Builder& b, const DecoderConfig& config, const Blocks& blocks, const WeightNames& names,
                           const ops::RopeFrequencies& frequencies) {
  DecoderContext c{b, config, ops::rope_table(b, b.input(ir::Input::kPositions), frequencies)};
  ir::Value x_TD = ops::embed(b, b.input(ir::Input::kTokenIds), names["token_embd.weight"]);
  for (size_t i = 0; i < config.n_layers; ++i) {
    const LayerWeights w(names, i);
    const ir::Value attended = blocks.attention(c, w, ops::rms_norm(b, x_TD, w["attn_norm.weight"], config.norm_eps));
    x_TD = ops::add(b, x_TD, attended);
    const ir::Value fed = blocks.feed_forward(c, w, ops::rms_norm(b, x_TD, w["ffn_norm.weight"], config.norm_eps));
    x_TD = ops::add(b, x_TD, fed);
  }
  const ir::Value rows_LD = ops::gather_rows(b, x_TD, b.input(ir::Input::kLogitRows));
  const ir::Value normed_LD = ops::rms_norm(b, rows_LD, names["output_norm.weight"], config.norm_eps);
  const auto head = names.find("output.weight");
  return ops::linear(b, normed_LD, head ? *head : names["token_embd.weight"]);
}

}  // namespace kinglet::models
