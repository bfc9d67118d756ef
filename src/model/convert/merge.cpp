#include "model/convert/merge.h"

#include <algorithm>
#include <cmath>

#include "core/base/base.h"
#include "core/tensor/tensor.h"
#include "model/convert/encode_rows.h"

namespace kinglet::convert {
namespace {

constexpr size_t kPieceElements = size_t{1} << 22;

// An adapter's part in one tensor.
struct Change {
  const format::AdapterWeight* weight;
  double factor;
};

std::vector<Change> changes_of(std::span<const models::AdapterUse> adapters, std::string_view name) {
  std::vector<Change> changes;
  for (const models::AdapterUse& use : adapters) {
    for (const format::AdapterWeight& weight : use.adapter.weights) {
      if (weight.name == name) changes.push_back({&weight, static_cast<double>(use.factor)});
    }
  }
  return changes;
}

const quant::Format& target_of(const format::TensorEntry& tensor, const quant::Format* type) {
  if (type == nullptr || stays_f32(tensor) || tensor.format->activation == quant::Activation::kNone)
    return *tensor.format;
  return tensor.dims[0] % type->block_len == 0 ? *type : *quant::find_by_name("F16");
}

uint64_t size_of(const format::TensorEntry& tensor, const quant::Format* type) {
  return target_of(tensor, type).row_bytes(static_cast<size_t>(tensor.dims[0])) * tensor.n_rows();
}

// One row of the sum; what the adapters make of it is worked out in double.
void merged_row(const quant::Weight& weight, std::span<const Change> changes, size_t row_idx, float* out) {
  std::vector<double> changed;
  weight.format->decode(weight.row(row_idx), out, weight.cols);
  std::vector<double> sum(out, out + weight.cols);
  for (const Change& change : changes) {
    models::adapted_row(weight, *change.weight, row_idx, changed);
    double gain = 1;
    if (!change.weight->magnitude.empty()) {
      double square = 0;
      for (const double x : changed) square += x * x;
      gain = static_cast<double>(change.weight->magnitude[row_idx]) / std::sqrt(square);
    }
    for (size_t k = 0; k < weight.cols; ++k)
      sum[k] += change.factor * (gain * changed[k] - static_cast<double>(out[k]));
  }
  for (size_t k = 0; k < weight.cols; ++k) out[k] = static_cast<float>(sum[k]);
}

void write_merged(const format::TensorEntry& tensor, std::span<const std::byte> bytes, std::span<const Change> changes,
                  const quant::Format& target, ThreadPool& pool, const format::GgufWriter::Sink& sink) {
  quant::Weight weight = tensor.weight();
  weight.data = bytes.data();
  const quant::Format& f32 = *quant::find_by_name("F32");
  const size_t piece_rows = std::clamp<size_t>(kPieceElements / weight.cols, 1, weight.rows);
  tensor::Buffer values = tensor::Buffer::uninitialized(piece_rows * weight.cols * sizeof(float));
  for (size_t first = 0; first < weight.rows; first += piece_rows) {
    const size_t n = std::min(piece_rows, weight.rows - first);
    for_rows(pool, n, [&](size_t r, size_t /*thread_idx*/) {
      merged_row(weight, changes, first + r, values.at<float>() + r * weight.cols);
    });
    format::TensorEntry piece = tensor;
    piece.format = &f32;
    piece.dims = {weight.cols, n, 1, 1};
    const std::span<const std::byte> piece_bytes(values.data(), n * weight.cols * sizeof(float));
    encode_rows(piece, piece_bytes, target, pool, sink);
  }
}

void add_settings(const format::ModelFile& file, const quant::Format* type, format::GgufWriter& writer) {
  for (const auto& [key, value] : file.metadata().entries()) {
    if (key != "general.file_type" || type == nullptr) writer.add_value(key, value);
  }
  // What a folder lacks, as convert writes it.
  if (file.metadata().find("tokenizer.ggml.model") == nullptr) writer.add_string("tokenizer.ggml.model", "none");
  if (file.metadata().find("general.type") == nullptr) writer.add_string("general.type", "model");
}

}  // namespace

void merge(const format::ModelFile& file, std::span<const models::AdapterUse> adapters, const quant::Format* type,
           ThreadPool& pool, const format::GgufWriter::Sink& sink, const Progress& progress) {
  const uint64_t total = merged_size(file, type);
  uint64_t done = 0;
  format::GgufWriter writer;
  add_settings(file, type, writer);
  for (const format::TensorEntry& tensor : file.tensors()) {
    const quant::Format& target = target_of(tensor, type);
    const std::vector<Change> changes = changes_of(adapters, tensor.name);
    if (target.encode == nullptr && (!changes.empty() || &target != tensor.format)) {
      fail_with(ErrorCode::kUnsupported, file.path(), ": tensor ", tensor.name, ": ", target.name,
                " cannot be written; choose another with --type");
    }
    writer.add_tensor(tensor.name, target, std::span(tensor.dims).first(tensor.n_dims),
                      [&, changes](const format::GgufWriter::Sink& to) {
                        if (progress && !progress(done, total)) fail(ErrorCode::kCancelled, "stopped");
                        file.read(tensor, [&](std::span<const std::byte> bytes) {
                          check_finite(tensor, bytes, file.path());
                          if (changes.empty()) return encode_rows(tensor, bytes, target_of(tensor, type), pool, to);
                          write_merged(tensor, bytes, changes, target_of(tensor, type), pool, to);
                        });
                        done += size_of(tensor, type);
                      });
  }
  writer.write(sink);
}

uint64_t merged_size(const format::ModelFile& file, const quant::Format* type) {
  uint64_t size = 0;
  for (const format::TensorEntry& tensor : file.tensors()) size += size_of(tensor, type);
  return size;
}

}  // namespace kinglet::convert
