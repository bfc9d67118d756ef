#include "model/format/adapter.h"

#include <filesystem>

#include "home/system/file.h"
#include "model/format/adapter_builder.h"
#include "model/format/printable.h"
#include "model/format/rope_rows.h"

namespace kinglet::format {
namespace {

constexpr uint64_t kMaxConfigBytes = 16'000'000;

std::vector<float> reordered(const std::vector<float>& from, size_t head_dim, size_t row_len,
                             void (*order)(std::span<const std::byte>, std::span<std::byte>, size_t, size_t)) {
  std::vector<float> to(from.size());
  order(std::as_bytes(std::span(from)), std::as_writable_bytes(std::span(to)), head_dim, row_len * sizeof(float));
  return to;
}

}  // namespace

std::vector<float> rows_in_halves(const std::vector<float>& adjacent, size_t head_dim, size_t row_len) {
  return reordered(adjacent, head_dim, row_len, rows_to_halves);
}

std::vector<float> rows_in_pairs(const std::vector<float>& halves, size_t head_dim, size_t row_len) {
  return reordered(halves, head_dim, row_len, rows_to_adjacent);
}

bool is_of_heads(const HfFamily& family, std::string_view gguf_name) {
  const auto mapped = to_hf_name(family, gguf_name);
  return mapped && (mapped->rule->change == Change::kQueryHeads || mapped->rule->change == Change::kKeyHeads);
}

bool AdapterTarget::keeps_halves() const {
  return file.metadata().get<std::string_view>(str(family.architecture, ".rope.pairs")).value_or("") == "halves";
}

size_t AdapterTarget::head_dim() const {
  const Metadata& metadata = file.metadata();
  if (const auto own = metadata.get<uint32_t>(str(family.architecture, ".attention.key_length"))) return *own;
  const auto n_heads = metadata.require<uint32_t>(str(family.architecture, ".attention.head_count"));
  const auto hidden = metadata.require<uint32_t>(str(family.architecture, ".embedding_length"));
  return n_heads == 0 ? 0 : hidden / n_heads;
}

Adapter open_adapter(const std::string& path, const AdapterTarget& target) {
  namespace fs = std::filesystem;
  std::error_code error;
  const bool is_tensors = path.ends_with(".safetensors");
  if (!is_tensors && !fs::is_directory(path, error)) return read_gguf_adapter(*open_gguf(path), target);
  const fs::path folder = is_tensors ? fs::path(path).parent_path() : fs::path(path);
  const std::string config = (folder / "adapter_config.json").string();
  const std::string tensors = is_tensors ? path : (folder / "adapter_model.safetensors").string();
  if (!fs::exists(config, error)) fail_with(ErrorCode::kNotFound, path, ": has no adapter_config.json");
  if (!fs::exists(tensors, error)) {
    const bool is_pickle = fs::exists(folder / "adapter_model.bin", error);
    fail_with(is_pickle ? ErrorCode::kUnsupported : ErrorCode::kNotFound, path, ": has no adapter_model.safetensors",
              is_pickle ? " but a Python pickle, which can run code and is not read" : "");
  }
  return read_peft_adapter(system::read_file(config, kMaxConfigBytes), config, Safetensors::open(tensors), target);
}

AdapterBuilder::AdapterBuilder(std::string path, const AdapterTarget& target)
    : target_(target), keeps_halves_(target.keeps_halves()) {
  adapter_.path = std::move(path);
}

AdapterWeight& AdapterBuilder::weight(const std::string& name, std::string_view what) {
  const auto [place, is_new] = places_.try_emplace(name, adapter_.weights.size());
  if (!is_new) return adapter_.weights[place->second];
  const TensorEntry* tensor = target_.file.find(name);
  if (tensor == nullptr) {
    fail_with(ErrorCode::kInvalidFile, adapter_.path, ": tensor ", printable(what), ": the model has no ",
              printable(name));
  }
  if (tensor->n_dims != 2 || name == "token_embd.weight") {
    fail_with(ErrorCode::kUnsupported, adapter_.path, ": tensor ", printable(what), ": adapters of ", name,
              " are not supported");
  }
  AdapterWeight& made = adapter_.weights.emplace_back();
  made.name = name;
  made.rows = static_cast<size_t>(tensor->n_rows());
  made.cols = static_cast<size_t>(tensor->dims[0]);
  return made;
}

void AdapterBuilder::put(std::vector<float>& into, std::vector<float> values, std::string_view what) const {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      fail_with(ErrorCode::kInvalidFile, adapter_.path, ": tensor ", printable(what), ": value ", i,
                " is not a finite number");
    }
  }
  if (!into.empty()) fail_with(ErrorCode::kInvalidFile, adapter_.path, ": tensor ", printable(what), " is there twice");
  into = std::move(values);
}

void AdapterBuilder::put_a(AdapterWeight& weight, AdapterMatrix matrix) const {
  check_shape(matrix, weight.rank == 0 ? matrix.rows : weight.rank, weight.cols);
  weight.rank = matrix.rows;
  put(weight.a, std::move(matrix.values), matrix.name);
}

void AdapterBuilder::put_b(AdapterWeight& weight, AdapterMatrix matrix) const {
  check_shape(matrix, weight.rows, weight.rank == 0 ? matrix.cols : weight.rank);
  weight.rank = matrix.cols;
  put(weight.b, std::move(matrix.values), matrix.name);
}

void AdapterBuilder::put_magnitude(AdapterWeight& weight, AdapterMatrix matrix) const {
  check_shape(matrix, 1, weight.rows);
  put(weight.magnitude, std::move(matrix.values), matrix.name);
}

void AdapterBuilder::check_shape(const AdapterMatrix& matrix, size_t rows, size_t cols) const {
  if (matrix.rows == rows && matrix.cols == cols && rows > 0 && cols > 0) return;
  fail_with(ErrorCode::kInvalidFile, adapter_.path, ": tensor ", printable(matrix.name), ": shape [", matrix.rows, ",",
            matrix.cols, "], expected [", rows, ",", cols, "]");
}

Adapter AdapterBuilder::finish(bool file_has_halves) {
  if (adapter_.weights.empty()) fail_with(ErrorCode::kInvalidFile, adapter_.path, ": is an adapter without tensors");
  for (AdapterWeight& weight : adapter_.weights) {
    if (weight.a.empty() || weight.b.empty()) {
      fail_with(ErrorCode::kInvalidFile, adapter_.path, ": ", weight.name, " has only ",
                weight.a.empty() ? (weight.b.empty() ? "a magnitude" : "its B") : "its A");
    }
    if (file_has_halves == keeps_halves_ || !is_of_heads(target_.family, weight.name)) continue;
    const size_t head_dim = target_.head_dim();
    if (head_dim == 0 || head_dim % 2 != 0 || weight.rows % head_dim != 0) {
      fail_with(ErrorCode::kInvalidFile, adapter_.path, ": ", weight.name, ": ", weight.rows,
                " rows are no whole number of heads of ", head_dim);
    }
    const auto order = keeps_halves_ ? rows_in_halves : rows_in_pairs;
    weight.b = order(weight.b, head_dim, weight.rank);
    if (!weight.magnitude.empty()) weight.magnitude = order(weight.magnitude, head_dim, 1);
  }
  return std::move(adapter_);
}

}  // namespace kinglet::format
