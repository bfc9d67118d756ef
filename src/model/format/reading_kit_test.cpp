// Reading beside the Python packages gguf and safetensors (tools/make_format_goldens), and the llama families of the
// kit.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include "home/system/file.h"
#include "model/format/gguf.h"
#include "model/format/hf_folder.h"
#include "model/format/inspect.h"
#include "model/format/safetensors.h"
#include "model/format/sample_family.h"

namespace kinglet::format {
namespace {

struct Golden {
  std::string_view file;
  std::string_view name;
  std::string_view type;
  std::string_view count;
  uint32_t crc;
};
constexpr Golden kGoldens[] = {
#include "model/format/reading_goldens.inc"
};

constexpr std::string_view kLlamaFamilies[] = {"llama",        "llama3_tied", "smollm2",
                                               "llama_linear", "llama_yarn",  "llama_dynamic"};

std::string kit() {
  const char* folder = std::getenv("KINGLET_KIT");
  return folder != nullptr && std::filesystem::exists(folder) ? folder : "";
}

#define NEED_KIT() \
  if (kit().empty()) GTEST_SKIP() << "1 test of the data kit skipped: KINGLET_KIT names no folder"

class Crc32 {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) {
      value_ ^= std::to_integer<uint32_t>(byte);
      for (int bit = 0; bit < 8; ++bit) value_ = (value_ >> 1) ^ (value_ & 1 ? 0xEDB88320U : 0U);
    }
  }
  template <class T>
  void add_value(T value) {
    add(std::as_bytes(std::span(&value, 1)));
  }
  void add_text(std::string_view text) {
    add_value(static_cast<uint64_t>(text.size()));
    add(std::as_bytes(std::span(text.data(), text.size())));
  }
  [[nodiscard]] uint32_t value() const { return ~value_; }

 private:
  uint32_t value_ = ~0U;
};

// The value as its bytes lie in a file, made from what the reader gives.
uint32_t crc_of(const MetaValue& value) {
  Crc32 crc;
  if (const auto* array = std::get_if<Array>(&value.data)) {
    for (uint64_t i = 0; i < array->size; ++i) {
      switch (array->element) {
        case ValueType::kString:
          crc.add_text(array->string(i));
          break;
        case ValueType::kF32:
          crc.add_value(static_cast<float>(array->number(i)));
          break;
        case ValueType::kI32:
          crc.add_value(static_cast<int32_t>(array->integer(i)));
          break;
        case ValueType::kU8:
        case ValueType::kBool:
          crc.add_value(static_cast<uint8_t>(array->integer(i)));
          break;
        default:
          ADD_FAILURE() << "an array of " << name_of(array->element);
      }
    }
    return crc.value();
  }
  switch (value.type) {
    case ValueType::kString:
      crc.add_text(std::get<std::string_view>(value.data));
      break;
    case ValueType::kU32:
      crc.add_value(static_cast<uint32_t>(std::get<uint64_t>(value.data)));
      break;
    case ValueType::kI32:
      crc.add_value(static_cast<int32_t>(std::get<int64_t>(value.data)));
      break;
    case ValueType::kF32:
      crc.add_value(static_cast<float>(std::get<double>(value.data)));
      break;
    case ValueType::kBool:
      crc.add_value(static_cast<uint8_t>(std::get<bool>(value.data)));
      break;
    default:
      ADD_FAILURE() << "a value of " << name_of(value.type);
  }
  return crc.value();
}

std::vector<std::byte> unpacked(const std::string& path) {
  const std::string command = path.ends_with(".gz") ? "gzip -dc '" + path + "'" : "cat '" + path + "'";
  std::vector<std::byte> bytes;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::array<std::byte, 65536> piece;
  for (size_t n = 0; (n = std::fread(piece.data(), 1, piece.size(), pipe.get())) > 0;)
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + n);
  return bytes;
}

std::string shape_of(std::span<const uint64_t> outermost_first) {
  std::string text;
  for (const uint64_t dim : outermost_first) text += str(text.empty() ? "" : "x", dim);
  return text;
}

using Rows = std::map<std::string, std::vector<Golden>>;

Rows goldens_of(std::string_view ending) {
  Rows rows;
  for (const Golden& golden : kGoldens) {
    if (golden.file.ends_with(ending)) rows[std::string(golden.file)].push_back(golden);
  }
  return rows;
}

void compare(const std::string& path, const std::vector<Golden>& rows) {
  const std::vector<std::byte> bytes = unpacked(kit() + "/" + path);
  const auto file = read_gguf(bytes, path);
  ASSERT_EQ(file->metadata().entries().size() + file->tensors().size(), rows.size()) << path;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Golden& want = rows[i];
    const std::string place = str(path, " ", want.name);
    if (i < file->metadata().entries().size()) {
      const auto& [key, value] = file->metadata().entries()[i];
      const auto* array = std::get_if<Array>(&value.data);
      EXPECT_EQ(key, want.name) << place;
      EXPECT_EQ(array != nullptr ? str("array of ", name_of(array->element)) : std::string(name_of(value.type)),
                want.type)
          << place;
      EXPECT_EQ(str(array != nullptr ? array->size : 1), want.count) << place;
      EXPECT_EQ(crc_of(value), want.crc) << place;
      continue;
    }
    const TensorEntry& tensor = file->tensors()[i - file->metadata().entries().size()];
    std::vector<uint64_t> shape(tensor.dims.begin(), tensor.dims.begin() + tensor.n_dims);
    std::ranges::reverse(shape);
    Crc32 crc;
    crc.add({tensor.data, static_cast<size_t>(tensor.size_bytes)});
    EXPECT_EQ(tensor.name, want.name) << place;
    EXPECT_EQ(tensor.format->name, want.type) << place;
    EXPECT_EQ(shape_of(shape), want.count) << place;
    EXPECT_EQ(crc.value(), want.crc) << place;
  }
}

