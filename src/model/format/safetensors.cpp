#include "model/format/safetensors.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>

#include "core/base/base.h"
#include "model/format/file_json.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the reference implementation
constexpr size_t kMaxHeaderDepth = 4;
constexpr size_t kMaxRank = 16;

constexpr std::array kTypes = {
    SafetensorsType{"BOOL", 8},    SafetensorsType{"F4", 4},      SafetensorsType{"F6_E2M3", 6},
    SafetensorsType{"F6_E3M2", 6}, SafetensorsType{"U8", 8},      SafetensorsType{"I8", 8},
    SafetensorsType{"F8_E5M2", 8}, SafetensorsType{"F8_E4M3", 8}, SafetensorsType{"F8_E8M0", 8},
    SafetensorsType{"I16", 16},    SafetensorsType{"U16", 16},    SafetensorsType{"F16", 16},
    SafetensorsType{"BF16", 16},   SafetensorsType{"I32", 32},    SafetensorsType{"U32", 32},
    SafetensorsType{"F32", 32},    SafetensorsType{"C64", 64},    SafetensorsType{"F64", 64},
    SafetensorsType{"I64", 64},    SafetensorsType{"U64", 64},
};

// Null where the number of bits overflows or is no whole number of bytes.
std::optional<uint64_t> size_of(const SafetensorsType& type, std::span<const uint64_t> shape) {
  uint64_t bits = type.bits;
  for (const uint64_t dim : shape) {
    const auto product = checked_mul(bits, dim);
    if (!product) return std::nullopt;
    bits = *product;
  }
  return bits % 8 == 0 ? std::optional(bits / 8) : std::nullopt;
}

uint64_t as_count(const system::Json& json, std::string_view what) {
  const int64_t count = json.as_integer(what);
  if (count < 0) fail_with(ErrorCode::kInvalidFile, what, ": is ", count, ", expected a count");
  return static_cast<uint64_t>(count);
}

}  // namespace

const SafetensorsType* find_safetensors_type(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(kTypes, name, &SafetensorsType::name);
  return found == kTypes.end() ? nullptr : found;
}

uint64_t SafetensorsEntry::n_elements() const noexcept {
  return std::accumulate(shape.begin(), shape.end(), uint64_t{1}, std::multiplies<>());
}

Safetensors Safetensors::read(std::span<const std::byte> bytes, const std::string& path) {
  Safetensors file(path);
  file.read_header(bytes);
  return file;
}

Safetensors Safetensors::open(const std::string& path) {
  Safetensors file(path);
  file.mapping_.emplace(path);
  file.read_header(file.mapping_->bytes());
  return file;
}

void Safetensors::read_header(std::span<const std::byte> bytes) {
  file_bytes_ = bytes.size();
  ByteReader reader(bytes, path_);
  const auto length = reader.read<uint64_t>("header length");
  if (length > kMaxHeaderBytes) reader.refuse("header length", str(length, " is over the limit of ", kMaxHeaderBytes));
  const std::string_view header = reader.chars(length, "header");
  const std::span<const std::byte> buffer = bytes.subspan(static_cast<size_t>(reader.offset()));
  if (!header.starts_with('{')) reader.refuse("header", "does not begin with {");

  reading_json(path_, [&] {
    const system::Json root = system::Json::parse(header, str(path_, ": header"), {.max_depth = kMaxHeaderDepth});
    for (const auto& [name, member] : root.as_object("header")) {
      if (name == "__metadata__") {
        for (const auto& [key, note] : member.as_object(name)) {
          notes_.emplace_back(key, note.is_string() ? note.as_string(key) : note.dump());
        }
        continue;
      }
      read_entry(name, member, buffer, reader.offset());
    }
  });
  check_places(buffer.size(), reader.offset());
}

void Safetensors::read_entry(const std::string& name, const system::Json& member, std::span<const std::byte> buffer,
                             uint64_t buffer_offset) {
  const std::string what = str(path_, ": tensor ", printable(name));
  SafetensorsEntry& entry = tensors_.emplace_back();
  entry.name = name;
  const auto field = [&](std::string_view key) -> const system::Json& {
    const system::Json* found = member.find(key);
    if (found == nullptr) fail_with(ErrorCode::kInvalidFile, what, ": ", key, " is missing");
    return *found;
  };
  const std::string& dtype = field("dtype").as_string(what);
  entry.type = find_safetensors_type(dtype);
  if (entry.type == nullptr) {
    std::string known;
    for (const SafetensorsType& type : kTypes) known += str(known.empty() ? "" : ", ", type.name);
    fail_with(ErrorCode::kInvalidFile, what, ": dtype ", printable(dtype), " is unknown; known: ", known);
  }
  entry.format = quant::find_by_name(dtype);
  const system::JsonArray& shape = field("shape").as_array(what);
  if (shape.size() > kMaxRank) fail_with(ErrorCode::kInvalidFile, what, ": has ", shape.size(), " dimensions");
  for (const system::Json& dim : shape) entry.shape.push_back(as_count(dim, what));
  const system::JsonArray& place = field("data_offsets").as_array(what);
  if (place.size() != 2)
    fail_with(ErrorCode::kInvalidFile, what, ": data_offsets has ", place.size(), " values, expected 2");
  const uint64_t begin = as_count(place[0], what);
  const uint64_t end = as_count(place[1], what);
  if (begin > end || end > buffer.size()) {
    fail_with(ErrorCode::kInvalidFile, what, ": lies from ", begin, " to ", end, ", the file has ", buffer.size(),
              " bytes of data; it may be cut off");
  }
  const auto size_bytes = size_of(*entry.type, entry.shape);
  if (!size_bytes || *size_bytes != end - begin) {
    fail_with(ErrorCode::kInvalidFile, what, ": ", end - begin, " bytes do not fit its shape and dtype ", dtype);
  }
  entry.bytes = buffer.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
  entry.file_offset = buffer_offset + begin;
}

