#include <algorithm>
#include <bit>
#include <cstring>

#include "home/system/mapped_file.h"
#include "model/format/gguf.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

constexpr uint32_t kMagic = 0x46554747;         // "GGUF"
constexpr uint32_t kMagicSwapped = 0x47475546;  // the same on a big-endian machine
constexpr uint32_t kDefaultAlignment = 32;
constexpr uint64_t kMaxKeyBytes = 65535;  // of the specification
constexpr uint64_t kMaxNameBytes = 1024;
constexpr uint64_t kMaxAlignment = uint64_t{1} << 20;

class GgufFile final : public ModelFile {
 public:
  GgufFile(std::span<const std::byte> bytes, const std::string& path, std::unique_ptr<system::MappedFile> mapping)
      : ModelFile(path), mapping_(std::move(mapping)), reader_(bytes, metadata_.name()), bytes_(bytes) {
    file_bytes_ = bytes.size();
    read_header();
    for (uint64_t i = 0; i < n_values_; ++i) read_value();
    read_alignment();
    std::vector<TensorEntry> tensors;
    for (uint64_t i = 0; i < n_tensors_; ++i) tensors.push_back(read_tensor());
    place_tensors(tensors);
    for (const TensorEntry& tensor : tensors) {
      if (!add_tensor(tensor)) reader_.refuse(place_of(tensor), "is there twice");
    }
  }

  void release(const TensorEntry& tensor) const override {
    if (mapping_ != nullptr && tensor.data != nullptr)
      mapping_->release({tensor.data, static_cast<size_t>(tensor.size_bytes)});
  }

 private:
  void read_header() {
    const auto magic = reader_.read<uint32_t>("magic");
    if (magic == kMagicSwapped) reader_.refuse("magic", "a big-endian file, which is not supported");
    if (magic != kMagic) reader_.refuse("magic", "this is no GGUF file");
    const auto version = reader_.read<uint32_t>("version");
    if (__builtin_bswap32(version) == 2 || __builtin_bswap32(version) == 3) {
      reader_.refuse("version", "a big-endian file, which is not supported");
    }
    if (version != 2 && version != 3) reader_.refuse("version", str(version, " is not 2 or 3"));
    kind_ = str("GGUF ", version);
    n_tensors_ = reader_.read<uint64_t>("tensor count");
    n_values_ = reader_.read<uint64_t>("metadata count");
    // The least that a tensor or a value can take in the file bounds what counts may claim.
    constexpr uint64_t kLeastTensorBytes = 8 + 4 + 4 + 8;
    constexpr uint64_t kLeastValueBytes = 8 + 4 + 1;
    if (n_tensors_ > reader_.remaining() / kLeastTensorBytes) {
      reader_.refuse("tensor count", str(n_tensors_, " tensors do not fit ", reader_.remaining(), " bytes"));
    }
    if (n_values_ > reader_.remaining() / kLeastValueBytes) {
      reader_.refuse("metadata count", str(n_values_, " values do not fit ", reader_.remaining(), " bytes"));
    }
  }

  std::string_view read_string(std::string_view what, uint64_t limit) {
    const auto length = reader_.read<uint64_t>(what);
    if (length > limit) reader_.refuse(what, str("length ", length, " is over the limit of ", limit));
    return reader_.chars(length, what);
  }

  ValueType read_type(std::string_view what) {
    const auto number = reader_.read<uint32_t>(what);
    if (number > static_cast<uint32_t>(ValueType::kF64))
      reader_.refuse(what, str("value type ", number, " is unknown"));
    return static_cast<ValueType>(number);
  }

  bool read_bool(std::string_view what) {
    const auto byte = reader_.read<uint8_t>(what);
    if (byte > 1) reader_.refuse(what, str("a bool is ", byte, ", expected 0 or 1"));
    return byte == 1;
  }