TEST(ReadingKit, GgufAsPythonReadsIt) {
  NEED_KIT();
  Rows files = goldens_of(".gguf");
  files.merge(goldens_of(".gguf.gz"));
  EXPECT_EQ(files.size(), 17U);
  for (const auto& [path, rows] : files) compare(path, rows);
}

TEST(ReadingKit, SafetensorsAsPythonReadsIt) {
  NEED_KIT();
  for (const auto& [path, rows] : goldens_of(".safetensors")) {
    const Safetensors file = Safetensors::open(kit() + "/" + path);
    ASSERT_EQ(file.tensors().size(), rows.size());
    for (const Golden& want : rows) {
      const SafetensorsEntry* entry = file.find(want.name);
      ASSERT_NE(entry, nullptr) << want.name;
      Crc32 crc;
      crc.add(entry->bytes);
      EXPECT_EQ(entry->type->name, want.type) << want.name;
      EXPECT_EQ(shape_of(entry->shape), want.count) << want.name;
      EXPECT_EQ(crc.value(), want.crc) << want.name;
    }
  }
}

std::map<std::string, std::string> described(const Metadata& metadata) {
  std::map<std::string, std::string> all;
  for (const auto& [key, value] : metadata.entries()) all.emplace(key, describe(value));
  return all;
}

TEST(FamiliesKit, BothSpellingsMeanTheSame) {
  NEED_KIT();
  for (const std::string_view family : kLlamaFamilies) {
    const std::string folder = str(kit(), "/families/", family);
    const auto older = open_hf_folder(folder, samples::sample_families());
    const auto newer = open_hf_folder(folder, samples::sample_families(), {.config_name = "config.v5.json"});
    EXPECT_EQ(described(older->metadata()), described(newer->metadata())) << family;
    ASSERT_EQ(older->tensors().size(), newer->tensors().size()) << family;
    for (const TensorEntry& tensor : older->tensors()) {
      const TensorEntry* other = newer->find(tensor.name);
      ASSERT_NE(other, nullptr) << tensor.name;
      EXPECT_EQ(std::memcmp(tensor.data, other->data, static_cast<size_t>(tensor.size_bytes)), 0) << tensor.name;
    }
  }
}

TEST(FamiliesKit, DataStaysWhereItIs) {
  NEED_KIT();
  for (const std::string_view family : kLlamaFamilies) {
    const std::string folder = str(kit(), "/families/", family);
    const auto file = open_hf_folder(folder, samples::sample_families());
    const Safetensors raw = Safetensors::open(folder + "/model.safetensors");
    const TensorEntry* made = file->find("rope_freqs.weight");
    EXPECT_EQ(made != nullptr, family == "llama3_tied");
    EXPECT_EQ(file->converted_bytes(), made != nullptr ? made->size_bytes : 0U) << family;
    EXPECT_EQ(file->tensors().size(), raw.tensors().size() + (made != nullptr ? 1 : 0)) << family;
    const HfFamily& names = *find_hf_family(samples::sample_families(), "LlamaForCausalLM");
    for (const TensorEntry& tensor : file->tensors()) {
      if (&tensor == made) continue;
      const SafetensorsEntry* entry = raw.find(to_hf_name(names, tensor.name)->name);
      ASSERT_NE(entry, nullptr) << tensor.name;
      EXPECT_EQ(tensor.dims[0], entry->shape.back());
      EXPECT_EQ(std::memcmp(tensor.data, entry->bytes.data(), entry->bytes.size()), 0) << tensor.name;
    }
  }
}

TEST(FamiliesKit, OtherFamiliesAreNamed) {
  NEED_KIT();
  std::set<std::string> llama(std::begin(kLlamaFamilies), std::end(kLlamaFamilies));
  size_t n_refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kit() + "/families")) {
    if (!entry.is_directory() || llama.contains(entry.path().filename().string())) continue;
    if (!std::filesystem::exists(entry.path() / "config.json")) continue;
    try {
      open_hf_folder(entry.path().string(), samples::sample_families());
      ADD_FAILURE() << entry.path();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << error.message();
      ++n_refused;
    }
  }
  EXPECT_GT(n_refused, 30U);
}

TEST(InspectKit, RealSafetensors) {
  NEED_KIT();
  const Inspection inspection = Inspection::open(kit() + "/models/silero_vad_16k.safetensors", {});
  std::vector<std::string> not_checked;
  EXPECT_TRUE(inspection.check(not_checked).empty());
  EXPECT_TRUE(not_checked.empty());
  EXPECT_EQ(inspection.kind(), "safetensors");
}

}  // namespace
}  // namespace kinglet::format
