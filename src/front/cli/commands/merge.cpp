// kinglet merge: an adapter becomes part of a model's weights.

#include "model/convert/merge.h"
#include "front/cli/commands/commands.h"
#include "front/cli/human.h"
#include "front/cli/interrupt.h"
#include "front/cli/model_argument.h"
#include "front/cli/progress.h"
#include "home/system/file.h"
#include "model/models/registry.h"

namespace kinglet::cli {
namespace {

class Merge final : public Action {
 public:
  void declare(Arguments& arguments) override {
    arguments.argument("MODEL", model_, "A name, a GGUF file, or a Hugging Face folder").is_model = true;
    arguments.argument("ADAPTER", adapter_, "A PEFT folder or a GGUF adapter; FILE=SCALE takes it at that strength")
        .is_file = true;
    arguments.argument("OUT", out_, "The GGUF file to write").is_file = true;
    arguments.option("--type", "TYPE", type_, "Of the matrices: f32, f16, bf16, q8_0, q4_k, ... (default: their own)");
  }

  void run(Session& session) override {
    const quant::Format* type = type_.empty() ? nullptr : quant::find_by_name(type_);
    if (!type_.empty() && (type == nullptr || type->encode == nullptr || type->activation == quant::Activation::kNone))
      fail_with(ErrorCode::kInvalidArgument, "--type: ", type_, " is not one of ", types());
    ModelSource source = find_model(session, model_);
    require_other_file(out_, source);
    add_adapters(source, {adapter_});
    const auto file = open_as_file(source);
    models::Model::check(*file);
    const auto* architecture =
        models::find_architecture(file->metadata().require<std::string_view>("general.architecture"));
    std::vector<models::AdapterUse> adapters;
    for (const auto& [path, factor] : source.adapters) {
      adapters.push_back({format::open_adapter(path, {*file, architecture->folder}), factor});
    }
    require_room(out_, convert::merged_size(*file, type));
    InterruptWatch interrupt;
    ProgressLine line(session.shows_progress());
    system::AtomicFile out(out_);
    convert::merge(
        *file, adapters, type, session.pool(), [&](std::span<const std::byte> bytes) { out.write(bytes); },
        [&](uint64_t done_bytes, uint64_t total_bytes) {
          line.show("Merging", done_bytes, total_bytes);
          return !interrupt.requested();
        });
    out.commit();
    line.finish();
    session.note(str("Wrote ", out_, ", ", human_bytes(out.size()), "."));
  }

 private:
  static std::string types() {
    std::string names;
    for (const quant::Format& format : quant::formats()) {
      if (format.encode != nullptr && format.activation != quant::Activation::kNone)
        names += str(names.empty() ? "" : ", ", format.name);
    }
    return names;
  }

  std::string model_;
  std::string adapter_;
  std::string out_;
  std::string type_;
};

}  // namespace

Command merge_command() {
  return {
      "merge",
      "",
      "Write a model with an adapter in its weights",
      "The GGUF file answers as the model does with --adapter, but for rounding to its type: into a quantized model "
      "a small adapter may be lost, so choose --type f16 and quantize that. DoRA is merged too. Every value is read: "
      "NaN or infinity is refused, and the tensor is named.",
      "kinglet merge smollm2:135m ./my-lora merged.gguf --type f16",
      make_action<Merge>};
}

}  // namespace kinglet::cli
