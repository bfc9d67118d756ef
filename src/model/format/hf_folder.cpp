#include "model/format/hf_folder.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <numeric>
#include <set>

#include "core/tensor/tensor.h"
#include "home/system/file.h"
#include "model/format/printable.h"
#include "model/format/safetensors_set.h"

namespace kinglet::format {
namespace {

constexpr uint64_t kMaxConfigBytes = 16'000'000;

std::optional<HfConfig> read_config(const std::string& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  return HfConfig::parse(system::read_file(path, kMaxConfigBytes), path);
}

bool is_ignored(const HfFamily& family, std::string_view name) {
  return std::ranges::any_of(family.ignored, [&](std::string_view ending) { return name.ends_with(ending); });
}

class HfFolder final : public ModelFile {
 public:
  HfFolder(const std::string& path, const HfOptions& options) : ModelFile(path) {
    kind_ = "Hugging Face folder";
    const std::string config_path = path + "/" + options.config_name;
    const auto config = read_config(config_path);
    if (!config) fail_with(ErrorCode::kNotFound, path, ": is a directory without ", options.config_name);
    const auto generation = read_config(path + "/generation_config.json");
    const HfFamily& family = family_of(*config);
    metadata_.set("general.architecture", family.architecture);
    metadata_.set("general.name", std::filesystem::absolute(path).lexically_normal().filename().string());
    fill_metadata(family, *config, generation ? &*generation : nullptr, metadata_);
    shards_ = open_safetensors_folder(path);
    for (const Safetensors& shard : shards_) {
      file_bytes_ += shard.file_bytes();
      for (const SafetensorsEntry& entry : shard.tensors()) take(family, *config, shard, entry);
    }
    for (const MadeTensor& made : family.make(*config)) take_made(made);
  }

 private:
  void take(const HfFamily& family, const HfConfig& config, const Safetensors& shard, const SafetensorsEntry& entry) {
    if (is_ignored(family, entry.name) || family.is_repeated(config, entry.name)) return;
    const std::string what = str(shard.path(), ": tensor ", printable(entry.name));
    auto mapped = to_gguf_name(family, entry.name);
    if (!mapped) fail_with(ErrorCode::kUnsupported, what, " is not one of ", family.class_name);
    if (entry.shape.empty() || entry.shape.size() > 4) {
      fail_with(ErrorCode::kUnsupported, what, ": has ", entry.shape.size(), " dimensions, expected 1 to 4");
    }
    if (entry.bytes.empty()) fail_with(ErrorCode::kInvalidFile, what, ": is empty");
    if (entry.format == nullptr)
      fail_with(ErrorCode::kUnsupported, what, ": dtype ", entry.type->name, " is not supported");
    TensorEntry tensor;
    tensor.name = names_.emplace_back(std::move(mapped->name));
    tensor.n_dims = static_cast<uint32_t>(entry.shape.size());
    std::ranges::reverse_copy(entry.shape, tensor.dims.begin());
    tensor.format = entry.format;
    tensor.file_offset = entry.file_offset;
    tensor.data = entry.bytes.data();
    tensor.size_bytes = entry.bytes.size();
    convert(tensor);
    tensor.type_id = tensor.format->gguf_id;
    if (!add_tensor(tensor)) fail_with(ErrorCode::kInvalidFile, what, " is in two shards");
  }

  // Vectors are wanted in f32; elements are wanted at their own alignment.
  void convert(TensorEntry& tensor) {
    const quant::Format& f32 = *quant::find_by_name("F32");
    const bool to_f32 = tensor.n_dims == 1 && (tensor.format->name == "F16" || tensor.format->name == "BF16");
    const bool is_aligned = reinterpret_cast<uintptr_t>(tensor.data) % tensor.format->block_bytes == 0;
    if (!to_f32 && is_aligned) return;
    const auto n_elements = static_cast<size_t>(tensor.size_bytes / tensor.format->block_bytes);
    const size_t size_bytes = to_f32 ? n_elements * sizeof(float) : static_cast<size_t>(tensor.size_bytes);
    tensor::Buffer& memory = keep(size_bytes);
    if (to_f32) {
      tensor::Buffer aligned = tensor::Buffer::uninitialized(static_cast<size_t>(tensor.size_bytes));
      std::memcpy(aligned.data(), tensor.data, static_cast<size_t>(tensor.size_bytes));
      tensor.format->decode(aligned.data(), memory.at<float>(), n_elements);
      tensor.format = &f32;
    } else {
      std::memcpy(memory.data(), tensor.data, size_bytes);
    }
    tensor.data = memory.data();
    tensor.size_bytes = size_bytes;
  }

  void take_made(const MadeTensor& made) {
    TensorEntry tensor;
    tensor.name = names_.emplace_back(made.name);
    tensor.dims[0] = made.values.size();
    tensor.format = quant::find_by_name("F32");
    tensor.type_id = tensor.format->gguf_id;
    tensor.size_bytes = made.values.size() * sizeof(float);
    tensor::Buffer& memory = keep(static_cast<size_t>(tensor.size_bytes));
    std::memcpy(memory.data(), made.values.data(), static_cast<size_t>(tensor.size_bytes));
    tensor.data = memory.data();
    if (!add_tensor(tensor)) metadata_.refuse(str("tensor ", made.name), "is there twice");
  }

  tensor::Buffer& keep(size_t size_bytes) {
    converted_bytes_ += size_bytes;
    return memory_.emplace_back(tensor::Buffer::uninitialized(size_bytes));
  }

  std::vector<Safetensors> shards_;
  std::deque<std::string> names_;
  std::deque<tensor::Buffer> memory_;
};

}  // namespace

const HfFamily& family_of(const HfConfig& config) {
  const std::string name = config.class_name();
  if (const HfFamily* family = find_hf_family(name)) return *family;
  std::string known;
  for (const HfFamily& family : hf_families()) known += str(known.empty() ? "" : ", ", family.class_name);
  fail_with(ErrorCode::kUnsupported, config.name(), ": architecture ", printable(name),
            " is not supported; supported: ", known);
}

void fill_metadata(const HfFamily& family, const HfConfig& config, const HfConfig* generation, Metadata& metadata) {
  family.fill(config, metadata);
  fill_generation(config, generation, metadata);
}

std::shared_ptr<const ModelFile> open_hf_folder(const std::string& path, const HfOptions& options) {
  return std::make_shared<HfFolder>(path, options);
}

}  // namespace kinglet::format