  Array read_array(std::string_view key) {
    Array array;
    array.element = read_type(key);
    array.size = reader_.read<uint64_t>(key);
    if (array.element == ValueType::kArray) reader_.refuse(key, "an array of arrays, which no known file has");
    if (array.element != ValueType::kString) {
      const auto size_bytes = checked_mul<uint64_t>(array.size, size_of(array.element));
      if (!size_bytes) reader_.refuse(key, str("array of ", array.size, " elements is too long"));
      array.bytes = reader_.bytes(*size_bytes, key);
      if (array.element == ValueType::kBool &&
          std::ranges::any_of(array.bytes, [](std::byte value) { return std::to_integer<int>(value) > 1; })) {
        reader_.refuse(key, "a bool in it is neither 0 nor 1");
      }
      return array;
    }
    if (array.size > reader_.remaining() / sizeof(uint64_t)) {
      reader_.refuse(key, str(array.size, " strings do not fit ", reader_.remaining(), " bytes"));
    }
    const uint64_t start = reader_.offset();
    for (uint64_t i = 0; i < array.size; ++i) {
      if (i % Array::kMarkStep == 0) array.marks.push_back(reader_.offset() - start);
      read_string(key, reader_.remaining());
    }
    array.bytes = bytes_.subspan(static_cast<size_t>(start), static_cast<size_t>(reader_.offset() - start));
    return array;
  }

  void read_value() {
    const std::string_view name = read_string("metadata key", kMaxKeyBytes);
    if (name.empty()) reader_.refuse("metadata key", "is empty");
    const std::string key = str("key ", printable(name));
    MetaValue value;
    value.type = read_type(key);
    switch (value.type) {
      case ValueType::kU8:
        value.data = uint64_t{reader_.read<uint8_t>(key)};
        break;
      case ValueType::kI8:
        value.data = int64_t{reader_.read<int8_t>(key)};
        break;
      case ValueType::kU16:
        value.data = uint64_t{reader_.read<uint16_t>(key)};
        break;
      case ValueType::kI16:
        value.data = int64_t{reader_.read<int16_t>(key)};
        break;
      case ValueType::kU32:
        value.data = uint64_t{reader_.read<uint32_t>(key)};
        break;
      case ValueType::kI32:
        value.data = int64_t{reader_.read<int32_t>(key)};
        break;
      case ValueType::kU64:
        value.data = reader_.read<uint64_t>(key);
        break;
      case ValueType::kI64:
        value.data = reader_.read<int64_t>(key);
        break;
      case ValueType::kF32:
        value.data = static_cast<double>(reader_.read<float>(key));
        break;
      case ValueType::kF64:
        value.data = reader_.read<double>(key);
        break;
      case ValueType::kBool:
        value.data = read_bool(key);
        break;
      case ValueType::kString:
        value.data = read_string(key, reader_.remaining());
        break;
      case ValueType::kArray:
        value.data = read_array(key);
        break;
    }
    if (!metadata_.add_view(name, std::move(value))) reader_.refuse(key, "is there twice");
  }

  void read_alignment() {
    alignment_ = metadata_.get<uint32_t>("general.alignment").value_or(kDefaultAlignment);
    if (alignment_ < 8 || alignment_ > kMaxAlignment || !std::has_single_bit(alignment_)) {
      metadata_.refuse("general.alignment",
                       str("is ", alignment_, ", expected a power of two from 8 to ", kMaxAlignment));
    }
  }

  static std::string place_of(const TensorEntry& tensor) { return str("tensor ", printable(tensor.name)); }

