#include "model/convert/convert.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/base/base.h"
#include "core/tensor/tensor.h"
#include "model/convert/encode_rows.h"
#include "model/format/inspect.h"

namespace kinglet::convert {
namespace {

// Parts of names of matrices that stay F32.
constexpr std::array<std::string_view, 9> kPlain = {
    "_norm.weight",   "ffn_gate_inp",       "position_embd",      "token_types",    "ssm_conv1d",
    "shortconv.conv", "altup_correct_coef", "altup_predict_coef", "time_mix_first",
};

// general.file_type of files that are mostly of a type, as the field counts them.
uint32_t file_type_of(const quant::Format& type) {
  constexpr std::array<std::pair<std::string_view, uint32_t>, 4> kTypes = {
      {{"F32", 0}, {"F16", 1}, {"Q8_0", 7}, {"BF16", 32}}};
  const auto found = std::ranges::find(kTypes, type.name, [](const auto& row) { return row.first; });
  KINGLET_CHECK(found != kTypes.end(), "a folder is converted to a type that has a number for files");
  return found->second;
}

const quant::Format& target_of(const format::TensorEntry& tensor, const quant::Format& type) {
  if (tensor.format->activation == quant::Activation::kNone) return *tensor.format;  // whole numbers
  if (stays_f32(tensor)) return *quant::find_by_name("F32");
  if (tensor.format->block_len > 1 && type.name != "F32") return *tensor.format;  // it has lost its bits already
  return tensor.dims[0] % type.block_len == 0 ? type : *quant::find_by_name("F16");
}

uint64_t size_of(const format::TensorEntry& tensor, const quant::Format& type) {
  return target_of(tensor, type).row_bytes(static_cast<size_t>(tensor.dims[0])) * tensor.n_rows();
}

void add_settings(const format::ModelFile& folder, const quant::Format& type, format::GgufWriter& writer) {
  writer.add_values(folder.metadata());
  // What llama.cpp reads as a file without a vocabulary.
  if (folder.metadata().find("tokenizer.ggml.model") == nullptr) writer.add_string("tokenizer.ggml.model", "none");
  writer.add_string("general.type", "model");
  writer.add_u32("general.file_type", file_type_of(type));
  writer.add_u32("general.quantization_version", kQuantizationVersion);
}

}  // namespace

bool stays_f32(const format::TensorEntry& tensor) {
  if (tensor.n_dims == 1 || !tensor.name.ends_with(".weight")) return true;
  return std::ranges::any_of(kPlain,
                             [&](std::string_view part) { return tensor.name.find(part) != std::string_view::npos; });
}

const quant::Format& type_of(const format::ModelFile& folder) {
  std::map<const quant::Format*, uint64_t> bytes;
  for (const format::TensorEntry& tensor : folder.tensors()) {
    if (!stays_f32(tensor) && tensor.format->block_len == 1) bytes[tensor.format] += tensor.size_bytes;
  }
  const auto most = std::ranges::max_element(bytes, {}, [](const auto& entry) { return entry.second; });
  return most == bytes.end() ? *quant::find_by_name("F32") : *most->first;
}

void convert(const format::ModelFile& folder, const quant::Format& type, ThreadPool& pool,
             const format::GgufWriter::Sink& sink, const Progress& progress) {
  const uint64_t total = converted_size(folder, type);
  uint64_t done = 0;
  format::GgufWriter writer;
  add_settings(folder, type, writer);
  for (const format::TensorEntry& tensor : folder.tensors()) {
    const quant::Format& target = target_of(tensor, type);
    writer.add_tensor(tensor.name, target, std::span(tensor.dims).first(tensor.n_dims),
                      [&](const format::GgufWriter::Sink& to) {
                        if (progress && !progress(done, total)) fail(ErrorCode::kCancelled, "stopped");
                        folder.read(tensor, [&](std::span<const std::byte> bytes) {
                          check_finite(tensor, bytes, folder.path());
                          encode_rows(tensor, bytes, target, pool, to);
                        });
                        done += size_of(tensor, type);
                      });
  }
  writer.write(sink);
}

uint64_t converted_size(const format::ModelFile& folder, const quant::Format& type) {
  uint64_t size = 0;
  for (const format::TensorEntry& tensor : folder.tensors()) size += size_of(tensor, type);
  return size;
}

}  // namespace kinglet::convert