void Safetensors::check_places(uint64_t buffer_bytes, uint64_t buffer_offset) {
  std::ranges::sort(tensors_, {}, [](const SafetensorsEntry& entry) {
    return std::tuple(entry.file_offset, entry.bytes.size(), std::string_view(entry.name));  // empty ones come first
  });
  uint64_t covered = buffer_offset;
  for (const SafetensorsEntry& entry : tensors_) {
    if (entry.file_offset != covered) {
      fail_with(ErrorCode::kInvalidFile, path_, ": tensor ", printable(entry.name), ": begins at byte ",
                entry.file_offset, ", the one before it ends at ", covered);
    }
    covered += entry.bytes.size();
  }
  if (covered != buffer_offset + buffer_bytes) {
    fail_with(ErrorCode::kInvalidFile, path_, ": tensors end at byte ", covered, ", the file has ", file_bytes_);
  }
  by_name_.resize(tensors_.size());
  std::iota(by_name_.begin(), by_name_.end(), size_t{0});
  const auto name_at = [this](size_t i) -> const std::string& { return tensors_[i].name; };
  std::ranges::sort(by_name_, {}, name_at);
  const auto twice = std::ranges::adjacent_find(by_name_, {}, name_at);
  if (twice != by_name_.end()) {
    fail_with(ErrorCode::kInvalidFile, path_, ": tensor ", printable(name_at(*twice)), ": is there twice");
  }
}

const SafetensorsEntry* Safetensors::find(std::string_view name) const noexcept {
  const auto name_at = [this](size_t i) -> std::string_view { return tensors_[i].name; };
  const auto place = std::ranges::lower_bound(by_name_, name, {}, name_at);
  return place == by_name_.end() || name_at(*place) != name ? nullptr : &tensors_[*place];
}

void SafetensorsWriter::add_tensor(std::string name, std::string_view dtype, std::vector<uint64_t> shape,
                                   std::span<const std::byte> bytes) {
  SafetensorsEntry entry;
  entry.type = find_safetensors_type(dtype);
  if (entry.type == nullptr)
    fail_with(ErrorCode::kInvalidArgument, "tensor ", printable(name), ": dtype ", dtype, " is unknown");
  if (size_of(*entry.type, shape) != bytes.size()) {
    fail_with(ErrorCode::kInvalidArgument, "tensor ", printable(name), ": ", bytes.size(),
              " bytes do not fit its shape");
  }
  entry.name = std::move(name);
  entry.shape = std::move(shape);
  entry.bytes = bytes;
  tensors_.push_back(std::move(entry));
}

void SafetensorsWriter::write(const Sink& sink) const {
  std::vector<const SafetensorsEntry*> order;
  for (const SafetensorsEntry& entry : tensors_) order.push_back(&entry);
  std::ranges::sort(order, {}, &SafetensorsEntry::name);
  const auto twice = std::ranges::adjacent_find(order, {}, &SafetensorsEntry::name);
  if (twice != order.end()) {
    fail_with(ErrorCode::kInvalidArgument, "safetensors: tensor ", printable((*twice)->name), " was added twice");
  }
  std::ranges::sort(order, {}, [](const SafetensorsEntry* entry) {
    return std::pair(~entry->type->bits, std::string_view(entry->name));
  });

  system::JsonObject root;
  if (!notes_.empty()) {
    system::JsonObject notes;
    for (const auto& [key, note] : notes_) notes.emplace_back(key, note);
    root.emplace_back("__metadata__", std::move(notes));
  }
  uint64_t offset = 0;
  for (const SafetensorsEntry* entry : order) {
    system::JsonArray shape;
    for (const uint64_t dim : entry->shape) shape.emplace_back(dim);
    system::JsonArray place;
    place.emplace_back(offset);
    offset += entry->bytes.size();
    place.emplace_back(offset);
    system::JsonObject facts;
    facts.emplace_back("dtype", entry->type->name);
    facts.emplace_back("shape", std::move(shape));
    facts.emplace_back("data_offsets", std::move(place));
    root.emplace_back(entry->name, std::move(facts));
  }
  std::string header = system::Json(std::move(root)).dump();
  header.resize(static_cast<size_t>(round_up(header.size(), 8)), ' ');
  const uint64_t length = header.size();
  sink(std::as_bytes(std::span(&length, 1)));
  sink(std::as_bytes(std::span(header.data(), header.size())));
  for (const SafetensorsEntry* entry : order) sink(entry->bytes);
}

}  // namespace kinglet::format
