#include <algorithm>
#include <array>
#include <bit>

#include "model/format/gguf.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

template <class T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void append_string(std::string& out, std::string_view text) {
  append(out, static_cast<uint64_t>(text.size()));
  out.append(text);
}

void refuse_twice(std::vector<std::string> names, std::string_view what) {
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end())
    fail_with(ErrorCode::kInvalidArgument, "GGUF: ", what, " ", printable(*twice), " was added twice");
}

void write_zeros(const GgufWriter::Sink& sink, uint64_t n) {
  constexpr std::array<std::byte, 64> kZeros{};
  while (n > 0) {
    const auto piece = static_cast<size_t>(std::min<uint64_t>(n, kZeros.size()));
    sink({kZeros.data(), piece});
    n -= piece;
  }
}

}  // namespace

void GgufWriter::put_string(std::string_view text) { append_string(metadata_, text); }

void GgufWriter::begin_value(std::string_view key, ValueType type) {
  put_string(key);
  append(metadata_, static_cast<uint32_t>(type));
  keys_.emplace_back(key);
}

void GgufWriter::begin_array(std::string_view key, ValueType element, uint64_t size) {
  begin_value(key, ValueType::kArray);
  append(metadata_, static_cast<uint32_t>(element));
  append(metadata_, size);
}

void GgufWriter::add_string(std::string_view key, std::string_view value) {
  begin_value(key, ValueType::kString);
  put_string(value);
}

void GgufWriter::add_strings(std::string_view key, std::span<const std::string_view> values) {
  begin_array(key, ValueType::kString, values.size());
  for (const std::string_view value : values) put_string(value);
}

void GgufWriter::add_value(std::string_view key, const MetaValue& value) {
  if (key == "general.alignment") return;
  switch (value.type) {
    case ValueType::kU8:
      return add_number(key, value.type, static_cast<uint8_t>(std::get<uint64_t>(value.data)));
    case ValueType::kU16:
      return add_number(key, value.type, static_cast<uint16_t>(std::get<uint64_t>(value.data)));
    case ValueType::kU32:
      return add_number(key, value.type, static_cast<uint32_t>(std::get<uint64_t>(value.data)));
    case ValueType::kU64:
      return add_number(key, value.type, std::get<uint64_t>(value.data));
    case ValueType::kI8:
      return add_number(key, value.type, static_cast<int8_t>(std::get<int64_t>(value.data)));
    case ValueType::kI16:
      return add_number(key, value.type, static_cast<int16_t>(std::get<int64_t>(value.data)));
    case ValueType::kI32:
      return add_number(key, value.type, static_cast<int32_t>(std::get<int64_t>(value.data)));
    case ValueType::kI64:
      return add_number(key, value.type, std::get<int64_t>(value.data));
    case ValueType::kF32:
      return add_number(key, value.type, static_cast<float>(std::get<double>(value.data)));
    case ValueType::kF64:
      return add_number(key, value.type, std::get<double>(value.data));
    case ValueType::kBool:
      return add_bool(key, std::get<bool>(value.data));
    case ValueType::kString:
      return add_string(key, std::get<std::string_view>(value.data));
    case ValueType::kArray: {
      const Array& array = std::get<Array>(value.data);
      begin_array(key, array.element, array.size);
      put(array.bytes.data(), array.bytes.size());
      return;
    }
  }
}

void GgufWriter::add_values(const Metadata& metadata) {
  for (const auto& [key, value] : metadata.entries()) add_value(key, value);
}

void GgufWriter::add_tensor(std::string_view name, const quant::Format& format, std::span<const uint64_t> dims,
                            std::function<void(const Sink&)> data) {
  uint64_t n_elements = 1;
  for (const uint64_t dim : dims) n_elements *= dim;
  KINGLET_CHECK(!dims.empty() && dims.size() <= 4 && dims[0] % format.block_len == 0,
                "rows of a tensor are whole numbers of blocks");
  const uint64_t size_bytes = n_elements / format.block_len * format.block_bytes;
  tensors_.push_back({std::string(name), &format, {dims.begin(), dims.end()}, size_bytes, std::move(data)});
}

void GgufWriter::add_tensor(std::string_view name, const quant::Format& format, std::span<const uint64_t> dims,
                            std::span<const std::byte> data) {
  add_tensor(name, format, dims, [data](const Sink& sink) { sink(data); });
}

void GgufWriter::write(const Sink& sink, uint32_t alignment) const {
  KINGLET_CHECK(alignment >= 8 && std::has_single_bit(alignment), "an alignment is a power of two of at least 8");
  refuse_twice(keys_, "key");
  std::vector<std::string> names;
  for (const Tensor& tensor : tensors_) names.push_back(tensor.name);
  refuse_twice(std::move(names), "tensor");
  std::string head = "GGUF";
  const bool says_alignment = alignment != 32;
  append(head, uint32_t{3});
  append(head, static_cast<uint64_t>(tensors_.size()));
  append(head, static_cast<uint64_t>(keys_.size() + (says_alignment ? 1 : 0)));
  head += metadata_;
  if (says_alignment) {
    append_string(head, "general.alignment");
    append(head, static_cast<uint32_t>(ValueType::kU32));
    append(head, alignment);
  }
  uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    append_string(head, tensor.name);
    append(head, static_cast<uint32_t>(tensor.dims.size()));
    for (const uint64_t dim : tensor.dims) append(head, dim);
    append(head, tensor.format->gguf_id);
    append(head, offset);
    offset += round_up(tensor.size_bytes, alignment);
  }
  head.resize(static_cast<size_t>(round_up(head.size(), alignment)), '\0');
  sink(std::as_bytes(std::span(head.data(), head.size())));
  for (const Tensor& tensor : tensors_) {
    uint64_t written = 0;
    tensor.data([&](std::span<const std::byte> piece) {
      written += piece.size();
      sink(piece);
    });
    KINGLET_CHECK(written == tensor.size_bytes, "a tensor's data has the size of its shape");
    write_zeros(sink, round_up(written, alignment) - written);
  }
}

}  // namespace kinglet::format
