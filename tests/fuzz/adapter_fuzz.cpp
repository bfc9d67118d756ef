// Reads bytes as an adapter for a tiny model: a GGUF adapter, or the adapter_config.json of a PEFT folder.
#include "core/base/base.h"
#include "fuzz_target.h"
#include "model/format/adapter.h"
#include "model/format/samples.h"
#include "model/models/tiny_model.h"

namespace {

using namespace kinglet;
using namespace kinglet::format;

samples::Bytes peft_tensors() {
  static const samples::Bytes data(256 * sizeof(float));
  const std::span<const std::byte> all(data);
  SafetensorsWriter writer;
  const std::string module = "base_model.model.model.layers.0.self_attn.q_proj";
  writer.add_tensor(module + ".lora_A.weight", "F32", {2, 64}, all.first(512));
  writer.add_tensor(module + ".lora_B.weight", "F32", {64, 2}, all.first(512));
  return samples::written(writer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const models::TinyModel model;
  static const samples::Bytes peft = peft_tensors();
  static const Safetensors tensors = Safetensors::read(peft, "adapter_model.safetensors");
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    if (is_gguf(bytes)) {
      const auto adapter = read_gguf_adapter(*read_gguf(bytes, "fuzz"), model->adapter_target());
      write_gguf_adapter(adapter, model->adapter_target(), [](std::span<const std::byte>) {});
    } else {
      static_cast<void>(read_peft_adapter({reinterpret_cast<const char*>(data), size}, "adapter_config.json", tensors,
                                          model->adapter_target()));
    }
  } catch (const Error& error) {
    KINGLET_CHECK(error.code() == ErrorCode::kInvalidFile || error.code() == ErrorCode::kUnsupported,
                  "a damaged file is called one");
  }
  return 0;
}
