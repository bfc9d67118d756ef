// Values of a folder's tensors on their way into GGUF's layout.
#include "model/format/hf_tensors.h"

#include <cmath>
#include <cstring>
#include <numeric>

#include "model/format/printable.h"
#include "model/format/rope_rows.h"

namespace kinglet::format {
namespace {

uint64_t product(std::span<const uint64_t> counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{1}, std::multiplies<>());
}

std::string shape_text(std::span<const uint64_t> shape) {
  std::string text = "[";
  for (const uint64_t n : shape) text += str(text.size() > 1 ? "," : "", n);
  return text + "]";
}

void copy_floats(std::span<const float> values, std::span<std::byte> out) {
  KINGLET_CHECK(out.size() == values.size_bytes(), "a tensor is as large as its shape says");
  std::memcpy(out.data(), values.data(), out.size());
}

// [..., rows, cols] to [..., cols, rows], elements of so many bytes.
void transpose(const SafetensorsEntry& entry, std::span<std::byte> out) {
  const size_t element = entry.format->block_bytes;
  const size_t n_dims = entry.shape.size();
  const auto rows = static_cast<size_t>(entry.shape[n_dims - 2]);
  const auto cols = static_cast<size_t>(entry.shape[n_dims - 1]);
  const size_t n = entry.bytes.size() / (rows * cols * element);
  for (size_t i = 0; i < n; ++i) {
    const std::byte* from = entry.bytes.data() + i * rows * cols * element;
    std::byte* to = out.data() + i * rows * cols * element;
    for (size_t r = 0; r < rows; ++r) {
      for (size_t c = 0; c < cols; ++c)
        std::memcpy(to + (c * rows + r) * element, from + (r * cols + c) * element, element);
    }
  }
}

// Rows of a matrix, or elements of a bias.
size_t row_bytes_of(const SafetensorsEntry& entry) { return entry.bytes.size() / static_cast<size_t>(entry.shape[0]); }

}  // namespace

size_t MadeTensor::size_bytes() const {
  return format->row_bytes(static_cast<size_t>(shape.back())) *
         static_cast<size_t>(product(std::span(shape).first(shape.size() - 1)));
}

MadeTensor made_of(std::string name, std::vector<uint64_t> shape, std::vector<float> values) {
  return {std::move(name), std::move(shape), quant::find_by_name("F32"),
          [values = std::move(values)](std::span<std::byte> out) { copy_floats(values, out); }};
}

const SafetensorsEntry& HfTensors::require(std::string_view name, std::vector<uint64_t> shape) const {
  const SafetensorsEntry* entry = find(name);
  if (entry == nullptr) fail_with(ErrorCode::kInvalidFile, "tensor ", name, ": is missing");
  if (!shape.empty() && entry->shape != shape) {
    fail_with(ErrorCode::kInvalidFile, "tensor ", name, ": shape ", shape_text(entry->shape), ", expected ",
              shape_text(shape));
  }
  return *entry;
}

std::vector<float> HfTensors::values(const SafetensorsEntry& entry) {
  // Files do not align their elements; decoding wants them aligned.
  std::vector<std::byte> aligned(entry.bytes.begin(), entry.bytes.end());
  std::vector<float> values(static_cast<size_t>(entry.n_elements()));
  entry.format->decode(aligned.data(), values.data(), values.size());
  return values;
}

std::vector<uint64_t> changed_shape(const SafetensorsEntry& entry, Change change) {
  std::vector<uint64_t> shape = entry.shape;
  const size_t n = shape.size();
  if (change == Change::kTransposed && n >= 2) std::swap(shape[n - 1], shape[n - 2]);
  // The kernels of depthwise convolutions: [channels, 1, width].
  if (n == 3 && shape[1] == 1) shape.erase(shape.begin() + 1);
  return shape;
}

bool gives_f32(const SafetensorsEntry& entry, Change change) {
  const size_t n = entry.shape.size();
  const bool is_vector = n == 1 || (n == 2 && entry.shape[0] == 1) || (n == 3 && entry.shape[1] == 1);
  return (is_vector && entry.format->block_len == 1) || change == Change::kPlusOne || change == Change::kMinusExp;
}

void write_changed(const SafetensorsEntry& entry, Change change, size_t head_dim, std::span<std::byte> out) {
  if (gives_f32(entry, change)) {
    std::vector<float> values = HfTensors::values(entry);
    if (change == Change::kPlusOne) {
      for (float& x : values) x += 1.0F;
    } else if (change == Change::kMinusExp) {
      for (float& x : values) x = -std::exp(x);
    } else if (change == Change::kQueryHeads || change == Change::kKeyHeads) {
      return rows_to_adjacent(std::as_bytes(std::span(values)), out, head_dim, sizeof(float));
    }
    return copy_floats(values, out);
  }
  switch (change) {
    case Change::kTransposed:
      return transpose(entry, out);
    case Change::kQueryHeads:
    case Change::kKeyHeads:
      return rows_to_adjacent(entry.bytes, out, head_dim, row_bytes_of(entry));
    default:
      std::memcpy(out.data(), entry.bytes.data(), out.size());
  }
}

}  // namespace kinglet::format
