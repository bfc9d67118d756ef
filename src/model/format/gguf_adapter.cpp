// GGUF adapters, as llama.cpp's converter writes and its loader reads them.
#include "model/format/adapter_builder.h"
#include "model/format/inspect.h"
#include "model/format/printable.h"

namespace kinglet::format {
namespace {

constexpr std::string_view kA = ".lora_a";
constexpr std::string_view kB = ".lora_b";
constexpr std::string_view kMagnitude = ".lora_magnitude";

AdapterMatrix matrix_of(const TensorEntry& tensor, const std::string& path) {
  if (tensor.format == nullptr || tensor.format->activation == quant::Activation::kNone) {
    fail_with(ErrorCode::kUnsupported, path, ": tensor ", printable(tensor.name), " is ",
              gguf_type_name(tensor.type_id), ", which is not supported");
  }
  if (tensor.n_dims > 2) {
    fail_with(ErrorCode::kUnsupported, path, ": tensor ", printable(tensor.name), ": has ", tensor.n_dims,
              " dimensions; adapters of experts are not supported");
  }
  const auto rows = static_cast<size_t>(tensor.n_rows());
  const auto cols = static_cast<size_t>(tensor.dims[0]);
  AdapterMatrix matrix{std::string(tensor.name), rows, cols, std::vector<float>(rows * cols)};
  tensor.format->decode(tensor.data, matrix.values.data(), matrix.values.size());
  return matrix;
}

void check_metadata(const Metadata& metadata, const AdapterTarget& target) {
  const auto word = [&](std::string_view key) {
    return metadata.get<std::string_view>(key).value_or(std::string_view());
  };
  if (word("general.type") != "adapter") {
    fail_with(ErrorCode::kUnsupported, metadata.name(), ": is no adapter: general.type is \"",
              printable(word("general.type")), "\", expected \"adapter\"");
  }
  if (word("adapter.type") != "lora") {
    fail_with(ErrorCode::kUnsupported, metadata.name(), ": adapter.type is \"", printable(word("adapter.type")),
              "\", which is not supported; supported: lora");
  }
  const auto of_model = target.file.metadata().require<std::string_view>("general.architecture");
  if (word("general.architecture") != of_model) {
    fail_with(ErrorCode::kInvalidFile, metadata.name(), ": is an adapter for ", printable(word("general.architecture")),
              ", the model is ", of_model);
  }
  if (metadata.find("adapter.alora.invocation_tokens") != nullptr) {
    fail_with(ErrorCode::kUnsupported, metadata.name(),
              ": is an activated adapter (adapter.alora.invocation_tokens), which is not supported");
  }
}

}  // namespace

Adapter read_gguf_adapter(const ModelFile& file, const AdapterTarget& target) {
  check_metadata(file.metadata(), target);
  const float alpha = file.metadata().get<float>("adapter.lora.alpha").value_or(0.0F);
  if (!std::isfinite(alpha)) file.metadata().refuse("adapter.lora.alpha", "is not a finite number");
  AdapterBuilder builder(file.path(), target);
  for (const TensorEntry& tensor : file.tensors()) {
    const std::string_view kind = tensor.name.ends_with(kA)           ? kA
                                  : tensor.name.ends_with(kB)         ? kB
                                  : tensor.name.ends_with(kMagnitude) ? kMagnitude
                                                                      : std::string_view();
    if (kind.empty()) {
      fail_with(ErrorCode::kUnsupported, file.path(), ": tensor ", printable(tensor.name),
                " is none of an adapter's: expected NAME.lora_a and NAME.lora_b");
    }
    AdapterWeight& weight =
        builder.weight(std::string(tensor.name.substr(0, tensor.name.size() - kind.size())), tensor.name);
    AdapterMatrix matrix = matrix_of(tensor, file.path());
    if (kind == kA) {
      builder.put_a(weight, std::move(matrix));
    } else if (kind == kB) {
      builder.put_b(weight, std::move(matrix));
    } else {
      builder.put_magnitude(weight, std::move(matrix));
    }
  }
  for (AdapterWeight& weight : builder.weights()) {
    // No alpha means no scaling, as in llama.cpp.
    if (alpha != 0.0F && weight.rank > 0) weight.scale = alpha / static_cast<float>(weight.rank);
  }
  return builder.finish(false);
}

void write_gguf_adapter(const Adapter& adapter, const AdapterTarget& target, const GgufWriter::Sink& sink) {
  KINGLET_CHECK(!adapter.weights.empty(), "an adapter has weights");
  const AdapterWeight& first = adapter.weights.front();
  const float alpha = first.scale * static_cast<float>(first.rank);
  GgufWriter writer;
  writer.add_string("general.architecture", target.family.architecture);
  writer.add_string("general.type", "adapter");
  writer.add_string("adapter.type", "lora");
  writer.add_f32("adapter.lora.alpha", alpha);
  const quant::Format& f32 = *quant::find_by_name("F32");
  std::vector<std::vector<float>> rows;
  rows.reserve(2 * adapter.weights.size());
  const auto in_file_order = [&](const AdapterWeight& weight, const std::vector<float>& values, size_t row_len) {
    const bool of_heads = is_of_heads(target.family, weight.name);
    return of_heads && target.keeps_halves() ? rows_in_pairs(values, target.head_dim(), row_len) : values;
  };
  for (const AdapterWeight& weight : adapter.weights) {
    const float usual = alpha == 0.0F ? 1.0F : alpha / static_cast<float>(weight.rank);
    std::vector<float>& b = rows.emplace_back(in_file_order(weight, weight.b, weight.rank));
    if (weight.scale != usual) {
      for (float& x : b) x *= weight.scale / usual;
    }
    writer.add_tensor(str(weight.name, kA), f32, std::vector<uint64_t>{weight.cols, weight.rank},
                      std::as_bytes(std::span(weight.a)));
    writer.add_tensor(str(weight.name, kB), f32, std::vector<uint64_t>{weight.rank, weight.rows},
                      std::as_bytes(std::span(b)));
    if (weight.magnitude.empty()) continue;
    const auto& magnitude = rows.emplace_back(in_file_order(weight, weight.magnitude, 1));
    writer.add_tensor(str(weight.name, kMagnitude), f32, std::vector<uint64_t>{weight.rows},
                      std::as_bytes(std::span(magnitude)));
  }
  writer.write(sink);
}

}  // namespace kinglet::format