  // Its file_offset is the one that the file says, relative to the data, until place_tensors.
  TensorEntry read_tensor() {
    TensorEntry tensor;
    tensor.name = read_string("tensor name", kMaxNameBytes);
    if (tensor.name.empty()) reader_.refuse("tensor name", "is empty");
    const std::string what = place_of(tensor);
    tensor.n_dims = reader_.read<uint32_t>(what);
    if (tensor.n_dims < 1 || tensor.n_dims > 4)
      reader_.refuse(what, str(tensor.n_dims, " dimensions, expected 1 to 4"));
    uint64_t n_elements = 1;
    for (uint32_t i = 0; i < tensor.n_dims; ++i) {
      tensor.dims[i] = reader_.read<uint64_t>(what);
      if (tensor.dims[i] == 0) reader_.refuse(what, "a dimension is 0");
      const auto product = checked_mul(n_elements, tensor.dims[i]);
      if (!product || *product > INT64_MAX) reader_.refuse(what, "the number of elements is over 2^63");
      n_elements = *product;
    }
    tensor.type_id = reader_.read<uint32_t>(what);
    tensor.format = quant::find_by_gguf_id(tensor.type_id);
    tensor.file_offset = reader_.read<uint64_t>(what);
    if (tensor.format != nullptr) {
      if (tensor.dims[0] % tensor.format->block_len != 0) {
        reader_.refuse(what, str("rows of ", tensor.dims[0], " are no whole number of ", tensor.format->name,
                                 " blocks of ", tensor.format->block_len));
      }
      const auto size_bytes = checked_mul<uint64_t>(n_elements / tensor.format->block_len, tensor.format->block_bytes);
      if (!size_bytes) reader_.refuse(what, "its size is over 2^64 bytes");
      tensor.size_bytes = *size_bytes;
    }
    return tensor;
  }

  void place_tensors(std::vector<TensorEntry>& tensors) {
    const uint64_t start = round_up(reader_.offset(), alignment_);
    for (TensorEntry& tensor : tensors) {
      const uint64_t offset = tensor.file_offset;
      if (offset % alignment_ != 0)
        reader_.refuse(place_of(tensor), str("offset ", offset, " is no multiple of ", alignment_));
      const auto begin = checked_add(start, offset);
      // A type that is not known has an unknown size: at least one byte.
      const auto end = begin ? checked_add(*begin, std::max<uint64_t>(tensor.size_bytes, 1)) : std::nullopt;
      if (!end || *end > bytes_.size()) {
        reader_.refuse(place_of(tensor), str("needs ", tensor.size_bytes, " bytes from ", start, " + ", offset,
                                             ", the file has ", bytes_.size(), "; it may be cut off"));
      }
      tensor.file_offset = *begin;
      if (tensor.format != nullptr) tensor.data = bytes_.data() + *begin;
    }
    refuse_overlaps(tensors);
  }

  void refuse_overlaps(const std::vector<TensorEntry>& tensors) {
    std::vector<const TensorEntry*> by_place;
    for (const TensorEntry& tensor : tensors) by_place.push_back(&tensor);
    std::ranges::sort(by_place, {}, &TensorEntry::file_offset);
    for (size_t i = 1; i < by_place.size(); ++i) {
      const TensorEntry& before = *by_place[i - 1];
      if (before.file_offset + std::max<uint64_t>(before.size_bytes, 1) > by_place[i]->file_offset) {
        reader_.refuse(place_of(*by_place[i]), str("overlaps ", place_of(before)));
      }
    }
  }

  std::unique_ptr<system::MappedFile> mapping_;
  ByteReader reader_;
  std::span<const std::byte> bytes_;
  uint64_t n_tensors_ = 0;
  uint64_t n_values_ = 0;
  uint32_t alignment_ = kDefaultAlignment;
};

}  // namespace

std::shared_ptr<const ModelFile> read_gguf(std::span<const std::byte> bytes, const std::string& path) {
  return std::make_shared<GgufFile>(bytes, path, nullptr);
}

std::shared_ptr<const ModelFile> open_gguf(const std::string& path) {
  auto mapping = std::make_unique<system::MappedFile>(path);
  const std::span<const std::byte> bytes = mapping->bytes();
  return std::make_shared<GgufFile>(bytes, path, std::move(mapping));
}

bool is_gguf(std::span<const std::byte> bytes) noexcept {
  return bytes.size() >= 4 && std::memcmp(bytes.data(), &kMagic, 4) == 0;
}

}  // namespace kinglet::format
