#include "model/models/config.h"

#include <algorithm>
#include <cmath>

namespace kinglet::models {
namespace {

RopeScaling read_scaling(const ConfigReader& read) {
  // A file that names a factor alone means linear.
  const std::string_view word = read.word_or("rope.scaling.type", "linear");
  if (word == "none") return RopeScaling::kNone;
  if (word == "linear") return RopeScaling::kLinear;
  if (word == "yarn") return RopeScaling::kYarn;
  if (word == "longrope") return RopeScaling::kLongrope;
  fail_with(ErrorCode::kUnsupported, read.meta().name(), ": ", read.key("rope.scaling.type"), " is ", word,
            ", supported are none, linear, yarn and longrope");
}

RopeConfig read_rope(const ConfigReader& read, size_t head_dim, size_t context_len) {
  RopeConfig rope;
  rope.n_rot = read.count_or("rope.dimension_count", head_dim, head_dim);
  if (rope.n_rot % 2 != 0)
    read.meta().refuse(read.key("rope.dimension_count"), str("is ", rope.n_rot, ", expected an even number"));
  rope.base = read.number_or("rope.freq_base", 10000.0);
  if (rope.base <= 0) read.meta().refuse(read.key("rope.freq_base"), "is not positive");
  rope.scaling = read_scaling(read);
  // Files of before October 2023 have the older key.
  rope.factor = read.number_or("rope.scaling.factor", read.number_or("rope.scale_linear", 1.0));
  // A key of ours: the field's files cannot say it.
  if (read.has("rope.dynamic_factor")) {
    rope.scaling = RopeScaling::kDynamic;
    rope.factor = read.number_or("rope.dynamic_factor", 1.0);
  }
  if (rope.factor <= 0) read.meta().refuse(read.key("rope.scaling.factor"), "is not positive");
  rope.original_context_len =
      read.count_or("rope.scaling.original_context_length", context_len, ConfigReader::kMaxContext);
  rope.attention_factor = read.number_or("rope.scaling.attn_factor", 1.0);
  rope.beta_fast = read.number_or("rope.scaling.yarn_beta_fast", 32.0);
  rope.beta_slow = read.number_or("rope.scaling.yarn_beta_slow", 1.0);
  rope.truncate = read.truth_or("rope.scaling.yarn_truncate", true);
  return rope;
}

}  // namespace

bool DecoderConfig::depends_on_length() const noexcept {
  return std::ranges::any_of(ropes, [](const RopeConfig& rope) {
    return rope.scaling == RopeScaling::kDynamic || rope.scaling == RopeScaling::kLongrope;
  });
}

void DecoderConfig::place(std::span<const int32_t> ids, std::span<int32_t> positions) const noexcept {
  auto next = static_cast<int32_t>(first_position);
  for (size_t i = 0; i < ids.size(); ++i) positions[i] = padding == ids[i] ? ids[i] : next++;
}

size_t DecoderConfig::rope_variant(size_t length) const noexcept {
  size_t variant = 0;
  for (const RopeConfig& rope : ropes) {
    if (length <= rope.original_context_len) continue;
    if (rope.scaling == RopeScaling::kLongrope) variant = std::max<size_t>(variant, 1);
    if (rope.scaling == RopeScaling::kDynamic) variant = length;
  }
  return variant;
}

ConfigReader::ConfigReader(const format::ModelFile& file)
    : file_(file), prefix_(str(file.metadata().require<std::string_view>("general.architecture"), ".")) {}

size_t ConfigReader::in_limit(std::string_view name, size_t value, size_t least, size_t limit) const {
  if (value < least || value > limit) meta().refuse(key(name), str("is ", value, ", expected ", least, " to ", limit));
  return value;
}

size_t ConfigReader::count(std::string_view name, size_t limit) const {
  return in_limit(name, meta().require<size_t>(key(name)), 1, limit);
}

size_t ConfigReader::count_or(std::string_view name, size_t fallback, size_t limit) const {
  return in_limit(name, meta().get<size_t>(key(name)).value_or(fallback), 1, limit);
}

size_t ConfigReader::count_or_zero(std::string_view name, size_t limit) const {
  return in_limit(name, meta().get<size_t>(key(name)).value_or(0), 0, limit);
}

std::vector<size_t> ConfigReader::counts(std::string_view name, size_t n_layers, std::optional<size_t> fallback,
                                         size_t limit) const {
  const format::MetaValue* value = meta().find(key(name));
  if (value == nullptr || value->type != format::ValueType::kArray) {
    const size_t of_all =
        fallback ? meta().get<size_t>(key(name)).value_or(*fallback) : meta().require<size_t>(key(name));
    return std::vector<size_t>(n_layers, in_limit(name, of_all, 1, limit));
  }
  const format::Array& array = *meta().number_array(key(name));
  if (array.size < n_layers) {
    meta().refuse(key(name), str("has ", array.size, " numbers, expected one for each of ", n_layers, " layers"));
  }
  std::vector<size_t> counts;
  for (size_t i = 0; i < n_layers; ++i) {
    const int64_t count = array.integer(i);
    if (count < 0) meta().refuse(key(name), str("has ", count, ", expected a count"));
    counts.push_back(in_limit(name, static_cast<size_t>(count), 0, limit));
  }
  return counts;
}

std::vector<bool> ConfigReader::truths(std::string_view name, size_t n_layers) const {
  if (!has(name)) return {};
  const format::Array& array = *meta().number_array(key(name));
  if (array.size < n_layers) {
    meta().refuse(key(name), str("has ", array.size, " truths, expected one for each of ", n_layers, " layers"));
  }
  std::vector<bool> truths;
  for (size_t i = 0; i < n_layers; ++i) truths.push_back(array.integer(i) != 0);
  return truths;
}

std::vector<double> ConfigReader::numbers(std::string_view name, size_t n) const {
  if (!has(name)) return {};
  const format::Array& array = *meta().number_array(key(name));
  if (array.size < n) meta().refuse(key(name), str("has ", array.size, " numbers, expected ", n));
  std::vector<double> numbers;
  for (size_t i = 0; i < n; ++i) numbers.push_back(array.number(i));
  return numbers;
}

double ConfigReader::number_or(std::string_view name, double fallback) const {
  const double number = meta().get<double>(key(name)).value_or(fallback);
  if (!std::isfinite(number)) meta().refuse(key(name), "is not a finite number");
  return number;
}

// Numbers of llama.cpp's enum.
Pooling ConfigReader::pooling_or(std::string_view name, Pooling fallback) const {
  if (!has(name)) return fallback;
  constexpr Pooling kAll[] = {Pooling::kNone, Pooling::kMean, Pooling::kCls, Pooling::kLast, Pooling::kRank};
  const size_t number = count_or_zero(name);
  if (number >= std::size(kAll)) meta().refuse(key(name), str("is ", number, ", expected 0 to 4"));
  return kAll[number];
}

float ConfigReader::positive_or(std::string_view name, float fallback) const {
  const auto number = static_cast<float>(number_or(name, static_cast<double>(fallback)));
  if (!(number > 0.0F)) meta().refuse(key(name), "is not positive");
  return number;
}

DecoderConfig read_latent_decoder_config(const ConfigReader& read) {
  DecoderConfig config;
  config.n_layers = read.count("block_count", ConfigReader::kMaxLayers);
  config.hidden_dim = read.count("embedding_length");
  config.context_len = read.count("context_length", ConfigReader::kMaxContext);
  config.norm_eps = static_cast<float>(
      read.number_or("attention.layer_norm_rms_epsilon", read.number_or("attention.layer_norm_epsilon", 1e-5)));
  if (config.norm_eps < 0.0F) read.meta().refuse(read.key("attention.layer_norm_rms_epsilon"), "is negative");
  const format::TensorEntry* embedding = read.file().find("token_embd.weight");
  if (embedding == nullptr) read.meta().refuse("tensor token_embd.weight", "is missing");
  config.vocab_size = static_cast<size_t>(embedding->n_rows());
  config.pooling = read.pooling_or("pooling_type", Pooling::kNone);

  const std::vector<size_t> n_heads = read.counts("attention.head_count", config.n_layers, std::nullopt);
  const size_t most_heads = *std::ranges::max_element(n_heads);
  if (most_heads == 0) read.meta().refuse(read.key("attention.head_count"), "is 0");
  const std::vector<size_t> n_kv_heads = read.counts("attention.head_count_kv", config.n_layers, most_heads);
  const std::vector<size_t> ffn_dims = read.counts("feed_forward_length", config.n_layers, std::nullopt);
  const size_t head_dim = read.count_or("attention.key_length", config.hidden_dim / most_heads);
  for (size_t i = 0; i < config.n_layers; ++i) {
    // Of layers without attention some files say no heads.
    const size_t n_kv = n_kv_heads[i] == 0 ? n_heads[i] : n_kv_heads[i];
    if (n_heads[i] != 0 && n_heads[i] % n_kv != 0) {
      read.meta().refuse(read.key("attention.head_count_kv"),
                         str("is ", n_kv, ", which does not divide ", n_heads[i], " heads"));
    }
    config.layers.push_back({n_heads[i], n_kv, head_dim, ffn_dims[i], 0, 0, 0});
  }
  config.ropes.push_back(read_rope(read, head_dim, config.context_len));
  return config;
}

DecoderConfig read_decoder_config(const ConfigReader& read) {
  DecoderConfig config = read_latent_decoder_config(read);
  if (read.count_or("attention.value_length", config.layers[0].head_dim) != config.layers[0].head_dim) {
    read.meta().refuse(read.key("attention.value_length"), "is not the same as attention.key_length");
  }
  return config;
}

void read_windows(const ConfigReader& read, DecoderConfig& config, const std::function<bool(size_t)>& is_windowed) {
  const size_t window = read.count_or_zero("attention.sliding_window", ConfigReader::kMaxContext);
  // Some files have a list of truths, others the length of a period whose last layer sees all.
  const format::MetaValue* pattern = read.meta().find(read.key("attention.sliding_window_pattern"));
  const bool is_list = pattern != nullptr && pattern->type == format::ValueType::kArray;
  const std::vector<bool> truths =
      is_list ? read.truths("attention.sliding_window_pattern", config.n_layers) : std::vector<bool>();
  const size_t period = pattern != nullptr && !is_list ? read.count("attention.sliding_window_pattern") : 0;
  for (size_t i = 0; i < config.n_layers; ++i) {
    const bool has_window = is_list ? truths[i] : period > 0 ? i % period + 1 < period : is_windowed(i);
    if (has_window) config.layers[i].window = window;
  }
}

void read_experts(const ConfigReader& read, DecoderConfig& config) {
  const size_t n_experts = read.count_or_zero("expert_count", 4096);
  if (n_experts == 0) return;
  const size_t n_dense = read.count_or_zero("leading_dense_block_count", config.n_layers);
  for (size_t i = n_dense; i < config.n_layers; ++i) {
    config.layers[i].n_experts = n_experts;
    const format::TensorEntry* fused = read.file().find(str("blk.", i, ".ffn_gate_up_exps.weight"));
    config.experts.is_gate_up_fused |= fused != nullptr;
  }
  config.experts.n_used = read.count("expert_used_count", n_experts);
  config.experts.ffn_dim = read.count_or("expert_feed_forward_length", std::max<size_t>(1, config.layers[0].ffn_dim));
  config.experts.shared_ffn_dim = read.count_or_zero("expert_shared_feed_forward_length");
  // As files have it, 0 stands for no change.
  const auto scale = static_cast<float>(read.number_or("expert_weights_scale", 1.0));
  config.experts.scale = scale == 0.0F ? 1.0F : scale;
  // 0, as some files have it, is no groups.
  if (const size_t n_groups = read.count_or_zero("expert_group_count"); n_groups > 1) {
    ExpertsConfig& experts = config.experts;
    if (n_groups > ops::RouteSpec::kMaxGroups || n_experts % n_groups != 0) {
      read.meta().refuse(read.key("expert_group_count"), str("is ", n_groups, ", expected a divisor of ", n_experts,
                                                             " experts, at most ", ops::RouteSpec::kMaxGroups));
    }
    experts.n_groups = n_groups;
    experts.n_groups_used = read.count("expert_group_used_count", n_groups);
    if (experts.n_used > n_experts / n_groups * experts.n_groups_used) {
      read.meta().refuse(read.key("expert_group_used_count"),
                         str("is ", experts.n_groups_used, ": these groups have ",
                             n_experts / n_groups * experts.n_groups_used, " experts, ", experts.n_used, " are used"));
    }
  }
  constexpr size_t kUnsaid = 0;
  switch (read.count_or_zero("expert_gating_func")) {
    case kUnsaid:
    case 1:
      break;
    case 2:
      config.experts.by = ops::RouteBy::kSigmoid;
      break;
    case 3:
      config.experts.by = ops::RouteBy::kSoftmaxOfChosen;
      break;
    default:
      fail_with(ErrorCode::kUnsupported, read.meta().name(), ": ", read.key("expert_gating_func"), " is ",
                read.count_or_zero("expert_gating_func"),
                ", supported are 1 (softmax), 2 (sigmoid) and 3 (softmax of the chosen)");
  }
}

}  // namespace kinglet::models
