#include "model/format/inspect.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "model/format/open_model.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

constexpr size_t kShownStringBytes = 400;
constexpr uint64_t kShownElements = 8;
constexpr size_t kDecodedAtOnce = 1024;  // elements; a multiple of every block length

// Types of ggml that have no format here, or none any more. Source: enum ggml_type in ggml.h.
struct TypeName {
  uint32_t id;
  std::string_view name;
};
constexpr std::array kOtherTypes = {
    TypeName{4, "Q4_2"},        TypeName{5, "Q4_3"},        TypeName{31, "Q4_0_4_4"},
    TypeName{32, "Q4_0_4_8"},   TypeName{33, "Q4_0_8_8"},   TypeName{36, "IQ4_NL_4_4"},
    TypeName{37, "IQ4_NL_4_8"}, TypeName{38, "IQ4_NL_8_8"}, TypeName{41, "Q1_0"},
};

std::string shown(const Array& array) {
  std::string text = "[";
  const uint64_t n = std::min(array.size, kShownElements);
  for (uint64_t i = 0; i < n; ++i) {
    if (i > 0) text += ", ";
    switch (array.element) {
      case ValueType::kString:
        text += str('"', printable(array.string(i)), '"');
        break;
      case ValueType::kBool:
        text += array.integer(i) != 0 ? "true" : "false";
        break;
      case ValueType::kF32:
        text += printable(static_cast<float>(array.number(i)));
        break;
      case ValueType::kF64:
        text += str(array.number(i));
        break;
      default:
        text += str(array.integer(i));
    }
  }
  return text + (n < array.size ? ", ...]" : "]");
}

KeyRow row_of(std::string_view key, const MetaValue& value) {
  KeyRow row{printable(key, kShownStringBytes), std::string(name_of(value.type)), "", 1};
  std::visit(
      [&](const auto& data) {
        using Data = std::decay_t<decltype(data)>;
        if constexpr (std::same_as<Data, Array>) {
          row.type = str("array of ", name_of(data.element));
          row.value = shown(data);
          row.size = data.size;
        } else if constexpr (std::same_as<Data, std::string_view>) {
          row.value = printable(data, kShownStringBytes);
        } else if constexpr (std::same_as<Data, double>) {
          // A float in its own shortest form, not in that of the double which holds it.
          row.value = value.type == ValueType::kF32 ? printable(static_cast<float>(data)) : str(data);
        } else {
          row.value = str(data);
        }
      },
      value.data);
  return row;
}

std::optional<NotFinite> scan(std::string_view name, const quant::Format& format, const std::byte* data,
                              uint64_t n_elements) {
  std::vector<float> values(kDecodedAtOnce);
  std::vector<std::byte> aligned(kDecodedAtOnce / format.block_len * format.block_bytes);
  for (uint64_t done = 0; done < n_elements; done += kDecodedAtOnce) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(kDecodedAtOnce, n_elements - done));
    const size_t n_bytes = n / format.block_len * format.block_bytes;
    std::copy_n(data + done / format.block_len * format.block_bytes, n_bytes, aligned.begin());
    format.decode(aligned.data(), values.data(), n);
    const auto end = values.begin() + static_cast<ptrdiff_t>(n);
    const auto bad = std::find_if(values.begin(), end, [](float value) { return !std::isfinite(value); });
    if (bad != end)
      return NotFinite{std::string(name), done + static_cast<uint64_t>(bad - values.begin()),
                       static_cast<double>(*bad)};
  }
  return std::nullopt;
}

}  // namespace

std::string gguf_type_name(uint32_t type_id) {
  if (const quant::Format* format = quant::find_by_gguf_id(type_id)) return std::string(format->name);
  const auto* const other = std::ranges::find(kOtherTypes, type_id, &TypeName::id);
  return other == kOtherTypes.end() ? str("type ", type_id) : std::string(other->name);
}

std::optional<NotFinite> find_not_finite(const TensorEntry& tensor) {
  if (tensor.format == nullptr) return std::nullopt;
  return scan(tensor.name, *tensor.format, tensor.data, tensor.n_rows() * tensor.dims[0]);
}

Inspection Inspection::open(const std::string& path, HfFamilies families) {
  Inspection inspection;
  if (path.ends_with(".safetensors") && !std::filesystem::is_directory(path)) {
    inspection.tensors_only_ = Safetensors::open(path);
  } else {
    inspection.model_ = open_model(path, families);
  }
  return inspection;
}

std::string Inspection::kind() const { return model_ ? model_->kind() : "safetensors"; }

uint64_t Inspection::file_bytes() const noexcept { return model_ ? model_->file_bytes() : tensors_only_->file_bytes(); }

std::vector<KeyRow> Inspection::keys() const {
  std::vector<KeyRow> rows;
  if (model_) {
    for (const auto& [key, value] : model_->metadata().entries()) rows.push_back(row_of(key, value));
  } else {
    for (const auto& [key, note] : tensors_only_->notes())
      rows.push_back(row_of(key, {ValueType::kString, std::string_view(note)}));
  }
  return rows;
}

std::vector<TensorRow> Inspection::tensors() const {
  std::vector<TensorRow> rows;
  if (!model_) {
    for (const SafetensorsEntry& entry : tensors_only_->tensors()) {
      rows.push_back({printable(entry.name, kShownStringBytes), entry.shape, std::string(entry.type->name),
                      entry.bytes.size(), entry.file_offset});
    }
    return rows;
  }
  for (const TensorEntry& tensor : model_->tensors()) {
    std::vector<uint64_t> shape(tensor.dims.begin(), tensor.dims.begin() + tensor.n_dims);
    std::ranges::reverse(shape);
    rows.push_back({printable(tensor.name, kShownStringBytes), std::move(shape), gguf_type_name(tensor.type_id),
                    tensor.size_bytes, tensor.file_offset});
  }
  return rows;
}

std::vector<NotFinite> Inspection::check(std::vector<std::string>& not_checked,
                                         const std::function<void(uint64_t)>& progress) const {
  std::vector<NotFinite> found;
  uint64_t bytes_done = 0;
  const auto visit = [&](std::string_view name, const quant::Format* format, const std::byte* data, uint64_t n_elements,
                         uint64_t n_bytes) {
    if (format == nullptr) {
      not_checked.push_back(printable(name, kShownStringBytes));
    } else if (auto bad = scan(printable(name, kShownStringBytes), *format, data, n_elements)) {
      found.push_back(std::move(*bad));
    }
    bytes_done += n_bytes;
    if (progress) progress(bytes_done);
  };
  if (model_) {
    for (const TensorEntry& tensor : model_->tensors()) {
      visit(tensor.name, tensor.format, tensor.data, tensor.n_rows() * tensor.dims[0], tensor.size_bytes);
    }
  } else {
    for (const SafetensorsEntry& entry : tensors_only_->tensors()) {
      visit(entry.name, entry.format, entry.bytes.data(), entry.n_elements(), entry.bytes.size());
    }
  }
  return found;
}

}  // namespace kinglet::format
