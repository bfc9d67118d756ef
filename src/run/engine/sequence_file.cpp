#include "run/engine/sequence_file.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/kernels/kernels.h"
#include "home/system/file.h"
#include "home/system/sha256.h"
#include "model/format/format.h"

namespace kinglet::engine {
namespace {

using kernels::kPageTokens;

constexpr std::string_view kKind = "kinglet-sequence";
constexpr uint32_t kVersion = 1;
constexpr std::string_view kKey = "kinglet.sequence.";

std::string key_of(std::string_view name) { return str(kKey, name); }

std::string pages_name(size_t group_idx) { return str("pages.", group_idx); }

// Over all that an image says.
std::string sum_of(const SequenceImage& image) {
  system::Sha256 sum;
  sum.add(str(kVersion, ";", image.maker.model, ";", image.maker.kernels, ";", image.maker.layout, ";",
              image.rope_variant, ";", image.n_known, ";"));
  for (const UsedAdapter& adapter : image.adapters) sum.add(str(adapter.fingerprint, ":", adapter.factor, ";"));
  sum.add(str(image.tokens.size(), ";"));
  sum.add(std::as_bytes(std::span(image.tokens)));
  for (const auto& group : image.pages) {
    sum.add(str(group.size(), ";"));
    for (const auto& page : group) sum.add(page);
  }
  sum.add(image.state);
  return sum.finish().hex();
}

template <class T>
std::vector<T> numbers(const format::Metadata& metadata, std::string_view name) {
  const std::string key = key_of(name);
  const format::Array* array = metadata.number_array(key);
  if (array == nullptr) metadata.refuse(key, "is missing");
  std::vector<T> values;
  values.reserve(array->size);
  for (size_t i = 0; i < array->size; ++i) {
    if constexpr (std::is_floating_point_v<T>) {
      values.push_back(static_cast<T>(array->number(i)));
    } else {
      const int64_t value = array->integer(i);
      if (!std::in_range<T>(value)) metadata.refuse(key, str("has ", value, ", which is out of range"));
      values.push_back(static_cast<T>(value));
    }
  }
  return values;
}

// The data of a tensor that has to have so many bytes.
std::span<const std::byte> data_of(const format::ModelFile& file, const std::string& name, size_t n_bytes) {
  const format::TensorEntry* tensor = file.find(name);
  const uint64_t there = tensor == nullptr || tensor->data == nullptr ? 0 : tensor->size_bytes;
  if (there != n_bytes) {
    fail_with(ErrorCode::kInvalidFile, file.path(), ": tensor ", name, " has ", there, " bytes, expected ", n_bytes);
  }
  return n_bytes == 0 ? std::span<const std::byte>() : std::span(tensor->data, n_bytes);
}

void require_same(const std::string& path, std::string_view what, std::string_view there, std::string_view here) {
  if (there != here) fail_with(ErrorCode::kUnsupported, path, ": is of ", what, " ", there, ", here is ", here);
}

}  // namespace

std::string name_of(const graph::SequenceLayout& layout) {
  constexpr std::array<std::string_view, 4> kTypes = {"f32", "f16", "q8_0", "q4_0"};
  std::string name(kTypes[static_cast<size_t>(layout.type)]);
  for (const graph::KvGroup& group : layout.groups) {
    name += str(" ", group.n_layers, " layers/window ", group.window, "/", group.page_bytes, " bytes");
  }
  if (layout.state_bytes > 0) name += str(" state ", layout.state_bytes);
  return name;
}

size_t first_page(const graph::KvGroup& group, size_t n_pages) noexcept {
  return group.window == 0 ? 0 : n_pages - std::min(n_pages, group.pages_before());
}

void write_sequence(const SequenceImage& image, const std::string& path) {
  format::GgufWriter writer;
  writer.add_string("general.architecture", kKind);
  writer.add_u32(key_of("version"), kVersion);
  writer.add_string(key_of("model"), image.maker.model);
  writer.add_string(key_of("kernels"), image.maker.kernels);
  writer.add_string(key_of("layout"), image.maker.layout);
  std::vector<std::string_view> adapters;
  std::vector<float> factors;
  for (const UsedAdapter& adapter : image.adapters) {
    adapters.push_back(adapter.fingerprint);
    factors.push_back(adapter.factor);
  }
  writer.add_strings(key_of("adapters"), adapters);
  writer.add_array<float>(key_of("factors"), format::ValueType::kF32, factors);
  writer.add_u64(key_of("rope_variant"), image.rope_variant);
  writer.add_u64(key_of("n_known"), image.n_known);
  writer.add_array<int32_t>(key_of("tokens"), format::ValueType::kI32, image.tokens);
  writer.add_string(key_of("sha256"), sum_of(image));
  const quant::Format& format = *quant::find_by_name("F32");
  for (size_t g = 0; g < image.pages.size(); ++g) {
    const auto& pages = image.pages[g];
    if (pages.empty()) continue;
    const std::array<uint64_t, 2> dims{pages.front().size() / sizeof(float), pages.size()};
    writer.add_tensor(pages_name(g), format, dims, [&pages](const format::GgufWriter::Sink& sink) {
      for (const auto& page : pages) sink(page);
    });
  }
  if (!image.state.empty()) {
    const std::array<uint64_t, 1> dims{image.state.size() / sizeof(float)};
    writer.add_tensor("state", format, dims, image.state);
  }
  system::AtomicFile file(path);
  writer.write([&](std::span<const std::byte> piece) { file.write(piece); });
  file.commit();
}

SequenceFile::SequenceFile(const std::string& path, const SequenceMaker& maker, const graph::SequenceLayout& layout)
    : mapped_(path) {
  const auto file = format::read_gguf(mapped_.bytes(), path);
  const format::Metadata& metadata = file->metadata();
  const auto text = [&](std::string_view name) {
    return std::string(metadata.require<std::string_view>(key_of(name)));
  };
  if (metadata.require<std::string_view>("general.architecture") != kKind) {
    fail_with(ErrorCode::kInvalidFile, path, ": is no saved sequence");
  }
  const auto version = metadata.require<uint32_t>(key_of("version"));
  if (version != kVersion)
    fail_with(ErrorCode::kUnsupported, path, ": is of version ", version, ", here is ", kVersion);
  image_.maker = {text("model"), text("kernels"), text("layout")};
  require_same(path, "model", image_.maker.model, maker.model);
  require_same(path, "instruction set", image_.maker.kernels, maker.kernels);
  require_same(path, "layout", image_.maker.layout, maker.layout);
  image_.rope_variant = metadata.require<uint64_t>(key_of("rope_variant"));
  image_.tokens = numbers<int32_t>(metadata, "tokens");
  image_.n_known = metadata.require<uint64_t>(key_of("n_known"));
  if (image_.n_known % kPageTokens != 0 || image_.n_known > image_.tokens.size()) {
    metadata.refuse(key_of("n_known"), str("is ", image_.n_known, ", expected whole pages of ", image_.tokens.size()));
  }
  const format::Array* adapters = metadata.string_array(key_of("adapters"));
  const std::vector<float> factors = numbers<float>(metadata, "factors");
  if (adapters == nullptr || adapters->size != factors.size()) {
    metadata.refuse(key_of("adapters"), "are not as many as factors");
  }
  for (const float factor : factors) {
    if (!std::isfinite(factor)) metadata.refuse(key_of("factors"), "has one that is not a finite number");
  }
  for (size_t i = 0; i < factors.size(); ++i) image_.adapters.push_back({std::string(adapters->string(i)), factors[i]});
  const size_t n_pages = image_.n_known / kPageTokens;
  for (size_t g = 0; g < layout.groups.size(); ++g) {
    const size_t page_bytes = 2 * layout.groups[g].page_bytes;
    const size_t n = n_pages - first_page(layout.groups[g], n_pages);
    const auto data = data_of(*file, pages_name(g), n * page_bytes);
    auto& pages = image_.pages.emplace_back();
    for (size_t i = 0; i < n; ++i) pages.push_back(data.subspan(i * page_bytes, page_bytes));
  }
  image_.state = data_of(*file, "state", n_pages == 0 ? 0 : layout.state_bytes);
  const std::string sum = text("sha256");
  if (sum_of(image_) != sum) fail_with(ErrorCode::kInvalidFile, path, ": its sum is not ", sum, ": it is damaged");
}

}  // namespace kinglet::engine
