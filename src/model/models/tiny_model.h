// Tiny models with random weights, as GGUF files in memory made by our writer: for tests and for seeds of fuzz targets.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/quant/random_blocks.h"
#include "model/format/gguf.h"
#include "model/models/models.h"

namespace kinglet::models {

struct TinySizes {
  uint32_t hidden = 64;
  uint32_t ffn = 96;
  uint32_t n_heads = 2;
  uint32_t n_kv_heads = 1;
  uint32_t vocab = 40;
};

/// Sizes that tensors of this format can have: columns are whole blocks.
inline TinySizes tiny_sizes(const quant::Format& format) {
  if (format.block_len <= 32) return {};
  return {.hidden = 256, .ffn = 256, .n_heads = 8};
}

struct TinyOptions {
  std::string_view format = "F32";  ///< Of all matrices.
  uint64_t seed = 1;
  bool has_optional = true;  ///< Also the tensors that a file may lack: biases, an own head, frequency factors.
  uint32_t context_len = 256;
  uint32_t n_layers = 2;
  uint32_t head_dim = 32;  ///< A multiple of 32 fits every type of key-value cache.
  std::optional<TinySizes> sizes = {};
  std::vector<std::pair<std::string, std::string>> words = {};  ///< More keys, without the architecture's prefix.
  std::vector<std::pair<std::string, float>> numbers = {};
  std::vector<std::pair<std::string, uint32_t>> counts = {};
  /// Rows of tensors that a file's heads and types are known by, where the family declares them.
  std::vector<std::pair<std::string, uint32_t>> n_rows = {};
};

/// The bytes of a GGUF file of this architecture: keys that decoders share, and every tensor that it declares.
inline std::vector<std::byte> tiny_gguf(const Architecture& architecture, const TinyOptions& options = {}) {
  const quant::Format& format = *quant::find_by_name(options.format);
  const TinySizes sizes = options.sizes.value_or(tiny_sizes(format));
  format::Metadata settings("tiny");
  const auto key = [&](std::string_view name) { return str(architecture.name, ".", name); };
  settings.set("general.architecture", architecture.name);
  settings.set(key("block_count"), options.n_layers);
  settings.set(key("context_length"), options.context_len);
  settings.set(key("embedding_length"), sizes.hidden);
  settings.set(key("feed_forward_length"), sizes.ffn);
  settings.set(key("attention.head_count"), sizes.n_heads);
  settings.set(key("attention.head_count_kv"), sizes.n_kv_heads);
  settings.set(key("attention.key_length"), options.head_dim);
  settings.set(key("attention.value_length"), options.head_dim);
  settings.set(key("attention.layer_norm_rms_epsilon"), 1e-5F);
  if (architecture.fill_tiny != nullptr) architecture.fill_tiny(settings);
  for (const auto& [name, word] : options.words) settings.set(key(name), word);
  for (const auto& [name, number] : options.numbers) settings.set(key(name), number);
  for (const auto& [name, count] : options.counts) settings.set(key(name), count);
  const auto written = [](const format::GgufWriter& writer) {
    std::vector<std::byte> bytes;
    writer.write([&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
    return bytes;
  };
  Philox random(options.seed);
  std::deque<std::vector<std::byte>> data;
  const auto add_tensor = [&](format::GgufWriter& writer, const TensorSpec& spec) {
    const bool is_vector = spec.rows == 1 || spec.is_flat;
    const bool is_bias = spec.name.ends_with(".bias");
    const bool is_f32 = is_vector || spec.is_f32 || spec.cols % format.block_len != 0;
    const quant::Format& type = is_f32 ? *quant::find_by_name("F32") : format;
    // Norms and frequency factors around 1, rates below 0; matrices such that rows keep their size.
    const bool is_rate = spec.name.ends_with(".ssm_a");
    const float middle = is_rate ? -0.75F : is_vector && !is_bias ? 1.5F : 0.0F;
    const float spread = is_vector ? 0.5F : 3.0F / std::sqrt(static_cast<float>(spec.cols));
    // Encoding K formats is slow: their rows repeat.
    const size_t n_different = type.block_len > 32 ? std::min<size_t>(spec.rows, 23) : spec.rows;
    std::vector<float> values(n_different * spec.cols);
    for (float& x : values) x = middle + spread * (2.0F * random.next_float() - 1.0F);
    const size_t row_bytes = type.row_bytes(spec.cols);
    auto& blocks = data.emplace_back(spec.rows * row_bytes);
    if (type.encode == nullptr) {
      quant::draw_blocks(type, spread, random, std::span(blocks).first(n_different * row_bytes));
    } else {
      type.encode(values.data(), nullptr, blocks.data(), values.size());
    }
    for (size_t r = n_different; r < spec.rows; ++r) {
      std::copy_n(blocks.data() + r % n_different * row_bytes, row_bytes, blocks.data() + r * row_bytes);
    }
    const std::array<uint64_t, 2> dims{spec.cols, spec.rows};
    writer.add_tensor(spec.name, type, std::span(dims).first(spec.rows == 1 ? 1 : 2), blocks);
  };
  // The settings decide which tensors there are; the vocabulary's size is that of the embedding, and so with labels.
  format::GgufWriter first;
  first.add_values(settings);
  add_tensor(first, {"token_embd.weight", sizes.vocab, sizes.hidden});
  for (const auto& [name, n_rows] : options.n_rows) add_tensor(first, {name, n_rows, sizes.hidden});
  const std::vector<std::byte> settings_bytes = written(first);
  const auto settings_file = format::read_gguf(settings_bytes, "tiny");
  const DecoderConfig config = architecture.read_config(ConfigReader(*settings_file));
  TensorTable table;
  architecture.declare_tensors(config, table);
  format::GgufWriter writer;
  writer.add_values(settings);
  for (const TensorSpec& spec : table.specs()) {
    if (!spec.is_optional || options.has_optional) add_tensor(writer, spec);
  }
  return written(writer);
}

/// A loaded model and the bytes that it reads.
class TinyModel {
 public:
  explicit TinyModel(const TinyOptions& options = {}, const Architecture& architecture = *find_architecture("llama"))
      : bytes_(tiny_gguf(architecture, options)), model_(Model::load(format::read_gguf(bytes_, "tiny"))) {}

  [[nodiscard]] const std::shared_ptr<const Model>& shared() const noexcept { return model_; }
  [[nodiscard]] const Model& operator*() const noexcept { return *model_; }
  [[nodiscard]] const Model* operator->() const noexcept { return model_.get(); }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
  std::shared_ptr<const Model> model_;
};

}  // namespace kinglet::models
